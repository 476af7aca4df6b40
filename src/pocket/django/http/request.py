"""Django's request for a `lambda_http` request, equal to the WSGIRequest of the same HTTP request."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import QueryDict
from django.utils.encoding import repercent_broken_unicode
from django.utils.functional import cached_property

from pocket.django.http.environ import environ_of

if TYPE_CHECKING:
    from pocket.lambda_http.request import Request


class LambdaRequest(WSGIRequest):
    """An HTTP request with `lambda_event` and `lambda_context`, the arguments of the Lambda handler.

    `META`, which is also `environ`, is built when it is first read.
    """

    lambda_event: dict[str, Any]
    lambda_context: Any

    def __init__(self, request: Request, event: dict[str, Any], context: Any) -> None:
        forced: str | None = settings.FORCE_SCRIPT_NAME
        script_name = _text(request.script_name) if forced is None else forced
        path_info = _text(request.path) or "/"
        self._request = request
        self._script_name = script_name
        self.path_info = path_info
        self.path = f"{script_name.rstrip('/')}/{path_info.replace('/', '', 1)}" if script_name else path_info
        self.method = request.method
        self._stream = BytesIO(request.body)
        if "content-type" in request.headers.layout.last:
            self._set_content_type_params(self.META)  # type: ignore[attr-defined]
        else:
            self.content_type = ""
            self.content_params = {}
        self._read_started = False
        self.resolver_match = None
        self.lambda_event = event
        self.lambda_context = context

    @property
    def script_name(self) -> str:
        """The prefix of the project's paths; settings.FORCE_SCRIPT_NAME overrides it."""
        return self._script_name

    @cached_property
    def META(self) -> dict[str, Any]:  # type: ignore[override]  # noqa: N802  (Django's name)
        """The request's WSGI environment."""
        environ = environ_of(self._request)
        environ["SCRIPT_NAME"] = self._script_name
        environ["PATH_INFO"] = self.path_info
        environ["wsgi.input"] = self._stream
        return environ

    @cached_property
    def GET(self) -> QueryDict:  # type: ignore[override]  # noqa: N802  (Django's name)
        """The query's parameters; reading them does not build `META`."""
        query: str = self.META["QUERY_STRING"] if "META" in self.__dict__ else self._request.query
        return QueryDict(query.encode("latin-1"), encoding=self._encoding)  # type: ignore[attr-defined]

    @cached_property
    def environ(self) -> dict[str, Any]:  # type: ignore[override]
        """The same as `META`."""
        return self.META

    def _get_scheme(self) -> str:
        return self._request.scheme


class ServedRequest(LambdaRequest):
    """The same request, built by Django from the environment of `served_environ`."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self._request, self.lambda_event, self.lambda_context = environ.pop(_EXCHANGE)
        WSGIRequest.__init__(self, environ)
        self._script_name = environ["SCRIPT_NAME"]

    def _get_scheme(self) -> str:
        scheme: str = self.environ["wsgi.url_scheme"]
        return scheme


_EXCHANGE = "pocket.exchange"


def served_environ(request: Request, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The complete WSGI environment (PEP 3333) of a request, from which Django builds a ServedRequest."""
    environ = environ_of(request)
    environ["SCRIPT_NAME"] = _bytes_of(request.script_name)
    environ["PATH_INFO"] = _bytes_of(request.path)
    environ["wsgi.input"] = BytesIO(request.body)
    environ[_EXCHANGE] = request, event, context
    return environ


def _bytes_of(path: str) -> str:
    """A decoded path as a WSGI string: its bytes, decoded with Latin-1."""
    return path.encode("utf-8", "surrogateescape").decode("latin-1")


def _text(path: str) -> str:
    """A decoded path as in Django: bytes that are not UTF-8 are percent-encoded again."""
    if path.isascii():
        return path
    return repercent_broken_unicode(path.encode("utf-8", "surrogateescape")).decode()
