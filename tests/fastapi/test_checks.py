"""What the API's source and routes tell."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from checking import checked
from django.apps import AppConfig, apps
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning
from django.db import models
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, ConfigDict


@pytest.fixture(scope="module")
def library() -> Iterator[Any]:
    """The API project's models, registry and all."""
    from django_project import project

    with project("api", "api_settings", {}):
        import library.models

        yield library.models


def said(*routers: APIRouter) -> list[Any]:
    """What is said of an application with these routers."""
    from pocket.fastapi import checks

    app = FastAPI()
    for router in routers:
        app.include_router(router)
    found = [route for route in app.routes if hasattr(route, "dependant")]
    messages = list(checks._twice(found))
    for route in found:
        endpoint = checks._endpoint(route)
        for check in (checks._blocking, checks._unprefetched, checks._unguarded):
            messages += check(endpoint)
    return messages
