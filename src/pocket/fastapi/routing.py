"""Routers whose routes are safe for Django's ORM."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from fastapi import APIRouter

from pocket.fastapi.routes import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from enum import Enum
    from typing import Unpack

    from fastapi import params
    from fastapi.routing import APIRoute
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from pocket.fastapi.transactions import Atomic

Function = TypeVar("Function", bound="Callable[..., Any]")


class RouteOptions(TypedDict, total=False):
    """What FastAPI's route decorators take, and `atomic`."""

    atomic: Atomic
    response_model: Any
    status_code: int | None
    tags: list[str | Enum] | None
    dependencies: Sequence[params.Depends] | None
    summary: str | None
    description: str | None
    response_description: str
    responses: dict[int | str, dict[str, Any]] | None
    deprecated: bool | None
    operation_id: str | None
    response_model_include: Any
    response_model_exclude: Any
    response_model_by_alias: bool
    response_model_exclude_unset: bool
    response_model_exclude_defaults: bool
    response_model_exclude_none: bool
    include_in_schema: bool
    response_class: type[Response]
    name: str | None
    callbacks: list[BaseRoute] | None
    openapi_extra: dict[str, Any] | None
    generate_unique_id_function: Callable[[APIRoute], str]
    methods: list[str] | None


class Router(APIRouter):
    """An APIRouter of Routes. Each decorator takes what FastAPI's takes, and `atomic`: see `transactions.Atomic`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options.setdefault("route_class", Route)
        super().__init__(*arguments, **options)

    def add_api_route(self, path: str, endpoint: Callable[..., Any], *, atomic: Atomic = None, **options: Any) -> None:
        """As FastAPI's, with `atomic`."""
        if atomic is not None:
            route_class: Any = options.get("route_class_override") or self.route_class
            options["route_class_override"] = partial(route_class, atomic=atomic)
        super().add_api_route(path, endpoint, **options)

    def api_route(  # type: ignore[override]
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[Function], Function]:
        """Registers the decorated function for `methods` of `path`."""
        return self._register(path, options)

    def _register(self, path: str, options: Any, *methods: str) -> Callable[[Function], Function]:
        if methods:
            options = {**options, "methods": list(methods)}

        def register(function: Function) -> Function:
            self.add_api_route(path, function, **options)
            return function

        return register

    def get(  # type: ignore[override]
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[Function], Function]:
        """Registers the decorated function for GET."""
        return self._register(path, options, "GET")

    def put(  # type: ignore[override]
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[Function], Function]:
        """Registers the decorated function for PUT."""
        return self._register(path, options, "PUT")

    def post(  # type: ignore[override]
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[Function], Function]:
        """Registers the decorated function for POST."""
        return self._register(path, options, "POST")

    def delete(  # type: ignore[override]
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[Function], Function]:
        """Registers the decorated function for DELETE."""
        return self._register(path, options, "DELETE")

    def patch(  # type: ignore[override]
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[Function], Function]:
        """Registers the decorated function for PATCH."""
        return self._register(path, options, "PATCH")

    def options(  # type: ignore[override]
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[Function], Function]:
        """Registers the decorated function for OPTIONS."""
        return self._register(path, options, "OPTIONS")

    def head(  # type: ignore[override]
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[Function], Function]:
        """Registers the decorated function for HEAD."""
        return self._register(path, options, "HEAD")
