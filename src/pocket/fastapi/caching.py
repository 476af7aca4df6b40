"""Results of queries, cached in the process until their tables are written, and the endpoint that refreshes them."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future
from contextvars import Context
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Annotated, Any

from django.core.cache import caches
from django.db import connections
from fastapi import Header, HTTPException, Request

from pocket.django.orm.notifying import is_valid
from pocket.django.orm.plain import plain
from pocket.django.orm.watching import listen, tables_of, versions, watch
from pocket.fastapi.work import run, run_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from django.db.models import Model
    from fastapi import FastAPI

CHECK_EVERY = 1.0
"""Seconds between two checks of the versions in Django's cache."""


class Abandoned(Exception):
    """The request that should compute a result was cancelled before it began; another has to."""


@dataclass(slots=True)
class Kept:
    """A result, the versions before its computation, and the times of its computation and last check."""

    value: Any
    versions: Mapping[str, Any]
    made: float
    checked: float


class CachedQuery:
    """A function's plain result, computed once for all concurrent callers, and again when it is out of date.

    A result is out of date after a committed write to a watched model, at once for a write of this process, within a
    second for one of another process that watches the model, too; and when it is older than `ttl` seconds. All callers
    get the same object, which they must not change. Therefore the function is called in an empty context, without the
    context variables of the first request, such as its tenant or language.
    """

    def __init__(
        self, function: Callable[[], Any], models: Sequence[type[Model]], ttl: float | None, cache: str, name: str
    ) -> None:
        self.name = name
        self.ttl = ttl
        self.cache = cache
        self._function = function
        self._tables = tuple(dict.fromkeys(table for model in models for table in tables_of(model)))
        self._lock = threading.Lock()
        self._kept: Kept | None = None
        self._making: Future[Any] | None = None
        self._generation = 0
        watch(*models)
        listen(self._written)

    async def __call__(self) -> Any:
        """The result, from memory if it is up to date."""
        kept = self._kept
        now = time.time()
        if kept is not None and self._is_young(kept, now):
            if not self._due(kept, now):
                return kept.value
            if await run(self._still_holds, kept):
                return kept.value
        return await self._made()

    async def refresh(self) -> Any:
        """The result, computed after this call began."""
        self.drop()
        return await self._made()

    def fetch(self) -> Any:
        """The same as a call, for synchronous code: a `def` endpoint, or Django."""
        kept = self._kept
        now = time.time()
        if kept is not None and self._is_young(kept, now) and (not self._due(kept, now) or self._still_holds(kept)):
            return kept.value
        while True:
            mine, future, generation = self._claim()
            if mine:
                return self._make(future, generation)
            try:
                return future.result()
            except Abandoned:
                continue

    def drop(self) -> None:
        """Drops the result; one that is being computed is returned to those who wait for it, but not cached."""
        with self._lock:
            self._generation += 1
            self._kept = None
            self._making = None

    def _written(self, table: str) -> None:
        if table in self._tables:
            self.drop()

    def _is_young(self, kept: Kept, now: float) -> bool:
        return self.ttl is None or 0 <= now - kept.made < self.ttl

    def _due(self, kept: Kept, now: float) -> bool:
        """Whether this caller has to check the versions; it is True for one caller at a time."""
        with self._lock:
            if 0 <= now - kept.checked < CHECK_EVERY:
                return False
            kept.checked = now
            return True

    def _still_holds(self, kept: Kept) -> bool:
        if versions(self._tables, self.cache) == kept.versions:
            return True
        with self._lock:
            if self._kept is kept:
                self._kept = None
        return False

    def _claim(self) -> tuple[bool, Future[Any], int]:
        """Whether the caller has to compute the result, the future for all callers, and the generation."""
        with self._lock:
            if self._making is not None:
                return False, self._making, self._generation
            self._making = Future()
            return True, self._making, self._generation

    async def _made(self) -> Any:
        while True:
            mine, future, generation = self._claim()
            if mine:
                return await self._make_aside(future, generation)
            try:
                return await asyncio.shield(asyncio.wrap_future(future))
            except Abandoned:
                continue

    async def _make_aside(self, future: Future[Any], generation: int) -> Any:
        """Computes the result outside of the request, which may hold a resource that other waiting requests need."""
        try:
            return await run_aside(self._make, future, generation)
        finally:
            if not future.done():
                self._release(future)
                future.set_exception(Abandoned())

    def _make(self, future: Future[Any], generation: int) -> Any:
        """Computes the result where queries are allowed, caches it unless there was a write, and sets the future."""
        try:
            made = time.time()
            seen = versions(self._tables, self.cache)
            value = Context().run(self._called)
        except BaseException as error:
            self._release(future)
            future.set_exception(error)
            raise
        uncommitted = any(connection.in_atomic_block for connection in connections.all(initialized_only=True))
        with self._lock:
            if self._generation == generation and not uncommitted:
                self._kept = Kept(value, seen, made, made)
        self._release(future)
        future.set_result(value)
        return value

    def _called(self) -> Any:
        try:
            return plain(self._function(), f"What {self.name} returned")
        finally:
            caches.close_all()  # those of this context, which ends here

    def _release(self, future: Future[Any]) -> None:
        with self._lock:
            if self._making is future:
                self._making = None


def cached_query(
    function: Callable[[], Any] | None = None,
    *,
    watches: Iterable[type[Model]] = (),
    ttl: float | None = None,
    cache: str = "default",
) -> Any:
    """A CachedQuery of `function`, which takes no arguments; without a function, a decorator.

    `watches` are the models whose writes make the result out of date, `ttl` its greatest age in seconds; `cache` is
    Django's cache with the versions that processes share.
    """
    models = tuple(watches)

    def make(query: Callable[[], Any]) -> CachedQuery:
        if iscoroutinefunction(query):
            raise TypeError(f"cached_query() is for plain functions; {query.__qualname__} is asynchronous.")
        return CachedQuery(query, models, ttl, cache, getattr(query, "__qualname__", repr(query)))

    return make if function is None else make(function)


def add_refresh(app: FastAPI, queries: Mapping[str, CachedQuery], path: str = "/refresh/") -> None:
    """Adds an endpoint (GET and POST) to `app` that refreshes `queries` and returns all of them, by name.

    It is for `notify()`: 401 for a request without its token, or with one for another address.
    """

    async def refresh(request: Request, authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "pocket" or not is_valid(token, str(request.url.replace(query="", fragment=""))):
            raise HTTPException(401, "This endpoint is for pocket.fastapi.notify().", {"WWW-Authenticate": "Pocket"})
        return {name: await query.refresh() for name, query in queries.items()}

    app.add_api_route(path, refresh, methods=["GET", "POST"], include_in_schema=False)
