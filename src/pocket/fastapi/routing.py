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

    def add_api_route(self, path: str, endpoint: Callable[..., Any], *, atomic: Atomic = None, **options: Any) -> None:
        """As FastAPI's, with `atomic`."""
        raise NotImplementedError

    def api_route(self, path: str, *, atomic: Atomic = None, **options: Any) -> Callable[[Function], Function]:
        """Registers the decorated function for the methods in the option `methods`."""

        def register(function: Function) -> Function:
            self.add_api_route(path, function, atomic=atomic, **options)
            return function

        return register

    def get(self, path: str, *, atomic: Atomic = None, **options: Any) -> Callable[[Function], Function]:
        """Registers the decorated function for GET."""
        return self.api_route(path, atomic=atomic, methods=["GET"], **options)

    def put(self, path: str, *, atomic: Atomic = None, **options: Any) -> Callable[[Function], Function]:
        """Registers the decorated function for PUT."""
        return self.api_route(path, atomic=atomic, methods=["PUT"], **options)

    def post(self, path: str, *, atomic: Atomic = None, **options: Any) -> Callable[[Function], Function]:
        """Registers the decorated function for POST."""
        return self.api_route(path, atomic=atomic, methods=["POST"], **options)

    def delete(self, path: str, *, atomic: Atomic = None, **options: Any) -> Callable[[Function], Function]:
        """Registers the decorated function for DELETE."""
        return self.api_route(path, atomic=atomic, methods=["DELETE"], **options)

    def options(self, path: str, *, atomic: Atomic = None, **options: Any) -> Callable[[Function], Function]:
        """Registers the decorated function for OPTIONS."""
        return self.api_route(path, atomic=atomic, methods=["OPTIONS"], **options)

    def head(self, path: str, *, atomic: Atomic = None, **options: Any) -> Callable[[Function], Function]:
        """Registers the decorated function for HEAD."""
        return self.api_route(path, atomic=atomic, methods=["HEAD"], **options)

    def patch(self, path: str, *, atomic: Atomic = None, **options: Any) -> Callable[[Function], Function]:
        """Registers the decorated function for PATCH."""
        return self.api_route(path, atomic=atomic, methods=["PATCH"], **options)


class Router(_Verbs, APIRouter):
    """An APIRouter whose endpoints may query, and return querysets and models.

    `atomic=True` makes a route one transaction on the default database, an alias one on that; `False` makes it none,
    whatever ATOMIC_REQUESTS says.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options.setdefault("route_class", Route)
        super().__init__(*arguments, **options)

    def add_api_route(self, path: str, endpoint: Callable[..., Any], *, atomic: Atomic = None, **options: Any) -> None:
        """As FastAPI's, with `atomic`."""
        if atomic is not None:
            route_class: Any = options.get("route_class_override") or self.route_class
            options["route_class_override"] = partial(route_class, atomic=atomic)
        APIRouter.add_api_route(self, path, endpoint, **options)
