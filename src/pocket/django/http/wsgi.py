"""The Lambda handler of a Django project: its application behind Lambda's HTTP events."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings

from pocket.django.configuration.databases import open_transactions, settle
from pocket.django.http.application import Application
from pocket.errors import DeadlineExceeded, ResponseRefused
from pocket.lambda_http.formats import choose
from pocket.lambda_http.request import Gateway
from pocket.lambda_http.response import FAILED, TIMED_OUT, finish

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("pocket.http")


class LambdaHandler:
    """Answers events with the project's application."""

    def __init__(self, gateway: Gateway, application: Application | None = None) -> None:
        self.gateway = gateway
        self.application = application or Application()

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any] | bytes:
        """The response to `event` in the event's own format; raises UnknownEvent for what is no HTTP event."""
        form = choose(event)
        request = form.parse(event, self.gateway)
        self.application.limit = form.LIMIT
        outer = open_transactions()
        try:
            return finish(form, event, request.method, self.application.respond(request, event, context))
        except ResponseRefused as error:
            failure = FAILED
            logger.error("%s: %s %s", request, error.message, error.hint)
        except DeadlineExceeded:
            failure = TIMED_OUT
        except Exception:
            failure = FAILED
            logger.exception("%s: the request failed outside Django's own handling.", request)
        finally:
            settle(outer)
        return finish(form, event, request.method, failure)


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
