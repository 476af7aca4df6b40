"""FastAPI's and Starlette's own changes of threads, led to the request's work.

Both hand synchronous code (`def` dependencies, background tasks, generators of streams) to AnyIO's threads, any of
them, each with a database connection that nobody closes. Neither has a setting for it, so the names by which their
modules know the functions that do it are replaced; outside of a request with work they do what they did.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import fastapi.dependencies.utils
import fastapi.routing
import starlette.background
import starlette.responses
from fastapi.concurrency import contextmanager_in_threadpool
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

from pocket.fastapi.work import current

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from types import ModuleType

_END = object()


async def run(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """As Starlette's run_in_threadpool, on the request's own thread."""
    work = current()
    if work is None:
        return await run_in_threadpool(function, *args, **kwargs)
    return await work.run(function, *args, **kwargs)


async def iterate(iterable: Iterable[Any]) -> AsyncIterator[Any]:
    """As Starlette's iterate_in_threadpool, each step on the request's own thread."""
    work = current()
    if work is None:
        async for item in iterate_in_threadpool(iterable):
            yield item
        return
    iterator: Iterator[Any] = iter(iterable)
    while (item := await work.run(next, iterator, _END)) is not _END:
        yield item


@asynccontextmanager
async def enter(manager: AbstractContextManager[Any]) -> AsyncIterator[Any]:
    """As FastAPI's contextmanager_in_threadpool, entered and left on the request's own thread."""
    work = current()
    if work is None:
        async with contextmanager_in_threadpool(manager) as value:
            yield value
        return
    value = await work.run(manager.__enter__)
    try:
        yield value
    except BaseException as error:
        if not await work.run_to_end(manager.__exit__, type(error), error, error.__traceback__):
            raise
    else:
        await work.run_to_end(manager.__exit__, None, None, None)


PLACES: tuple[tuple[ModuleType, str, Any, Any], ...] = (
    (fastapi.dependencies.utils, "run_in_threadpool", run_in_threadpool, run),
    (fastapi.dependencies.utils, "contextmanager_in_threadpool", contextmanager_in_threadpool, enter),
    (fastapi.routing, "run_in_threadpool", run_in_threadpool, run),
    (fastapi.routing, "iterate_in_threadpool", iterate_in_threadpool, iterate),
    (starlette.background, "run_in_threadpool", run_in_threadpool, run),
    (starlette.responses, "iterate_in_threadpool", iterate_in_threadpool, iterate),
)
"""Module, name, what stands there in the versions that this was written for, what takes its place."""


def redirect() -> None:
    """Replaces the names; one that no longer stands for what it did is left alone (a test tells)."""
    for module, name, original, replacement in PLACES:
        if getattr(module, name, None) is original:
            setattr(module, name, replacement)
