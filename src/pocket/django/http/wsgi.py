"""The Lambda handler of a Django project."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings

from pocket.django.configuration.databases import open_transactions, settle
from pocket.django.http.application import Application
from pocket.django.http.cdn import is_behind_cdn
from pocket.errors import DeadlineExceeded, ResponseRefused
from pocket.lambda_http.formats import choose
from pocket.lambda_http.request import Gateway
from pocket.lambda_http.response import FAILED, TIMED_OUT, finish, private

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("pocket.http")


class LambdaHandler:
    """Answers Lambda's HTTP events with the project's application."""

    def __init__(self, gateway: Gateway, application: Application | None = None) -> None:
        self.gateway = gateway
        self.application = application or Application()

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any] | bytes:
        """The response to `event` in the event's format; raises UnknownEvent for an event that is not HTTP."""
        form = choose(event)
        request = form.parse(event, self.gateway)
        self.application.limit = form.LIMIT
        outer = open_transactions()
        try:
            response = self.application.respond(request, event, context)
            return finish(form, event, request.method, private(response) if self.gateway.cached else response)
        except ResponseRefused as error:
            failure = FAILED
            logger.error("%s: %s %s", request, error.message, error.hint)
        except DeadlineExceeded:
            failure = TIMED_OUT
        except Exception:
            failure = FAILED
            logger.exception("%s: the request failed outside of Django's exception handling.", request)
        finally:
            settle(outer)
        return finish(form, event, request.method, failure)


def make_wsgi_handler() -> Callable[[dict[str, Any], Any], dict[str, Any] | bytes]:
    """A Lambda handler for the Django project of DJANGO_SETTINGS_MODULE; calls `django.setup()` if necessary.

    The settings POCKET_BASE_PATH and POCKET_TRUSTED_PROXIES are not in events: see `lambda_http.request.Gateway`.
    """
    return LambdaHandler(gateway_of_settings())


def gateway_of_settings() -> Gateway:
    """The Gateway of the project's settings; calls `django.setup()` first if necessary."""
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup(set_prefix=False)
    base_path, proxies = getattr(settings, "POCKET_BASE_PATH", None), getattr(settings, "POCKET_TRUSTED_PROXIES", 0)
    return Gateway(base_path, proxies, cached=is_behind_cdn())
