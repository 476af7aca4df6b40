"""FastAPI over Django: one set-up, routers found in installed apps, queries only where they are allowed.

Names are imported when they are first used, so that Django code may use those that need no FastAPI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocket.fastapi.application import create_app as create_app
    from pocket.fastapi.caching import add_refresh as add_refresh
    from pocket.fastapi.caching import cached_query as cached_query
    from pocket.fastapi.combining import combine as combine
    from pocket.fastapi.identity import current_user as current_user
    from pocket.fastapi.identity import require_permission as require_permission
    from pocket.fastapi.identity import require_user as require_user
    from pocket.fastapi.notifying import notify as notify
    from pocket.fastapi.plain import orm as orm
    from pocket.fastapi.problems import handle_errors as handle_errors
    from pocket.fastapi.routing import Router as Router
    from pocket.fastapi.schemas import ModelSchema as ModelSchema
    from pocket.fastapi.schemas import mirrors as mirrors
    from pocket.fastapi.schemas import schema as schema
    from pocket.fastapi.startup import setup as setup
    from pocket.fastapi.watching import watch as watch

_MODULES = {
    "ModelSchema": "schemas",
    "Router": "routing",
    "add_refresh": "caching",
    "cached_query": "caching",
    "combine": "combining",
    "create_app": "application",
    "current_user": "identity",
    "handle_errors": "problems",
    "mirrors": "schemas",
    "notify": "notifying",
    "orm": "plain",
    "require_permission": "identity",
    "require_user": "identity",
    "schema": "schemas",
    "setup": "startup",
    "watch": "watching",
}

__all__ = sorted(_MODULES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value
