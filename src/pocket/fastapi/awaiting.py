"""Synchronous functions that query, made awaitable."""

from __future__ import annotations

from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import TYPE_CHECKING, Any, ParamSpec

from pocket.fastapi.plain import plain
from pocket.fastapi.work import current, new

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

P = ParamSpec("P")


def orm(function: Callable[P, Any]) -> Callable[P, Awaitable[Any]]:
    """`function` as a coroutine function: it runs where queries are allowed, and what it returns is plain data.

    Within a request it runs in the request's own thread, on its connection; elsewhere on a connection that is checked
    before and released after. Lazy objects in what it returns are evaluated (a queryset becomes what its `values()`
    gives), or refused with LazyObjectRefused, which names them.
    """
    if iscoroutinefunction(function) or isasyncgenfunction(function) or isgeneratorfunction(function):
        raise TypeError(f"@orm is for plain functions; {function.__qualname__} is asynchronous or a generator.")

    def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        return plain(function(*args, **kwargs), f"What {function.__qualname__} returned")

    @wraps(function)
    async def awaitable(*args: P.args, **kwargs: P.kwargs) -> Any:
        return await run(call, *args, **kwargs)

    return awaitable


async def run(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """What `function` returns, called where queries are allowed: in the request's work, or in work of its own."""
    work = current()
    if work is not None:
        return await work.run(function, *args, **kwargs)
    async with new() as own:
        return await own.run(function, *args, **kwargs)
