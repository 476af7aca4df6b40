"""Routers whose routes are safe for Django's ORM."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import APIRouter

from pocket.fastapi.routes import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocket.fastapi.transactions import Atomic

Function = TypeVar("Function", bound="Callable[..., Any]")


class _Verbs:
    """The route decorators: each takes what FastAPI's takes, and `atomic`."""

    add_api_route: Callable[..., None]

    def api_route(self, path: str, **options: Any) -> Callable[[Function], Function]:
        def register(function: Function) -> Function:
            self.add_api_route(path, function, **options)
            return function

        return register

    def get(self, path: str, **options: Any) -> Callable[[Function], Function]:
        return self.api_route(path, methods=["GET"], **options)

    def put(self, path: str, **options: Any) -> Callable[[Function], Function]:
        return self.api_route(path, methods=["PUT"], **options)

    def post(self, path: str, **options: Any) -> Callable[[Function], Function]:
        return self.api_route(path, methods=["POST"], **options)

    def delete(self, path: str, **options: Any) -> Callable[[Function], Function]:
        return self.api_route(path, methods=["DELETE"], **options)

    def options(self, path: str, **options: Any) -> Callable[[Function], Function]:
        return self.api_route(path, methods=["OPTIONS"], **options)

    def head(self, path: str, **options: Any) -> Callable[[Function], Function]:
        return self.api_route(path, methods=["HEAD"], **options)

    def patch(self, path: str, **options: Any) -> Callable[[Function], Function]:
        return self.api_route(path, methods=["PATCH"], **options)


class Router(_Verbs, APIRouter):
    """An APIRouter whose endpoints may query, and return querysets and models.

    `atomic=True` makes a route one transaction on the default database, an alias one on that database. `False` turns
    ATOMIC_REQUESTS off.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options.setdefault("route_class", Route)
        super().__init__(*arguments, **options)

    def add_api_route(self, path: str, endpoint: Callable[..., Any], *, atomic: Atomic = None, **options: Any) -> None:
        """FastAPI's method, with `atomic`."""
        if atomic is not None:
            route_class: Any = options.get("route_class_override") or self.route_class
            options["route_class_override"] = partial(route_class, atomic=atomic)
        APIRouter.add_api_route(self, path, endpoint, **options)
