"""A route whose endpoint, dependencies and response are run where Django allows queries."""

from __future__ import annotations

import inspect
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any, get_type_hints

from fastapi.routing import APIRoute
from starlette.responses import Response

from pocket.fastapi import transactions
from pocket.fastapi.answers import Answers, NeedsQueries
from pocket.fastapi.threadpool import redirect
from pocket.fastapi.work import InlineWork, ThreadWork, Work, current, new

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi.dependencies.models import Dependant
    from starlette.types import Receive, Scope, Send

    from pocket.fastapi.transactions import Atomic

SHARED = "pocket_shared_response"
"""The parameter by which endpoints' wrappers are handed FastAPI's response for status and headers."""

FAILURE = "pocket.failure"
"""The key of a scope under which `shortcuts` hands over what an endpoint has raised."""

redirect()


class Route(APIRoute):
    """An APIRoute with the request's work around it, and `atomic` for its transactions."""

    def __init__(self, path: str, endpoint: Callable[..., Any], *, atomic: Atomic = None, **options: Any) -> None:
        inner = getattr(endpoint, "pocket_endpoint", endpoint)
        self.atomic = getattr(endpoint, "pocket_atomic", None) if atomic is None else atomic
        self._answers: Answers | None = None
        super().__init__(path, self._guarded(inner), **options)
        for call in _dependencies(self.dependant):
            self.responses = {**getattr(call, "pocket_responses", {}), **self.responses}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Starts the request's work unless the application has done that.

        Raises what the endpoint has raised on the short way to it, which ended here.
        """
        if FAILURE in scope:
            raise scope.pop(FAILURE)
        if current() is not None:
            await super().handle(scope, receive, send)
            return
        async with new(scope):
            await super().handle(scope, receive, send)

    @property
    def answers(self) -> Answers:
        """What makes this route's responses; built with its first."""
        if self._answers is None:
            self._answers = Answers(self)
        return self._answers

    def _guarded(self, endpoint: Callable[..., Any]) -> Callable[..., Any]:
        """`endpoint` as a coroutine function that returns a response; generators stream and are left to FastAPI."""
        called = inspect.unwrap(endpoint.func if isinstance(endpoint, partial) else endpoint)
        if inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
            return endpoint
        signature, own = _signature_with_shared_response(endpoint)
        is_coroutine = inspect.iscoroutinefunction(called) or inspect.iscoroutinefunction(
            getattr(called, "__call__", None)  # noqa: B004  (whether it is a coroutine function, not whether it is callable)
        )

        async def guarded(**values: Any) -> Any:
            shared = values.pop(SHARED)
            if own is not None:
                values[own] = shared
            work = current() or new()
            if is_coroutine:
                return await self._run_coroutine(work, endpoint, values, shared)
            if isinstance(work, InlineWork):
                return work.run_now(self._call, endpoint, values, shared)
            if isinstance(work, ThreadWork):
                return await work.run(work.call_last, self._call, endpoint, values, shared)
            return await work.run(self._call, endpoint, values, shared)

        update_wrapper(guarded, endpoint, updated=())
        guarded.__signature__ = signature  # type: ignore[attr-defined]
        guarded.pocket_endpoint = endpoint  # type: ignore[attr-defined]
        guarded.pocket_atomic = self.atomic  # type: ignore[attr-defined]
        guarded.pocket_shares = own is not None  # type: ignore[attr-defined]
        return guarded

    def _call(self, endpoint: Callable[..., Any], values: dict[str, Any], shared: Response) -> Response:
        aliases = transactions.aliases(self.atomic, endpoint)
        if not aliases:
            return self.answers.make(endpoint(**values), shared)
        with transactions.begin(aliases):
            return self.answers.make(endpoint(**values), shared)

    async def _run_coroutine(
        self, work: Work, endpoint: Callable[..., Any], values: dict[str, Any], shared: Response
    ) -> Response:
        aliases = transactions.aliases(self.atomic, endpoint)
        if aliases:
            return await self._run_coroutine_atomically(work, endpoint, values, shared, aliases)
        result = await endpoint(**values)
        try:
            return self.answers.make_without_queries(result, shared)
        except NeedsQueries:
            return await work.run(self.answers.make, result, shared)

    async def _run_coroutine_atomically(
        self,
        work: Work,
        endpoint: Callable[..., Any],
        values: dict[str, Any],
        shared: Response,
        aliases: tuple[str, ...],
    ) -> Response:
        """The endpoint's queries run in the work's thread, and so within the transaction that is opened there."""
        opened = await work.run(transactions.begin, aliases)
        try:
            result = await endpoint(**values)
            response = await work.run(self.answers.make, result, shared)
        except BaseException as error:
            await work.run_to_end(opened.__exit__, type(error), error, error.__traceback__)
            raise
        await work.run_to_end(opened.__exit__, None, None, None)
        return response


def blank() -> Response:
    """A response as FastAPI hands it out, for its status and headers to be set."""
    response = Response()
    response.status_code = None  # type: ignore[assignment]
    response.raw_headers.clear()
    return response


def _dependencies(dependant: Dependant) -> Iterator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _dependencies(dependency)


def _signature_with_shared_response(endpoint: Callable[..., Any]) -> tuple[inspect.Signature, str | None]:
    """The endpoint's signature, in which FastAPI is asked for its response; the name of the endpoint's own such
    parameter, which it gives way to."""
    signature = inspect.signature(endpoint)
    hints = _hints(endpoint)
    own = next((name for name in signature.parameters if _is_response(hints.get(name))), None)
    parameters = [parameter for name, parameter in signature.parameters.items() if name != own]
    variable = [parameter for parameter in parameters if parameter.kind is inspect.Parameter.VAR_KEYWORD]
    fixed = [parameter for parameter in parameters if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
    asked = inspect.Parameter(SHARED, inspect.Parameter.KEYWORD_ONLY, annotation=Response)
    return signature.replace(parameters=[*fixed, asked, *variable]), own


def _hints(endpoint: Callable[..., Any]) -> dict[str, Any]:
    called = inspect.unwrap(endpoint)
    try:
        return get_type_hints(called if inspect.isroutine(called) else type(called).__call__)
    except (AttributeError, NameError, TypeError):
        return {}


def _is_response(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Response)
