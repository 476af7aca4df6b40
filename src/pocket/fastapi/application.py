"""The FastAPI application of a Django project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from fastapi import FastAPI

from pocket.django.configuration.setup import setup
from pocket.fastapi.caching import add_refresh
from pocket.fastapi.discovery import discover as discovered
from pocket.fastapi.documentation import ASSETS, serve_own_pages
from pocket.fastapi.problems import handle_errors
from pocket.fastapi.routes import Route
from pocket.fastapi.work import current, new

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from pocket.fastapi.caching import CachedQuery


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
        if apps.ready and apps.is_installed(ASSETS):
            serve_own_pages(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        serving = super().__call__(scope, receive, send)
        await (serving if scope["type"] != "http" or current() is not None else new(scope).around(serving))


def create_app(
    *,
    settings_module: str | None = None,
    discover: bool = True,
    refresh: Mapping[str, CachedQuery] | None = None,
    **options: Any,
) -> API:
    """The project's API: Django set up, and the routers of all installed apps included, tagged with the app's label.

    `refresh` names cached queries that `/refresh/` reads anew and answers with: see `add_refresh`. `options` are
    FastAPI's own (title, version, lifespan, root_path ...). Raises SetupFailed.
    """
    setup(settings_module)
    app = API(**options)
    if refresh:
        add_refresh(app, refresh)
    if discover:
        for config, router in discovered():
            app.include_router(router, tags=None if router.tags else [config.label])
    return app
