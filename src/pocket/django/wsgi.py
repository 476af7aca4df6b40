"""Django behind Lambda's HTTP events, without a WSGI server in between."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core import signals
from django.core.handlers.base import BaseHandler
from django.urls import set_script_prefix

from pocket.django.environ import environ_of
from pocket.django.request import LambdaRequest, place
from pocket.errors import ResponseTooLarge
from pocket.lambda_http.formats import choose
from pocket.lambda_http.request import Gateway
from pocket.lambda_http.response import Response, finish

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http.response import HttpResponseBase

    from pocket.lambda_http.request import Request

logger = logging.getLogger("pocket.http")


class LambdaHandler(BaseHandler):
    """Answers events with Django's middleware chain; one a process, since it loads the middleware."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.load_middleware()

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any] | bytes:
        """The response to `event` in the event's own format; raises UnknownEvent for what is no HTTP event."""
        form = choose(event)
        request = form.parse(event, self.gateway)
        try:
            return finish(form, event, request.method, self.respond(request, event, context))
        except ResponseTooLarge as error:
            logger.error("%s %s: %s %s", request.method, request.path, error.message, error.hint)
        except Exception:
            logger.exception("%s %s: the request failed outside Django's own handling.", request.method, request.path)
        return finish(form, event, request.method, _FAILED)

    def respond(self, request: Request, event: dict[str, Any], context: Any) -> Response:
        """The answer of the middleware chain, read to its end, with Django's signals around it."""
        environ = environ_of(request)
        set_script_prefix(place(environ, request))
        signals.request_started.send(sender=self.__class__, environ=environ)
        response = self.get_response(LambdaRequest(request, environ, event, context))
        response._handler_class = self.__class__  # type: ignore[attr-defined]
        try:
            headers = [*response.items()]
            if response.cookies:
                headers.extend(("Set-Cookie", cookie.output(header="")) for cookie in response.cookies.values())
            return Response(response.status_code, headers, _body(response))
        finally:
            response.close()


_FAILED = Response(500, [("Content-Type", "text/plain; charset=utf-8")], b"Internal Server Error\n")


def _body(response: HttpResponseBase) -> bytes:
    if response.streaming:
        return b"".join(response)
    content: bytes = response.content  # type: ignore[attr-defined]
    return content


def make_wsgi_handler() -> Callable[[dict[str, Any], Any], dict[str, Any] | bytes]:
    """A Lambda handler for the Django project of DJANGO_SETTINGS_MODULE, which it sets up unless that is done.

    The settings POCKET_BASE_PATH and POCKET_TRUSTED_PROXIES say what an event does not (`lambda_http.request.Gateway`).
    """
    return LambdaHandler(gateway_of_settings())


def gateway_of_settings() -> Gateway:
    """What the project's settings say of the way that requests take; sets Django up first."""
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup(set_prefix=False)
    return Gateway(getattr(settings, "POCKET_BASE_PATH", None), getattr(settings, "POCKET_TRUSTED_PROXIES", 0))
