"""The routers of installed apps, found as the admin finds admin.py: in each app's `api.py`.

An app's configuration may name another module, `api_module = "web.api"`, or none, `api_module = None`.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.utils.module_loading import module_has_submodule
from fastapi import APIRouter

from pocket.django.configuration.errors import SetupFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.apps import AppConfig

logger = logging.getLogger("pocket.fastapi")


def discover() -> Iterator[tuple[AppConfig, APIRouter]]:
    """Each app with each of its routers (`router`, or those of the list `routers`), in INSTALLED_APPS' order.

    Raises SetupFailed, which names the app, where its module cannot be imported. Needs a filled registry.
    """
    for app in apps.get_app_configs():
        module = _module_of(app)
        if module is None:
            continue
        found = getattr(module, "routers", None)
        routers = list(found) if isinstance(found, list | tuple) else []
        if hasattr(module, "router"):
            routers.insert(0, module.router)
        for router in {id(router): router for router in routers}.values():
            if isinstance(router, APIRouter):
                yield app, router
            else:
                logger.info("%s: %r is not a FastAPI router and is left out.", module.__name__, router)


def _module_of(app: AppConfig) -> Any:
    name = getattr(app, "api_module", "api")
    if name is None:
        return None
    package, _, last = f"{app.name}.{name}".rpartition(".")
    try:
        return import_module(f"{package}.{last}") if module_has_submodule(import_module(package), last) else None
    except Exception as error:
        raise SetupFailed(
            f"{app.name}.{name}, the API of the app {app.label!r}, cannot be imported: {type(error).__name__}: {error}",
            "Its traceback is above. If the app's api.py is something else, set api_module = None in its AppConfig.",
        ) from error
