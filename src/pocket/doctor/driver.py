"""One start of the project: settings, the registry's three phases app by app, then the steps of `serving`.

Django's own `populate()` runs; the doctor wraps each of its steps. The garbage collector is off, as in a function's
start.
"""

from __future__ import annotations

import gc
import warnings
from typing import TYPE_CHECKING, Any

from pocket.doctor import serving
from pocket.doctor.imports import Finder
from pocket.doctor.queries import Interceptor
from pocket.doctor.recording import Recorder
from pocket.doctor.translation import Listener

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS = "settings"
CONFIGS = "app configs"
MODELS = "models"
READY = "ready()"


class Start:
    """A recorded start. `failure` is the exception that ended it early, in the phase `stopped` and the app `app`."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.finder = Finder(self.recorder)
        self.recorder.finder = self.finder
        self.database = Interceptor(self.recorder)
        self.translation = Listener(self.recorder)
        self.failure: BaseException | None = None
        self.stopped = ""
        self.app = ""
        self.entry = ""
        self.site = serving.Site()
        self.served = serving.Served()

    def run(self, path: str | None) -> None:
        """Starts the project up to the response to a GET of `path`; if that is None, up to a full registry."""
        gc.disable()
        warnings.simplefilter("ignore")
        self.finder.install()
        try:
            self._phase(SETTINGS, self._settings)
            self._populate()
            if path is not None:
                self._serve(path)
            self.stopped = ""
        except Exception as error:  # noqa: BLE001 - the doctor explains any exception of a start
            self.failure = error
        except SystemExit as error:
            self.failure = error
        finally:
            self.finder.remove()

    def _phase(self, name: str, step: Callable[[], None], kind: str = "phase") -> None:
        self.stopped = name
        with self.recorder.span(name, kind):
            step()

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

    def _serve(self, path: str) -> None:
        """From a full registry to the responses; the request to an API beside pages comes last."""
        site, recorder = self.site, self.recorder
        served = self.served = serving.find(recorder)
        site.listen()
        if served.pages:
            self._phase(serving.HANDLER, site.make_handler)
            self._phase(serving.MIDDLEWARE, site.load_middleware)
            self._phase(serving.URLCONF, site.load_urls)
            self._phase(serving.WARM_UP, site.warm_up)
        if served.api is not None:
            self._phase(serving.API, lambda: site.make_api(served))
            site.find_api_path(served, recorder)
        of_api = served.api is not None and served.prefix and f"{path}/".startswith(f"{served.prefix}/")
        if served.pages and not of_api:
            self._phase(serving.REQUEST, lambda: site.get(site.pages, path))
            if served.api is not None:
                self._phase(serving.API_REQUEST, lambda: site.get(site.api, site.api_path), kind="after")
        else:
            api_path = site.api_path if path == "/" else path
            self._phase(serving.REQUEST, lambda: site.get(site.api, api_path))


class _Phases:
    """The registry's three phases as spans, with a span for each app; an app's first step begins its phase."""

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
        """Django's `AppConfig.create`, measured; it also wraps the app's `import_models` and `ready`."""

        def measured(cls: Any, entry: str) -> Any:
            self.start.app = self.start.entry = entry
            with self.start.recorder.span(entry, "app"):
                config = create(cls, entry)
            config.import_models = self._measured(MODELS, config.name, config.import_models)
            config.ready = self._measured(READY, config.name, config.ready)
            return config

        return measured

    def _measured(self, phase: str, app: str, step: Callable[[], None]) -> Callable[[], None]:
        def measured() -> None:
            self.begin(phase)
            self.start.app = app
            with self.start.recorder.span(app, "app"):
                step()

        return measured
