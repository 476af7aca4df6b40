"""Routes whose endpoints run where Django allows queries, and may return querysets and models."""

from __future__ import annotations

import inspect
from contextvars import ContextVar
from functools import cached_property, partial, update_wrapper
from typing import TYPE_CHECKING, Any, get_origin

from asgiref.sync import iscoroutinefunction
from django.db.models import QuerySet
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.routing import APIRoute
from starlette.responses import Response

import pocket.fastapi.seam  # noqa: F401  (redirects FastAPI's changes of threads)
from pocket.django.configuration.errors import SetupFailed
from pocket.django.orm.plain import is_lazy
from pocket.fastapi.internals import dependencies, locate
from pocket.fastapi.responses import ResponseBuilder, holds
from pocket.fastapi.transactions import aliases, around, begin
from pocket.fastapi.work import current, new, run

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from pocket.fastapi.transactions import Atomic

SHARED = "pocket_shared_response"
"""The parameter with FastAPI's response, for headers, of an endpoint whose rows may go straight to JSON."""

_answer: ContextVar[dict[str, Any] | None] = ContextVar("pocket_answer", default=None)
"""Whether FastAPI's own response is plain JSON (`is_json`, None while unknown), and whether this one `decides`."""


class Route(APIRoute):
    """An APIRoute with `atomic` for its transactions, whose endpoint may return querysets and models."""

    def __init__(self, path: str, endpoint: Callable[..., Any], *, atomic: Atomic = None, **options: Any) -> None:
        # To include a route, FastAPI may create it again with its endpoint, which is wrapped already.
        self._endpoint = getattr(endpoint, "pocket_endpoint", endpoint)
        self.atomic = getattr(endpoint, "pocket_atomic", None) if atomic is None else atomic
        self._builder: ResponseBuilder | None = None
        super().__init__(path, self._wrapped(self._endpoint, options), **options)
        for call in dependencies(self):
            self.responses = {**getattr(call, "pocket_responses", {}), **self.responses}

    def handle(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Starts the request's work unless the application has done that."""
        handling = super().handle(scope, receive, send)
        return handling if current() is not None else new(scope).around(handling)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler, which also finds out whether responses are plain JSON, as direct rows require.

        The response class may come from any router that includes this one, or from the application, so FastAPI's first
        response for a queryset decides.
        """
        handler = super().get_route_handler()
        is_json: bool | None = None

        async def located(request: Request) -> Response:
            try:
                return await handler(request)
            except (RequestValidationError, ResponseValidationError) as error:
                locate(error, inspect.unwrap(self._endpoint), _name(self._endpoint))
                raise

        async def deciding(request: Request) -> Response:
            nonlocal is_json
            answer = {"is_json": is_json, "decides": False}
            token = _answer.set(answer)
            try:
                response = await located(request)
            finally:
                _answer.reset(token)
            if answer["decides"]:
                is_json = type(response) is Response and response.media_type == "application/json"
            return response

        return deciding if SHARED in inspect.signature(self.endpoint).parameters else located

    def _wrapped(self, endpoint: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
        """`endpoint` in its transaction, with a result that can be serialized; streams are left to FastAPI."""
        kinds = list(_callables(endpoint))
        if any(inspect.isgeneratorfunction(kind) or inspect.isasyncgenfunction(kind) for kind in kinds):
            if self.atomic:
                raise SetupFailed(
                    f"{_name(endpoint)} streams, so it cannot have a transaction (atomic={self.atomic!r}).",
                    "A stream is sent after the endpoint has ended: open transactions inside it.",
                )
            return endpoint
        wrapped = self._awaited(endpoint) if any(map(iscoroutinefunction, kinds)) else self._called(endpoint)
        update_wrapper(wrapped, endpoint, updated=())
        wrapped.__name__ = _name(endpoint)
        attributes: Any = wrapped
        attributes.__signature__ = _signature(endpoint, options.get("response_model"))
        attributes.pocket_endpoint, attributes.pocket_atomic = endpoint, self.atomic
        return wrapped

    def _called(self, endpoint: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(**values: Any) -> Any:
            shared = values.pop(SHARED, None)
            names = self._databases
            if not names:
                return self._prepared(endpoint(**values), shared)
            with begin(names):
                return self._prepared(endpoint(**values), shared)

        return wrapped

    def _awaited(self, endpoint: Callable[..., Any]) -> Callable[..., Any]:
        async def wrapped(**values: Any) -> Any:
            shared = values.pop(SHARED, None)
            names = self._databases
            if names:
                async with around(names):
                    result = await endpoint(**values)
                    return await run(self._prepared, result, shared) if is_lazy(result) else result
            result = await endpoint(**values)
            return await run(self._prepared, result, shared) if is_lazy(result) else result

        return wrapped

    @cached_property
    def _databases(self) -> tuple[str, ...]:
        """The databases on which a call is one transaction; read at the first call, since routes precede the set-up."""
        return aliases(self.atomic, self._endpoint)

    def _prepared(self, result: Any, shared: Response | None) -> Any:
        """A response of rows, or a value that FastAPI serializes; call it where queries are allowed."""
        builder = self._builder
        if builder is None:
            builder = self._builder = ResponseBuilder(self, getattr(self._endpoint, "__qualname__", self.name))
        answer = _answer.get()
        if shared is not None and answer is not None and builder.write is not None and isinstance(result, QuerySet):
            written = builder.write(result) if answer["is_json"] else None
            if written is not None:
                return builder.respond(written, shared)
            answer["decides"] = answer["is_json"] is None
        return builder.prepare(result)


def _callables(endpoint: Any) -> Iterator[Any]:
    """The callables that FastAPI inspects to find out whether an endpoint is asynchronous or streams."""
    while isinstance(endpoint, partial):
        endpoint = endpoint.func
    for call in (endpoint, inspect.unwrap(endpoint)):
        yield call
        if not inspect.isclass(inspect.unwrap(endpoint)):
            yield call.__call__
            yield inspect.unwrap(call.__call__)


def _name(endpoint: Any) -> str:
    """FastAPI's name of an endpoint: its own, or that of its class."""
    return str(getattr(endpoint, "__name__", type(endpoint).__name__))


def _signature(endpoint: Callable[..., Any], response_model: Any) -> inspect.Signature:
    """The endpoint's signature, with a parameter for FastAPI's response if rows may go straight to JSON."""
    try:
        signature = inspect.signature(endpoint, eval_str=True)
    except NameError:  # names for type checkers alone, which FastAPI resolves one by one
        return inspect.signature(endpoint)
    model = response_model if get_origin(response_model) else signature.return_annotation
    parameters = list(signature.parameters.values())
    if get_origin(model) is not list or any(holds(parameter.annotation, Response) for parameter in parameters):
        return signature
    variable = [parameter for parameter in parameters if parameter.kind is inspect.Parameter.VAR_KEYWORD]
    fixed = [parameter for parameter in parameters if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
    shared = inspect.Parameter(SHARED, inspect.Parameter.KEYWORD_ONLY, annotation=Response)
    return signature.replace(parameters=[*fixed, shared, *variable])
