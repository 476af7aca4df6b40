"""System checks of the API: what its endpoints' source and its routes tell without a request.

`pocket.django.checks` registers them with Django. A doubt is silence: what cannot be read, or may be meant, is not
reported.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_origin

from django.apps import apps
from django.conf import settings
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.module_loading import import_string
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase
from pydantic import BaseModel

from pocket.fastapi.discovery import discover
from pocket.fastapi.faults import SetupFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.apps import AppConfig
    from django.core.checks import CheckMessage
    from fastapi.dependencies.models import Dependant

_EVALUATES = {
    *("aggregate", "bulk_create", "bulk_update", "contains", "count", "create", "delete", "earliest", "exists"),
    *("explain", "first", "get", "get_or_create", "in_bulk", "last", "latest", "update", "update_or_create"),
}
_CONSUMES = {"bool", "dict", "len", "list", "max", "min", "set", "sorted", "sum", "tuple"}
_LAZY = {
    *("all", "alias", "annotate", "dates", "datetimes", "defer", "distinct", "exclude", "extra", "filter", "none"),
    *("only", "order_by", "reverse", "select_for_update", "using", "values", "values_list"),
}
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
_FOR_ALL = re.compile(r"\bdependencies\s*=|\bmiddleware\b")


class Endpoint(NamedTuple):
    """A route's function, as written: its tree, its text, and the names that it sees.

    `route` is an APIRoute, or what a FastAPI that includes routers without copying them tells of one.
    """

    route: Any
    function: Callable[..., Any]
    name: str
    source: str
    tree: ast.FunctionDef | ast.AsyncFunctionDef | None


def routes(app_configs: Iterable[AppConfig] | None = None, **_: Any) -> Iterator[CheckMessage]:
    """Everything about the routes of the apps' routers, and of the project's FastAPI applications as they stand."""
    found = [*_of_applications()] if app_configs is None else []
    seen = {_written(route) for route in found}
    try:
        of_apps = [route for route in _of_apps(app_configs) if _written(route) not in seen]
    except SetupFailed as error:
        yield Error(error.message, hint=error.hint, obj="api", id="pocket.E064")
        return
    yield from _twice([*found, *of_apps])
    guarded_together = bool(of_apps) and _guards_all()
    for route in (*found, *of_apps):
        endpoint = _endpoint(route)
        yield from _blocking(endpoint)
        yield from _unprefetched(endpoint)
        if route in found or not guarded_together:
            yield from _unguarded(endpoint)


def _of_apps(app_configs: Iterable[AppConfig] | None) -> Iterator[Any]:
    labels = None if app_configs is None else {config.label for config in app_configs}
    for config, router in discover() if apps.ready else ():
        if labels is None or config.label in labels:
            yield from _flattened(router.routes)


def _of_applications() -> Iterator[Any]:
    """Those of ASGI_APPLICATION, if it is FastAPI's, and of the applications in modules that are imported by now."""
    from pocket.django.checks.project import modules

    path = getattr(settings, "ASGI_APPLICATION", None)
    try:
        candidates = [import_string(path)] if path else []
    except Exception:  # noqa: BLE001  (whoever serves it reports it)
        candidates = []
    candidates += [value for module, _ in modules() for value in vars(module).values() if isinstance(value, FastAPI)]
    for application in {id(item): item for item in candidates if isinstance(item, FastAPI)}.values():
        yield from _flattened(application.routes)


def first_path(name: str) -> str:
    """The path, in the application `module:attribute`, of its first GET that needs nothing else; "/" without one."""
    application = import_string(name.replace(":", "."))
    for route in _flattened(getattr(application, "routes", ())):
        needed = (field for dependant in (route.dependant,) for field in dependant.query_params)
        if "GET" in (route.methods or ()) and "{" not in route.path and not any(map(_is_required, needed)):
            return str(route.path)
    return "/"


def _is_required(parameter: Any) -> bool:
    return bool(parameter.field_info.is_required())


def _flattened(found: Iterable[Any]) -> Iterator[Any]:
    """The API's routes among `found`, those of included routers with what including them adds."""
    for route in found:
        contexts = getattr(route, "effective_route_contexts", None)
        if isinstance(route, APIRoute):
            yield route
        elif contexts is not None:
            yield from (context for context in contexts() if context.dependant is not None)


def _guards_all() -> bool:
    """Whether an application that is not imported here may ask who it is for all its routes."""
    from pocket.django.checks import project

    return any(_APPLICATION.search(text) and _FOR_ALL.search(text) for text in map(project.text, project.files()))


def _written(route: Any) -> Callable[..., Any]:
    written: Callable[..., Any] = inspect.unwrap(getattr(route.endpoint, "pocket_endpoint", route.endpoint))
    return written


def _endpoint(route: Any) -> Endpoint:
    written = _written(route)
    name = f"{getattr(written, '__module__', '')}.{getattr(written, '__qualname__', repr(written))}"
    source = _source(written)
    try:
        first = ast.parse(source).body[0] if source else None
    except SyntaxError:
        first = None
    tree = first if isinstance(first, ast.FunctionDef | ast.AsyncFunctionDef) else None
    return Endpoint(route, written, name, source, tree)


def _source(function: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return ""


def _twice(found: list[Any]) -> Iterator[CheckMessage]:
    """Each route that a request never reaches, since an earlier one has its path and method."""
    taken: dict[tuple[str, str], Any] = {}
    for route in found:
        shape = re.sub(r"{[^}:]*(:[^}]*)?}", r"{\1}", route.path)
        methods = sorted(route.methods or ())
        first = next((taken[method, shape] for method in methods if (method, shape) in taken), None)
        if first is not None and _written(first) is not _written(route):
            yield Error(
                f"{_endpoint(route).name} is never reached: {_endpoint(first).name} is registered for"
                f" {'/'.join(methods)} {route.path} before it.",
                hint="Give one of the routers a prefix of its own: Router(prefix=...).",
                obj=_endpoint(route).name,
                id="pocket.E060",
            )
        for method in methods:
            taken.setdefault((method, shape), route)


def _blocking(endpoint: Endpoint) -> Iterator[CheckMessage]:
    """The first query that a coroutine makes in the thread of its loop, where Django refuses it."""
    if not isinstance(endpoint.tree, ast.AsyncFunctionDef):
        return
    for node in _own_nodes(endpoint.tree):
        call = _query(node, endpoint)
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


def _query(node: ast.AST, endpoint: Endpoint) -> str | None:
    """The call, as written, where `node` runs a query of a model at once."""
    if isinstance(node, ast.For) and _model(node.iter, endpoint):
        return ast.unparse(node.iter)
    if not isinstance(node, ast.Call):
        return None
    named = isinstance(node.func, ast.Name) and node.func.id in _CONSUMES and len(node.args) > 0
    if named and _model(node.args[0], endpoint):
        return ast.unparse(node)
    if isinstance(node.func, ast.Attribute) and node.func.attr in _EVALUATES and _model(node.func.value, endpoint):
        return f"{ast.unparse(node.func)}()"
    return None


def _model(node: ast.expr, endpoint: Endpoint) -> type[models.Model] | None:
    """The model of an expression that is a manager or a queryset of one, made by Django's own lazy methods alone."""
    while isinstance(node, ast.Call | ast.Subscript):
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
            return None
        node = node.func if isinstance(node, ast.Call) else node.value
        if isinstance(node, ast.Attribute) and node.attr in _LAZY | {"select_related", "prefetch_related"}:
            node = node.value
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
        return None
    owner = getattr(endpoint.function, "__globals__", {}).get(node.value.id)
    if not (isinstance(owner, type) and issubclass(owner, models.Model)):
        return None
    return owner if isinstance(getattr(owner, node.attr, None), models.Manager) else None


def _own_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that the function itself runs, in order: not those of functions in it, which may run elsewhere."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield node
            yield from _own_nodes(node)


def _unprefetched(endpoint: Endpoint) -> Iterator[CheckMessage]:
    """Each relation in a list's response model that is read one object after the other."""
    item = _listed(endpoint.route.response_model)
    if item is None or endpoint.tree is None or _PREFETCHES.search(endpoint.source):
        return
    found = (_model(node, endpoint) for node in ast.walk(endpoint.tree) if isinstance(node, ast.expr))
    asked = {model for model in found if model is not None}
    if len(asked) != 1 or _custom_methods(endpoint):
        return
    model = asked.pop()
    query: Any = model._default_manager.all()
    if query.query.select_related or query._prefetch_related_lookups:
        return
    for name, field in item.model_fields.items():
        relation = _relation(model, field.alias or name)
        if relation is not None and _is_nested(field.annotation):
            method = "prefetch_related" if relation.one_to_many or relation.many_to_many else "select_related"
            yield CheckWarning(
                f"{endpoint.name} answers with {item.__name__}, which reads {model.__name__}.{name} of each object: one"
                " query an object.",
                hint=f'Add .{method}("{name}") to the query.',
                obj=endpoint.name,
                id="pocket.W062",
            )


def _listed(response_model: Any) -> type[BaseModel] | None:
    item = get_args(response_model)[0] if get_origin(response_model) is list else None
    return item if isinstance(item, type) and issubclass(item, BaseModel) else None


def _custom_methods(endpoint: Endpoint) -> bool:
    """Whether the query goes through a method of the project's own, which may prefetch."""
    tree = endpoint.tree
    known = _LAZY | _EVALUATES
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


def _is_nested(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return any(_is_nested(part) for part in get_args(annotation))


def _unguarded(endpoint: Endpoint) -> Iterator[CheckMessage]:
    """An endpoint that writes, for whoever asks."""
    route = endpoint.route
    methods = sorted((route.methods or set()) - {"GET", "HEAD", "OPTIONS"})
    if not methods or not _WRITES.search(endpoint.source) or (route.openapi_extra or {}).get("security") == []:
        return
    body = endpoint.source.partition(f"def {endpoint.function.__name__}")[2]
    if _GUARDS.search(body) or any(_guards(dependant.call) for dependant in _dependants(route.dependant)):
        return
    yield CheckWarning(
        f"{endpoint.name} writes, and {'/'.join(methods)} {route.path} asks nobody who they are.",
        hint="Add a dependency such as require_user or require_permission(...) of pocket.fastapi; where everybody may"
        ' write, say so: openapi_extra={"security": []}.',
        obj=endpoint.name,
        id="pocket.W063",
    )


def _dependants(dependant: Dependant) -> Iterator[Dependant]:
    for inner in dependant.dependencies:
        yield inner
        yield from _dependants(inner)


def _guards(call: Any) -> bool:
    """Whether a dependency looks like one that asks who it is."""
    if isinstance(call, SecurityBase) or getattr(call, "pocket_responses", None):
        return True
    written = inspect.unwrap(call) if callable(call) else call
    module = sys.modules.get(getattr(written, "__module__", ""))
    name = f"{getattr(module, '__name__', '')}.{getattr(written, '__qualname__', type(written).__qualname__)}"
    return bool(_GUARDS.search(name) or _GUARDS.search(_source(written)))
