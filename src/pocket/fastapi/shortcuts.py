"""The short way to an endpoint that asks for nothing but parameters of its path and query, and one body in JSON.

FastAPI matches the routes of an included router twice, and opens two exit stacks and solves a tree of dependencies for
an endpoint that has none; together that takes as long as a query of one row. A `Shortcut` stands inside of all
middleware. It finds the route as FastAPI does, validates with FastAPI's own fields, and calls the endpoint. Whatever is
in doubt (another kind of route first, a value that is not valid, telemetry) goes the usual way, from the start; what
the endpoint raises goes there to be answered.
"""

from __future__ import annotations

import json
import re
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import params
from fastapi.dependencies.utils import request_params_to_args
from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams

from pocket.fastapi.routes import FAILURE, SHARED, Route, blank
from pocket.fastapi.work import current

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ASKS_FOR_MORE = (
    *("header_params", "cookie_params", "dependencies", "request_param_name", "websocket_param_name"),
    *("http_connection_param_name", "background_tasks_param_name", "security_scopes_param_name", "concurrency"),
)
"""What an endpoint's `Dependant` has none of where there is a short way; FastAPI's newest name more than its oldest."""

_OF_ROUTING = ("endpoint", "path_params", "route")
"""What routing adds to a scope."""

_NAME = re.compile(r"\(\?P<\w+>")

_UNTOUCHED = blank()
"""Stands for FastAPI's response where neither the endpoint nor a dependency is handed it."""


class Entry(NamedTuple):
    """A route that a path may match; `call` is None where it has no short way, `methods` empty where it takes any."""

    regex: re.Pattern[str]
    methods: frozenset[str]
    call: Call | None


class Call:
    """A route's endpoint, and how its arguments are made."""

    def __init__(self, route: Route, context: Any) -> None:
        dependant = context.dependant
        self.route = route
        self.convertors: Mapping[str, Any] = context.param_convertors
        self.endpoint: Any = dependant.call
        self._path = [
            (field.name, field.alias, field.validate, ("path", field.alias)) for field in dependant.path_params
        ]
        self._query = dependant.query_params
        self.body: Any = next(iter(dependant.body_params), None)
        self._shares: bool = self.endpoint.pocket_shares

    def arguments(self, scope: Scope, path_params: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the endpoint is called with, `path_params` being those of a match; None where anything is not valid."""
        values: dict[str, Any] = {SHARED: blank() if self._shares else _UNTOUCHED}
        for name, alias, validate, place in self._path:
            values[name], faults = validate(path_params[alias], values, loc=place)
            if faults:
                return None
        if self._query:
            found, faults = request_params_to_args(self._query, QueryParams(scope["query_string"]))
            if faults:
                return None
            values.update(found)
        return values

    def body_value(self, content: bytes) -> tuple[bool, Any]:
        """Whether `content` is valid as the body that the endpoint asks for, and its value."""
        try:
            sent = json.loads(content)
            if sent is None:
                return False, None
            value, faults = self.body.validate(sent, {}, loc=("body",))
        except Exception:  # noqa: BLE001  (FastAPI meets it again and answers it)
            return False, None
        return not faults, value


class Shortcut:
    """Middleware for `api`, whose other middleware is all around it."""

    def __init__(self, app: ASGIApp, api: FastAPI) -> None:
        self.app = app
        self.api = api
        self._version: Any = None
        self._entries: list[Entry] = []
        self._first: re.Pattern[str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        work = current() if scope["type"] == "http" and scope.get("fastapi.telemetry") is None else None
        found = self._find(scope) if work is not None else None
        if work is None or found is None:
            await self.app(scope, receive, send)
            return
        call, path_params = found
        values = call.arguments(scope, path_params)
        if values is not None and call.body is not None:
            receive, values = await _with_body(call, values, scope, receive)
        if values is None:
            await self.app(scope, receive, send)
            return
        before = {name: scope[name] for name in _OF_ROUTING if name in scope}
        scope.update(endpoint=call.endpoint, path_params=path_params, route=call.route)
        work.alone = True
        try:
            response = await call.endpoint(**values)
        except Exception as error:  # noqa: BLE001  (it is raised again where FastAPI answers it)
            work.alone = False
            for name in _OF_ROUTING:
                del scope[name]
            scope.update(before)
            scope[FAILURE] = error
            await self.app(scope, receive, send)
            return
        await response(scope, receive, send)

    def _find(self, scope: Scope) -> tuple[Call, dict[str, Any]] | None:
        """The first route that takes the request, if there is a short way to it, and the parameters in its path."""
        router: Any = self.api.router
        version = router._get_routes_version() if hasattr(router, "_get_routes_version") else len(router.routes)
        if version != self._version:
            self._learn(version)
        path, method = _path_in_application(scope), scope["method"]
        first = self._first.match(path) if self._first is not None else None
        if first is None:
            return None
        for regex, methods, call in self._entries[int(str(first.lastgroup)[1:]) :]:
            match = regex.match(path)
            if match is None:
                continue
            if call is None and (method in methods or not methods):
                return None
            if call is not None and method in methods:
                convert = call.convertors
                params = {name: convert[name].convert(text) for name, text in match.groupdict().items()}
                return call, {**scope.get("path_params", {}), **params}
        return None

    def _learn(self, version: Any) -> None:
        """Reads the routes, as far as they have paths, and makes one expression that tells the first to match."""
        self._version = version
        self._entries = list(
            takewhile(lambda entry: entry.regex is not None, _entries(self.api.router.routes, self.api))
        )
        parts = (f"(?P<_{place}>{_unnamed(entry.regex)})" for place, entry in enumerate(self._entries))
        self._first = re.compile("|".join(parts)) if self._entries else None


async def _with_body(
    call: Call, values: dict[str, Any], scope: Scope, receive: Receive
) -> tuple[Receive, dict[str, Any] | None]:
    """`values` with the request's body, None where that is not JSON, whole and valid; and `receive` as if unused."""
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    if len(kinds) != 1 or kinds[0].partition(b";")[0].strip().lower() != b"application/json":
        return receive, None
    message = await receive()
    unread = [message]

    async def again() -> Message:
        return unread.pop() if unread else await receive()

    is_whole = message["type"] == "http.request" and not message.get("more_body")
    is_valid, value = call.body_value(message.get("body", b"")) if is_whole else (False, None)
    if not is_valid:
        return again, None
    return again, {**values, call.body.name: value}


def _entries(routes: Iterable[Any], api: FastAPI) -> Iterator[Entry]:
    for route in routes:
        contexts = getattr(route, "effective_route_contexts", None)
        if contexts is None:
            yield _entry(route, route, api)
            continue
        for context in contexts():
            yield _entry(context.original_route, context, api)


def _entry(route: Any, context: Any, api: FastAPI) -> Entry:
    """The entry of a route, as it stands or as `context` tells that it was included."""
    if not isinstance(route, APIRoute):
        whole = getattr(context, "starlette_route", None) or route
        regex: Any = getattr(whole, "path_regex", None)  # a host's, for one, has none
        return Entry(regex, frozenset(), None)
    call = Call(route, context) if isinstance(route, Route) and _is_short(route, context, api) else None
    return Entry(context.path_regex, frozenset(context.methods or ()), call)


def _is_short(route: Route, context: Any, api: FastAPI) -> bool:
    limits = (getattr(api, "max_body_size", None), getattr(context, "max_body_size", None))
    untouched = type(route).handle is Route.handle and type(route).get_route_handler is APIRoute.get_route_handler
    dependant = context.dependant
    return (
        untouched
        and limits == (None, None)
        and hasattr(dependant.call, "pocket_endpoint")
        and dependant.response_param_name == SHARED
        and not any(getattr(dependant, name, None) for name in _ASKS_FOR_MORE)
        and {field.alias for field in dependant.path_params} <= context.param_convertors.keys()
        and (not dependant.body_params or _is_one_json_value(dependant.body_params, context))
    )


def _is_one_json_value(fields: list[Any], context: Any) -> bool:
    """Whether the request's body as a whole is the value of the one field, and no form."""
    info = fields[0].field_info
    embedded = getattr(context, "_embed_body_fields", True) or getattr(info, "embed", None)
    return len(fields) == 1 and type(info) is params.Body and not embedded


def _unnamed(regex: re.Pattern[str]) -> str:
    return _NAME.sub("(?:", regex.pattern)


def _path_in_application(scope: Scope) -> str:
    """The request's path below `root_path`, as routes are written."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    rest = path[len(root) :]
    return rest if root and path.startswith(root) and (not rest or rest[0] == "/") else path
