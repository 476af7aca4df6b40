"""Django's request, built from a neutral one: what a WSGIRequest of the same HTTP request would be."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.utils.encoding import repercent_broken_unicode

if TYPE_CHECKING:
    from pocket.lambda_http.request import Request


class LambdaRequest(WSGIRequest):
    """An HTTP request with `lambda_event` and `lambda_context`, the arguments of the Lambda handler."""

    lambda_event: dict[str, Any]
    lambda_context: Any

    def __init__(self, request: Request, environ: dict[str, Any], event: dict[str, Any], context: Any) -> None:
        script_name = environ["SCRIPT_NAME"]
        path_info = environ["PATH_INFO"]
        environ["wsgi.input"] = self._stream = BytesIO(request.body)
        self.environ = self.META = environ
        self.path_info = path_info
        self.path = f"{script_name.rstrip('/')}/{path_info.replace('/', '', 1)}" if script_name else path_info
        self.method = request.method
        if "CONTENT_TYPE" in environ:
            self._set_content_type_params(environ)  # type: ignore[attr-defined]
        else:
            self.content_type = ""
            self.content_params = {}
        self._read_started = False
        self.resolver_match = None
        self.lambda_event = event
        self.lambda_context = context


def place(environ: dict[str, Any], request: Request) -> str:
    """Sets SCRIPT_NAME and PATH_INFO as Django understands them; returns the script name."""
    forced: str | None = settings.FORCE_SCRIPT_NAME
    script_name = _text(request.script_name) if forced is None else forced
    environ["SCRIPT_NAME"] = script_name
    environ["PATH_INFO"] = _text(request.path) or "/"
    return script_name


def _text(path: str) -> str:
    """A decoded path as Django has it: bytes that are no UTF-8 percent-encoded again."""
    if path.isascii():
        return path
    return repercent_broken_unicode(path.encode("utf-8", "surrogateescape")).decode()
