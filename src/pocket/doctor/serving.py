"""The second half of a start, after the registry: the stage's handlers, up to their first responses.

Requests for pages go through Pocket's WSGI handler, those for the API through its ASGI handler, as events of an HTTP
API.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocket.doctor.recording import Recorder

HANDLER = "handler"
MIDDLEWARE = "middleware"
URLCONF = "URLconf"
WARM_UP = "warm-up"
API = "FastAPI"
REQUEST = "first request"
API_REQUEST = "first API request"


class Served(NamedTuple):
    """What a stage's handlers serve: whether `pages` of the URLconf, and the API as in the manifest.

    `prefix` is the API's; it is empty if a handler serves only the API.
    """

    commands: Sequence[str] = ()
    pages: bool = True
    api: Any = None
    prefix: str = ""


class Site:
    """The handlers; `answers` has path, response and exception class of each request."""

    def __init__(self) -> None:
        self.pages: Any = None
        self.api: Any = None
        self.api_path = "/"
        self.error = ""
        self.answers: list[tuple[str, Any, str]] = []

    def make_handler(self) -> None:
        """Creates Django's handler without its middleware."""
        import pocket.django.lambda_handlers  # noqa: F401  Lambda's runtime imports it first
        from pocket.django.http.application import Application
        from pocket.django.http.wsgi import LambdaHandler, gateway_of_settings

        class Unloaded(Application):
            """An application whose middleware `Site.load_middleware` loads."""

            def load_middleware(self, is_async: bool = False) -> None:
                pass

        self.pages = LambdaHandler(gateway_of_settings(), Unloaded())

    def load_middleware(self) -> None:
        """Loads the middleware, as Django's handler does on creation."""
        from pocket.django.http.application import Application

        Application.load_middleware(self.pages.application)

    def load_urls(self) -> None:
        """Imports the root URLconf with everything that it includes."""
        from django.urls import get_resolver

        _ = get_resolver().url_patterns

    def warm_up(self) -> None:
        """Loads what Pocket's handlers load before the first request."""
        from pocket.django.http.warmup import warm_up

        warm_up()

    def make_api(self, served: Served) -> None:
        """Imports the application of `[awscontainer.fastapi]` and starts its lifespan."""
        from pocket.fastapi.lambda_handlers import make_api_handler

        self.api = make_api_handler(served.api, alone=not served.prefix)

    def find_api_path(self, served: Served, recorder: Recorder) -> None:
        """Chooses the API's path to request."""
        with recorder.paused():
            from pocket.fastapi.endpoint_sources import first_path

            inside = first_path(served.api.app)
        self.api_path = f"{served.prefix}{inside}"

    def get(self, handler: Any, path: str) -> None:
        """Sends a GET of `path` over HTTPS to the handler."""
        from django.conf import settings

        from pocket.probe import http_event

        host = next((name for name in settings.ALLOWED_HOSTS if not name.startswith((".", "*"))), "localhost")
        settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, host]
        self.error = ""
        answer = handler(http_event(f"https://{host}", path, "pocket doctor"), None)
        self.answers.append((path, answer, self.error))

    def listen(self) -> None:
        """Records the class of the exception that ends a request: Django signals it, the ASGI handler logs it."""
        import logging

        from django.core.signals import got_request_exception

        def failed(**kwargs: Any) -> None:
            kind = sys.exc_info()[0]
            self.error = "" if kind is None else kind.__name__

        def logged(record: logging.LogRecord) -> bool:
            if record.exc_info and record.exc_info[0] is not None:
                self.error = record.exc_info[0].__name__
            return True

        got_request_exception.connect(failed, weak=False)
        logging.getLogger("pocket.http").addFilter(logged)


def find(recorder: Recorder) -> Served:
    """What the stage in POCKET_STAGE serves; without a stage, the pages and the first API of any stage.

    The time and modules of this look-up are not counted.
    """
    with recorder.paused():
        from pocket import naming
        from pocket.django.configuration import source
        from pocket.errors import PocketError

        name = os.environ.get(naming.STAGE_KEY, "")
        if not name and "pocket.config" not in sys.modules:
            return Served()
        try:
            manifest, _ = source.manifest()
            stages = [source.stage(manifest, name)] if name else [*manifest.stages.values()]
        except PocketError:
            return Served()
        for stage in stages:
            commands = [handler.command for handler in stage.handlers.values()]
            beside = naming.COMBINED_HANDLER in commands
            if stage.api is not None and (beside or naming.FASTAPI_HANDLER in commands):
                prefix = f"/{stage.api.prefix.strip('/')}" if beside else ""
                pages = not name or any(map(serves_pages, commands))
                return Served(commands if name else (), pages, stage.api, prefix)
        return Served([handler.command for stage in stages for handler in stage.handlers.values()] if name else ())


def serves_pages(command: str) -> bool:
    """Whether the handler `command` may serve the URLconf; a handler of the project may."""
    from pocket import naming

    kind = naming.HANDLERS.get(command)
    return kind is None or kind.pages
