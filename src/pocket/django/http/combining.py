"""Django and the API as one ASGI application, for development servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import set_script_prefix

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    ASGIApp = Callable[[Scope, Any, Any], Awaitable[None]]


class Prefixed:
    """An ASGI application under `prefix`: it finds the prefix in the scope's root_path, as ASGI has it."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self.prefix = normal(prefix)

    def owns(self, path: str, root_path: str = "") -> bool:
        """Whether `path`, which begins with `root_path`, belongs to the application."""
        rest = path.removeprefix(root_path)
        return rest == self.prefix or rest.startswith(f"{self.prefix}/")

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] in {"http", "websocket"}:
            root_path = scope.get("root_path", "")
            # Addresses of pages that the API gives lie where Django's own do.
            set_script_prefix(f"{root_path}/")
            scope = {**scope, "root_path": root_path + self.prefix}
        await self.app(scope, receive, send)


def normal(prefix: str) -> str:
    """`prefix` with one slash in front and none at the end; ValueError for one that leaves nothing to Django."""
    stripped = prefix.strip("/")
    if not stripped:
        raise ValueError("An API that takes every path leaves none to Django: give it a prefix such as /api.")
    return f"/{stripped}"


def combine(api: ASGIApp, *, django: ASGIApp | None = None, prefix: str = "/api") -> ASGIApp:
    """`api` under `prefix`, `django` everywhere else; by default the project's own ASGI application.

    The API's lifespan is run, and web sockets are its. In development (DEBUG, with django.contrib.staticfiles) static
    files are served as runserver serves them.
    """
    prefixed = Prefixed(api, prefix)
    site: Any = django if django is not None else _site()

    async def application(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan" or prefixed.owns(scope["path"], scope.get("root_path", "")):
            await prefixed(scope, receive, send)
        else:
            await site(scope, receive, send)

    return application


def _site() -> Any:
    from django.apps import apps
    from django.conf import settings
    from django.core.asgi import get_asgi_application

    site = get_asgi_application()
    if settings.DEBUG and apps.is_installed("django.contrib.staticfiles"):
        from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

        return ASGIStaticFilesHandler(site)
    return site
