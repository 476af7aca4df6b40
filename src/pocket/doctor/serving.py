"""The second half of a start, after the registry: what a stage's handlers serve, up to the first responses.

Pages are asked for through Pocket's WSGI handler, the API through its ASGI handler, both with an HTTP API's events.
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
    """What the handlers of a stage serve: `pages` of the URLconf, and an API, with `api` as the manifest tells of it.

    `prefix` is where the API begins; it is empty where a handler serves the API alone.
    """

    commands: Sequence[str] = ()
    pages: bool = True
    api: Any = None
    prefix: str = ""


class Site:
    """The handlers in the making; `answers` has the response to each request that was made, with its path."""

    def __init__(self) -> None:
        self.pages: Any = None
        self.api: Any = None
        self.api_path = "/"
        self.error = ""
        self.answers: list[tuple[str, Any, str]] = []

    def make_handler(self) -> None:
        """Django's handler without its middleware."""
        import pocket.django.lambda_handlers  # noqa: F401  what Lambda's runtime imports first
        from pocket.django.http.application import Application
        from pocket.django.http.wsgi import LambdaHandler, gateway_of_settings

        class Unloaded(Application):
            """Loads the middleware when it is told to."""

            def load_middleware(self, is_async: bool = False) -> None:
                pass

        self.pages = LambdaHandler(gateway_of_settings(), Unloaded())

    def load_middleware(self) -> None:
        """What Django's handler does when it is made."""
        from pocket.django.http.application import Application

        Application.load_middleware(self.pages.application)

    def load_urls(self) -> None:
        """The root URLconf and all that it includes."""
        from django.urls import get_resolver

        _ = get_resolver().url_patterns

    def warm_up(self) -> None:
        """What Pocket's handlers load before the first request comes."""
        from pocket.django.http.warmup import warm_up

        warm_up()

    def make_api(self, served: Served) -> None:
        """The application that `[awscontainer.fastapi]` names, with its lifespan started."""
        from pocket.fastapi.lambda_handlers import make_api_handler

        self.api = make_api_handler(served.api, alone=not served.prefix)

    def find_api_path(self, served: Served, recorder: Recorder) -> None:
        """Which of the API's paths to ask for by itself."""
        with recorder.paused():
            from pocket.fastapi.endpoints import first_path

            inside = first_path(served.api.app)
        self.api_path = f"{served.prefix}{inside}"

    def ask(self, handler: Any, path: str) -> None:
        """A GET of `path` over HTTPS."""
        from django.conf import settings

        from pocket.probe import http_event

        host = next((name for name in settings.ALLOWED_HOSTS if not name.startswith((".", "*"))), "localhost")
        settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, host]
        self.error = ""
        answer = handler(http_event(f"https://{host}", path, "pocket doctor"), None)
        self.answers.append((path, answer, self.error))

    def listen(self) -> None:
        """Keeps the class of the exception that a request ends with: Django signals it, the ASGI handler logs it."""
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
    """What is served by the stage that is named; without one, the pages and the first API that a stage declares.

    To look it up costs a start nothing: its time and its modules are not counted.
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
    """Whether the Lambda handler `command` may answer requests with the URLconf; one of the project's own may."""
    from pocket import naming

    kind = naming.HANDLERS.get(command)
    return kind is None or kind.pages
