"""The FastAPI application of a Django project."""

from __future__ import annotations

from importlib.util import find_spec
from inspect import signature
from os import environ
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.templatetags.static import static
from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html

from pocket.django.configuration.setup import setup
from pocket.fastapi.caching import add_refresh
from pocket.fastapi.discovery import discover as discovered
from pocket.fastapi.problems import handle_errors
from pocket.fastapi.routes import Route
from pocket.fastapi.work import WorkInPlace, current, new, request_work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from pocket.fastapi.caching import CachedQuery

_ASSETS = "drf_spectacular_sidecar"
"""The app drf-spectacular-sidecar, used if it is installed, and the folder of its static files."""

_SWAGGER = f"{_ASSETS}/swagger-ui-dist"
_ICON = f"{_SWAGGER}/favicon-32x32.png"


class API(FastAPI):
    """A FastAPI that gives each request the place where its work in Django is done, and answers Django's exceptions.

    Its own route decorators make `Route`s; routers that are included and mounted applications share the work.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.router.route_class = Route
        handle_errors(self)

    def setup(self) -> None:
        """As FastAPI's, with documentation pages that need no CDN where the project has installed their files."""
        super().setup()
        if apps.ready and apps.is_installed(_ASSETS):
            _serve_own_pages(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        work = new(scope) if scope["type"] != "lifespan" and current() is None else None
        if not isinstance(work, WorkInPlace):
            serving = super().__call__(scope, receive, send)
            await (serving if work is None else work.around(serving))
            return
        token = request_work.set(work)  # as `around` does it, which is a coroutine more
        try:
            await super().__call__(scope, receive, send)
        finally:
            request_work.reset(token)
            work.end()


def create_app(
    *,
    settings_module: str | None = None,
    discover: bool = True,
    refresh: Mapping[str, CachedQuery] | None = None,
    **options: Any,
) -> API:
    """The project's API: Django set up, and the routers of all installed apps included, tagged with the app's label.

    `refresh` names cached queries that `/refresh/` refreshes and returns: see `add_refresh`. `options` are
    FastAPI's own (title, version, lifespan, root_path ...). FastAPI's telemetry is off unless OpenTelemetry's SDK is
    installed, a variable of OpenTelemetry is set, or `telemetry` is among the options. Raises SetupFailed.
    """
    setup(settings_module)
    if "telemetry" not in options and _records_nothing():  # for which FastAPI would look in each request
        options["telemetry"] = {"tracing": False, "metrics": False, "logs": False}
    app = API(**options)
    if refresh:
        add_refresh(app, refresh)
    if discover:
        for config, router in discovered():
            app.include_router(router, tags=None if router.tags else [config.label])
    return app


def _records_nothing() -> bool:
    """Whether this FastAPI has telemetry, without OpenTelemetry's SDK or a variable that asks for a provider."""
    has = "telemetry" in signature(FastAPI.__init__).parameters
    asked = any(name.startswith(("OTEL_", "FASTAPI_OTEL_")) for name in environ)
    return has and not asked and find_spec("opentelemetry.sdk") is None


def _serve_own_pages(app: FastAPI) -> None:
    """Makes the documentation pages of `app` load their scripts from the site's own static files.

    FastAPI's own pages load Swagger UI and ReDoc from a CDN, and stay blank if it cannot be reached.
    """

    async def swagger(request: Request) -> Response:
        root = request.scope.get("root_path", "").rstrip("/")
        redirect = app.swagger_ui_oauth2_redirect_url
        return get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=f"{app.title} - Swagger UI",
            swagger_js_url=static(f"{_SWAGGER}/swagger-ui-bundle.js"),
            swagger_css_url=static(f"{_SWAGGER}/swagger-ui.css"),
            swagger_favicon_url=static(_ICON),
            oauth2_redirect_url=f"{root}{redirect}" if redirect else None,
            init_oauth=app.swagger_ui_init_oauth,
            swagger_ui_parameters=app.swagger_ui_parameters,
        )

    async def redoc(request: Request) -> Response:
        return get_redoc_html(
            openapi_url=f"{request.scope.get('root_path', '').rstrip('/')}{app.openapi_url}",
            title=f"{app.title} - ReDoc",
            redoc_js_url=static(f"{_ASSETS}/redoc/bundles/redoc.standalone.js"),
            redoc_favicon_url=static(_ICON),
            with_google_fonts=False,
        )

    for path, page in ((app.docs_url, swagger), (app.redoc_url, redoc)):
        if app.openapi_url and path:
            app.router.routes[:] = [route for route in app.router.routes if getattr(route, "path", None) != path]
            app.add_route(path, page, include_in_schema=False)
