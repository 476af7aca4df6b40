"""FastAPI over Django: one set-up, routers found in installed apps, queries only where they are allowed.

Names are imported when they are first used, so that Django code may use those that need no FastAPI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocket.fastapi.application import create_app as create_app
    from pocket.fastapi.awaiting import orm as orm
    from pocket.fastapi.problems import handle_errors as handle_errors
    from pocket.fastapi.routing import Router as Router
    from pocket.fastapi.startup import setup as setup

_MODULES = {
    "Router": "routing",
    "create_app": "application",
    "handle_errors": "problems",
    "orm": "awaiting",
    "setup": "startup",
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
