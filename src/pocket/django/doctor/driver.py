"""One start of the project: settings, the registry's three phases app by app, handler, URLconf, first request.

Django's own `populate()` drives; the doctor stands beside each step of it. The garbage collector rests, as it does
when a function starts.
"""

from __future__ import annotations

import gc
import sys
import warnings
from typing import TYPE_CHECKING, Any

from pocket.django.doctor.database import Interceptor
from pocket.django.doctor.imports import Finder
from pocket.django.doctor.recording import Recorder
from pocket.django.doctor.translation import Listener

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS = "settings"
CONFIGS = "app configs"
MODELS = "models"
READY = "ready()"
HANDLER = "handler"
URLCONF = "URLconf"
MIDDLEWARE = "middleware"
REQUEST = "first request"


class Start:
    """What a start showed. `failure` is what ended it early, in the phase `stopped` and the app `app`."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.finder = Finder(self.recorder)
        self.database = Interceptor(self.recorder)
        self.translation = Listener(self.recorder)
        self.failure: BaseException | None = None
        self.stopped = ""
        self.app = ""
        self.entry = ""
        self.handler: Any = None
        self.answer: Any = None
        self.request_error = ""

    def run(self, path: str | None) -> None:
        """Starts the project; with a `path`, up to the response to a GET of it, without one up to a full registry."""
        gc.disable()
        warnings.simplefilter("ignore")
        self.finder.install()
        steps: list[tuple[str, Callable[[], None]]] = [(SETTINGS, self._settings), ("", self._populate)]
        if path is not None:
            steps += [(HANDLER, self._handler), (MIDDLEWARE, self._middleware), (URLCONF, self._urlconf)]
            steps += [(REQUEST, lambda: self._request(path))]
        try:
            for name, step in steps:
                if name:
                    self.stopped = name
                    with self.recorder.span(name, "phase"):
                        step()
                else:
                    step()
            self.stopped = ""
        except Exception as error:  # noqa: BLE001 - whatever ends a start is what the doctor is to explain
            self.failure = error
        except SystemExit as error:
            self.failure = error
        finally:
            self.finder.remove()

    def _settings(self) -> None:
        from django.conf import settings

        _ = settings.INSTALLED_APPS
        self.database.install()
        self.translation.install()

    def _populate(self) -> None:
        import django
        from django.apps import AppConfig

        phases = _Phases(self)
        original: Any = AppConfig.__dict__["create"]
        try:
            AppConfig.create = classmethod(phases.creating(original.__func__))  # type: ignore[method-assign, assignment]
            phases.begin(CONFIGS)
            django.setup()
            self.app = ""
        finally:
            AppConfig.create = original  # type: ignore[method-assign]
            phases.end()

    def _handler(self) -> None:
        import pocket.django.lambda_handlers  # noqa: F401  what Lambda's runtime imports first
        from pocket.django.wsgi import LambdaHandler, gateway_of_settings

        class Unloaded(LambdaHandler):
            """Loads the middleware when it is told to."""

            def load_middleware(self, is_async: bool = False) -> None:
                pass

        self.handler = Unloaded(gateway_of_settings())

    def _middleware(self) -> None:
        from pocket.django.wsgi import LambdaHandler

        LambdaHandler.load_middleware(self.handler)

    def _urlconf(self) -> None:
        from django.urls import get_resolver

        _ = get_resolver().url_patterns

    def _request(self, path: str) -> None:
        from django.conf import settings
        from django.core.signals import got_request_exception

        def failed(**kwargs: Any) -> None:
            kind = sys.exc_info()[0]
            self.request_error = "" if kind is None else kind.__name__

        host = next((name for name in settings.ALLOWED_HOSTS if not name.startswith((".", "*"))), "localhost")
        settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, host]
        got_request_exception.connect(failed, weak=False)
        self.answer = self.handler(_event(path, host), None)


class _Phases:
    """The registry's three phases as spans, one app after the other; the next phase begins where an app tells."""

    def __init__(self, start: Start) -> None:
        self.start = start
        self._open: Any = None

    def begin(self, name: str) -> None:
        if self._open is None or self.start.stopped != name:
            self.end()
            self.start.stopped = name
            self._open = self.start.recorder.span(name, "phase")
            self._open.__enter__()

    def end(self) -> None:
        if self._open is not None:
            self._open.__exit__(None, None, None)
            self._open = None

    def creating(self, create: Callable[..., Any]) -> Callable[..., Any]:
        """Django's `AppConfig.create`, measured, whose app then tells when its models and its `ready()` come."""

        def measured(cls: Any, entry: str) -> Any:
            self.start.app = self.start.entry = entry
            with self.start.recorder.span(entry, "app"):
                config = create(cls, entry)
            config.import_models = self._told(MODELS, config.name, config.import_models)
            config.ready = self._told(READY, config.name, config.ready)
            return config

        return measured

    def _told(self, phase: str, app: str, step: Callable[[], None]) -> Callable[[], None]:
        def measured() -> None:
            self.begin(phase)
            self.start.app = app
            with self.start.recorder.span(app, "app"):
                step()

        return measured


def _event(path: str, host: str) -> dict[str, Any]:
    """What an HTTP API sends for a GET of `path` over HTTPS."""
    address, _, query = path.partition("?")
    return {
        "version": "2.0",
        "rawPath": address,
        "rawQueryString": query,
        "headers": {"host": host, "accept": "text/html", "x-forwarded-proto": "https", "user-agent": "pocket doctor"},
        "isBase64Encoded": False,
        "requestContext": {
            "stage": "$default",
            "domainName": host,
            "http": {"method": "GET", "path": address, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
        },
    }
