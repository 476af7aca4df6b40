"""System checks of the API, which read its routes and its endpoints' source without a request.

`pocket.django.checks.api` registers them with Django.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from typing import TYPE_CHECKING, Any, get_args, get_origin

from django.core.checks import Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from fastapi.security.base import SecurityBase
from pydantic import BaseModel

from pocket.django.checks.syntax import own_nodes, returned, source_of
from pocket.django.configuration.errors import SetupFailed
from pocket.django.orm.threads import size_of_settings
from pocket.fastapi.endpoint_sources import EVALUATES, LAZY, model_of, named_model, query_of, read, written
from pocket.fastapi.endpoint_sources import of_applications as routes_of_applications
from pocket.fastapi.endpoint_sources import of_apps as routes_of_apps
from pocket.fastapi.internals import dependencies, prefetches
from pocket.fastapi.responses import holds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.apps import AppConfig
    from django.core.checks import CheckMessage

    from pocket.fastapi.endpoint_sources import Endpoint

_WRITES = re.compile(
    r"\.a?(save|create|delete|update|get_or_create|update_or_create|bulk_create|bulk_update)\(|pocket_call_command\("
)
_GUARDS = re.compile(
    r"auth(?!or)|user|permission|login|token|session|credential|api_?key|csrf|signature|compare_digest|PermissionDenied"
    r"|\b40[13]\b|HTTP_40[13]",
    re.IGNORECASE,
)
_PREFETCHES = re.compile(r"select_related|prefetch_related|prefetch_related_objects|\bcombine\b|\bcached_query\b")
_APPLICATION = re.compile(r"\b(create_app|FastAPI|include_router)\(")
_SELECTS = {"values", "values_list", "dates", "datetimes"}
_OBJECT = {"create", "earliest", "first", "get", "last", "latest"}
_FOR_ALL = re.compile(r"\bdependencies\s*=|\bmiddleware\b")


def routes(app_configs: Iterable[AppConfig] | None = None, **_: Any) -> Iterator[CheckMessage]:
    """All issues of the routes of the apps' routers and of the project's imported FastAPI applications."""
    try:
        size_of_settings()
    except SetupFailed as error:
        yield Error(error.message, hint=error.hint, obj="settings", id="pocket.E066")
    found = [*routes_of_applications()] if app_configs is None else []
    seen = {written(route) for route in found}
    try:
        discovered = [route for route in routes_of_apps(app_configs) if written(route) not in seen]
    except SetupFailed as error:
        yield Error(error.message, hint=error.hint, obj="api", id="pocket.E064")
        return
    yield from _twice([*found, *discovered])
    guarded_together = bool(discovered) and _guards_all()
    for route in (*found, *discovered):
        endpoint = read(route)
        yield from _blocking(endpoint)
        yield from _unprefetched(endpoint)
        yield from _unnamed(endpoint)
        if route in found or not guarded_together:
            yield from _unguarded(endpoint)


def _guards_all() -> bool:
    """Whether an application that is not imported may authenticate all its routes."""
    from pocket.django.checks.source_tree import files, text

    return any(_APPLICATION.search(text(path)) and _FOR_ALL.search(text(path)) for path in files())


def _twice(found: list[Any]) -> Iterator[CheckMessage]:
    """Each route that a request never reaches, because an earlier one has its path and method."""
    taken: dict[tuple[str, str], Any] = {}
    for route in found:
        shape = re.sub(r"{[^}:]*(:[^}]*)?}", r"{\1}", route.path)
        methods = sorted(route.methods or ())
        first = next((taken[method, shape] for method in methods if (method, shape) in taken), None)
        if first is not None and written(first) is not written(route):
            yield Error(
                f"{read(route).name} is never reached: {read(first).name} is registered before it for"
                f" {'/'.join(methods)} {route.path}.",
                hint="Give one of the routers its own prefix: Router(prefix=...).",
                obj=read(route).name,
                id="pocket.E060",
            )
        for method in methods:
            taken.setdefault((method, shape), route)


def _blocking(endpoint: Endpoint) -> Iterator[CheckMessage]:
    """The first query of a coroutine in its event loop's thread, where Django refuses it."""
    if not isinstance(endpoint.tree, ast.AsyncFunctionDef):
        return
    for node in own_nodes(endpoint.tree):
        call = query_of(node, endpoint)
        if call is not None:
            yield Error(
                f"{endpoint.name} is async and calls {call}, which waits for the database: Django raises"
                " SynchronousOnlyOperation.",
                hint="Make it a plain def, await the asynchronous counterpart (aget, acount, async for), or put the"
                " query into a function with @orm.",
                obj=endpoint.name,
                id="pocket.E061",
            )
            return


def _unprefetched(endpoint: Endpoint) -> Iterator[CheckMessage]:
    """Each relation in a list's response model that is read with one query for each object."""
    item = _listed(endpoint.route.response_model)
    if item is None or endpoint.tree is None or _PREFETCHES.search(endpoint.source):
        return
    found = (model_of(node, endpoint) for node in ast.walk(endpoint.tree) if isinstance(node, ast.expr))
    queried = {model for model in found if model is not None}
    if len(queried) != 1 or _custom_methods(endpoint):
        return
    model = queried.pop()
    if prefetches(model._default_manager.all()):
        return
    for name, field in item.model_fields.items():
        relation = _relation(model, field.alias or name)
        if relation is not None and holds(field.annotation, BaseModel):
            method = "prefetch_related" if relation.one_to_many or relation.many_to_many else "select_related"
            yield CheckWarning(
                f"{endpoint.name} returns {item.__name__}, which reads {model.__name__}.{name} with one query for each"
                " object.",
                hint=f'Add .{method}("{name}") to the query.',
                obj=endpoint.name,
                id="pocket.W062",
            )


def _listed(response_model: Any) -> type[BaseModel] | None:
    item = get_args(response_model)[0] if get_origin(response_model) is list else None
    return item if isinstance(item, type) and issubclass(item, BaseModel) else None


def _custom_methods(endpoint: Endpoint) -> bool:
    """Whether the query calls a method of the project, which may prefetch."""
    tree = endpoint.tree
    known = LAZY | EVALUATES
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call)) if tree else ()
    chained = (func.attr for func in calls if isinstance(func, ast.Attribute) and not isinstance(func.value, ast.Name))
    return any(name not in known and name.removeprefix("a") not in known for name in chained)


def _relation(model: type[models.Model], name: str) -> Any:
    try:
        field: Any = model._meta.get_field(name)
    except FieldDoesNotExist:
        reverse = (item for item in model._meta.related_objects if item.get_accessor_name() == name)
        field = next(reverse, None)
    return field if field is not None and field.is_relation else None


def _unnamed(endpoint: Endpoint) -> Iterator[CheckMessage]:
    """The first model whose objects an endpoint returns without a response model."""
    if endpoint.tree is None or endpoint.route.response_model not in {None, Any}:
        return
    for value in returned(endpoint.tree):
        model = _returned(value, endpoint)
        if model is not None:
            yield CheckWarning(
                f"{endpoint.name} returns objects of {model.__name__} without a response model: clients get all"
                " columns.",
                hint=f'Select the columns: response_model=schema({model.__name__}, "id", ...).',
                obj=endpoint.name,
                id="pocket.W065",
            )
            return


def _returned(node: ast.expr, endpoint: Endpoint) -> type[models.Model] | None:
    """The model of an expression that is a queryset of all columns, or one object."""
    for call in (part for part in ast.walk(node) if isinstance(part, ast.Call)):
        if isinstance(call.func, ast.Attribute) and call.func.attr in _SELECTS and (call.args or call.keywords):
            return None
    match node:
        case ast.Call(func=ast.Name(id="get_object_or_404" | "aget_object_or_404"), args=[ast.Name(id=name), *_]):
            return named_model(name, endpoint)
        case ast.Call(func=ast.Name(id=name)):
            return named_model(name, endpoint)
        case ast.Call(func=ast.Attribute(value=value, attr=method)) if method.removeprefix("a") in _OBJECT:
            return model_of(value, endpoint)
    return model_of(node, endpoint)


def _unguarded(endpoint: Endpoint) -> Iterator[CheckMessage]:
    """An endpoint that writes without authentication."""
    route = endpoint.route
    methods = sorted((route.methods or set()) - {"GET", "HEAD", "OPTIONS"})
    if not methods or not _WRITES.search(endpoint.source) or (route.openapi_extra or {}).get("security") == []:
        return
    body = endpoint.source.partition(f"def {endpoint.function.__name__}")[2]
    if _GUARDS.search(body) or any(map(_guards, dependencies(route))):
        return
    yield CheckWarning(
        f"{endpoint.name} writes, but {'/'.join(methods)} {route.path} requires no authentication.",
        hint="Add a dependency such as require_user or require_permission(...) of pocket.fastapi; if anyone may write,"
        ' declare it: openapi_extra={"security": []}.',
        obj=endpoint.name,
        id="pocket.W063",
    )


def _guards(call: Any) -> bool:
    """Whether a dependency seems to authenticate."""
    if isinstance(call, SecurityBase) or getattr(call, "pocket_responses", None):
        return True
    function = inspect.unwrap(call) if callable(call) else call
    module = sys.modules.get(getattr(function, "__module__", ""))
    name = f"{getattr(module, '__name__', '')}.{getattr(function, '__qualname__', type(function).__qualname__)}"
    return bool(_GUARDS.search(name) or _GUARDS.search(source_of(function)))
