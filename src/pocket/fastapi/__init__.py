"""FastAPI over Django: one set-up, routers found in installed apps, queries only where they are allowed.

Names are imported when they are first used, so that Django code may use those that need no FastAPI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocket.django.configuration.setup import setup as setup
    from pocket.django.http.combining import combine as combine
    from pocket.django.orm.notifying import notify as notify
    from pocket.django.orm.watching import watch as watch
    from pocket.fastapi.application import create_app as create_app
    from pocket.fastapi.caching import add_refresh as add_refresh
    from pocket.fastapi.caching import cached_query as cached_query
    from pocket.fastapi.identity import current_user as current_user
    from pocket.fastapi.identity import require_permission as require_permission
    from pocket.fastapi.identity import require_user as require_user
    from pocket.fastapi.problems import handle_errors as handle_errors
    from pocket.fastapi.responses import orm as orm
    from pocket.fastapi.routing import Router as Router
    from pocket.fastapi.schemas import ModelSchema as ModelSchema
    from pocket.fastapi.schemas import mirrors as mirrors
    from pocket.fastapi.schemas import schema as schema

MODULES = {
    "ModelSchema": "pocket.fastapi.schemas",
    "Router": "pocket.fastapi.routing",
    "add_refresh": "pocket.fastapi.caching",
    "cached_query": "pocket.fastapi.caching",
    "combine": "pocket.django.http.combining",
    "create_app": "pocket.fastapi.application",
    "current_user": "pocket.fastapi.identity",
    "handle_errors": "pocket.fastapi.problems",
    "mirrors": "pocket.fastapi.schemas",
    "notify": "pocket.django.orm.notifying",
    "orm": "pocket.fastapi.responses",
    "require_permission": "pocket.fastapi.identity",
    "require_user": "pocket.fastapi.identity",
    "schema": "pocket.fastapi.schemas",
    "setup": "pocket.django.configuration.setup",
    "watch": "pocket.django.orm.watching",
}

__all__ = sorted(MODULES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    module = MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(module), name)
    return value
