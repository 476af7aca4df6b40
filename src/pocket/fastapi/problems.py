"""The API's responses to Django's exceptions, in FastAPI's form: `{"detail": ...}`.

They contain no SQL, table names or values of other users; the log does.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.core.exceptions import (
    NON_FIELD_ERRORS,
    BadRequest,
    ObjectDoesNotExist,
    PermissionDenied,
    SuspiciousOperation,
    ValidationError,
)
from django.db import IntegrityError
from django.http import Http404
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from fastapi import FastAPI
    from starlette.requests import Request

logger = logging.getLogger("pocket.fastapi")


async def _not_found(_: Request, error: Exception) -> JSONResponse:
    owner = type(error).__qualname__.rpartition(".")[0]
    return JSONResponse({"detail": f"{owner} not found" if owner else "Not Found"}, 404)


async def _forbidden(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error) or "Forbidden"}, 403)


async def _conflict(request: Request, error: Exception) -> JSONResponse:
    logger.warning("%s %s: the database refused: %s", request.method, request.url.path, error)
    return JSONResponse({"detail": "This conflicts with what is stored already."}, 409)


async def _suspicious(request: Request, error: Exception) -> JSONResponse:
    logger.warning("%s %s: %s: %s", request.method, request.url.path, type(error).__name__, error)
    return JSONResponse({"detail": "Bad Request"}, 400)


async def _invalid(_: Request, error: Any) -> JSONResponse:
    return JSONResponse({"detail": list(_details(error))}, 422)


def _details(error: ValidationError) -> Iterator[dict[str, Any]]:
    """Each error in FastAPI's form: type, place in the body, message."""
    by_field = error.error_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.error_list}
    for field, errors in by_field.items():
        place = ["body"] if field == NON_FIELD_ERRORS else ["body", field]
        for item in errors:
            for message in item.messages:
                yield {"type": item.code or "value_error", "loc": place, "msg": message}


HANDLERS: dict[type[Exception], Callable[[Request, Any], Awaitable[JSONResponse]]] = {
    ObjectDoesNotExist: _not_found,
    Http404: _not_found,
    PermissionDenied: _forbidden,
    ValidationError: _invalid,
    IntegrityError: _conflict,
    SuspiciousOperation: _suspicious,
    BadRequest: _suspicious,
}


def handle_errors(app: FastAPI) -> None:
    """Adds handlers for Django's exceptions to `app`, except where it has its own."""
    for kind, handler in HANDLERS.items():
        app.exception_handlers.setdefault(kind, handler)
