"""The API's endpoints, found without a request and read from their source.

Code that cannot be read, or may be intended, is left out: checks report only certain issues.
"""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils.module_loading import import_string
from fastapi import FastAPI

from pocket.django.checks.syntax import source_of, tree_of
from pocket.fastapi.discovery import discover
from pocket.fastapi.internals import api_routes, needs_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.apps import AppConfig

EVALUATES = {
    *("aggregate", "bulk_create", "bulk_update", "contains", "count", "create", "delete", "earliest", "exists"),
    *("explain", "first", "get", "get_or_create", "in_bulk", "last", "latest", "update", "update_or_create"),
}
_CONSUMES = {"bool", "dict", "len", "list", "max", "min", "set", "sorted", "sum", "tuple"}
LAZY = {
    *("all", "alias", "annotate", "dates", "datetimes", "defer", "distinct", "exclude", "extra", "filter", "none"),
    *("only", "order_by", "reverse", "select_for_update", "using", "values", "values_list"),
}


class Endpoint(NamedTuple):
    """A route (an APIRoute, or the context of an included one) and its function's tree, source and names."""

    route: Any
    function: Callable[..., Any]
    name: str
    source: str
    tree: ast.FunctionDef | ast.AsyncFunctionDef | None


def of_apps(app_configs: Iterable[AppConfig] | None) -> Iterator[Any]:
    labels = None if app_configs is None else {config.label for config in app_configs}
    for config, router in discover() if apps.ready else ():
        if labels is None or config.label in labels:
            yield from api_routes(router.routes)


def of_applications() -> Iterator[Any]:
    """Those of ASGI_APPLICATION, if it is FastAPI's, and of the applications in modules that are imported by now."""
    from pocket.django.checks.source_tree import modules

    path = getattr(settings, "ASGI_APPLICATION", None)
    try:
        candidates = [import_string(path)] if path else []
    except Exception:  # noqa: BLE001  (the server reports it)
        candidates = []
    candidates += [value for module, _ in modules() for value in vars(module).values() if isinstance(value, FastAPI)]
    for application in {id(item): item for item in candidates if isinstance(item, FastAPI)}.values():
        yield from api_routes(application.routes)


def first_path(name: str) -> str:
    """The path, in the application `module:attribute`, of its first GET that needs nothing else; "/" without one."""
    application = import_string(name.replace(":", "."))
    for route in api_routes(getattr(application, "routes", ())):
        if "GET" in (route.methods or ()) and "{" not in route.path and not needs_query(route):
            return str(route.path)
    return "/"


def written(route: Any) -> Callable[..., Any]:
    """The function of a route, without what is wrapped around it."""
    function: Callable[..., Any] = inspect.unwrap(getattr(route.endpoint, "pocket_endpoint", route.endpoint))
    return function


def read(route: Any) -> Endpoint:
    """The route's endpoint; without source and tree where these cannot be had."""
    function = written(route)
    name = f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', repr(function))}"
    source = source_of(function)
    return Endpoint(route, function, name, source, tree_of(source))


def query_of(node: ast.AST, endpoint: Endpoint) -> str | None:
    """The call, as written, where `node` runs a query of a model at once."""
    if isinstance(node, ast.For) and model_of(node.iter, endpoint):
        return ast.unparse(node.iter)
    if not isinstance(node, ast.Call):
        return None
    named = isinstance(node.func, ast.Name) and node.func.id in _CONSUMES and len(node.args) > 0
    if named and model_of(node.args[0], endpoint):
        return ast.unparse(node)
    if isinstance(node.func, ast.Attribute) and node.func.attr in EVALUATES and model_of(node.func.value, endpoint):
        return f"{ast.unparse(node.func)}()"
    return None


def model_of(node: ast.expr, endpoint: Endpoint) -> type[models.Model] | None:
    """The model of an expression that is a manager or a queryset of one, made by Django's own lazy methods alone."""
    while isinstance(node, ast.Call | ast.Subscript):
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
            return None
        node = node.func if isinstance(node, ast.Call) else node.value
        if isinstance(node, ast.Attribute) and node.attr in LAZY | {"select_related", "prefetch_related"}:
            node = node.value
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
        return None
    owner = named_model(node.value.id, endpoint)
    return owner if isinstance(getattr(owner, node.attr, None), models.Manager) else None


def named_model(name: str, endpoint: Endpoint) -> type[models.Model] | None:
    """The model that the endpoint's module calls `name`; None for anything else."""
    owner = getattr(endpoint.function, "__globals__", {}).get(name)
    return owner if isinstance(owner, type) and issubclass(owner, models.Model) else None
