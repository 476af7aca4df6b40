"""The check of the API that is registered with Django. It imports FastAPI only where the project has an API."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings

if TYPE_CHECKING:
    from django.core.checks import CheckMessage


def routes(**options: Any) -> list[CheckMessage]:
    """What `pocket.fastapi.checks` finds; nothing, and FastAPI is not imported, where no app brings an API."""
    if find_spec("fastapi") is None or not _has_api():
        return []
    from pocket.fastapi import checks

    return list(checks.routes(**options))


def _has_api() -> bool:
    if "fastapi" in sys.modules or getattr(settings, "ASGI_APPLICATION", None):
        return True
    for app in apps.get_app_configs():
        module = getattr(app, "api_module", "api")
        try:
            if module is not None and find_spec(f"{app.name}.{module}") is not None:
                return True
        except ModuleNotFoundError:
            continue
    return False
