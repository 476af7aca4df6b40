"""Transactions around endpoints: ATOMIC_REQUESTS, and `atomic` on a route."""

from __future__ import annotations

from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction

from pocket.fastapi.internals import exempt_databases
from pocket.fastapi.work import run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

Atomic = bool | str | None
"""`True`: a transaction on the default database, an alias: on that one, `False`: none, `None`: as in the settings."""


def aliases(atomic: Atomic, endpoint: Callable[..., Any]) -> tuple[str, ...]:
    """The databases on which a call of `endpoint` is to be one transaction.

    Django's own `transaction.non_atomic_requests` on the endpoint is respected.
    """
    if atomic is False:
        return ()
    named = ("default",) if atomic is True else (atomic,) if atomic else ()
    for alias, values in connections.settings.items():
        if values["ATOMIC_REQUESTS"] and alias not in {*named, *exempt_databases(endpoint)}:
            named = (*named, alias)
    return named


def begin(names: Iterable[str]) -> ExitStack:
    """Opens a transaction on each database; leaving the stack commits them, or rolls back after an exception."""
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(transaction.atomic(using=name))
        return stack.pop_all()


@asynccontextmanager
async def around(names: Iterable[str]) -> AsyncIterator[None]:
    """`begin` for a coroutine, whose queries run in the request's thread, and so within the transaction there."""
    opened = await run(begin, names)
    try:
        yield
    except BaseException as error:
        await run(opened.__exit__, type(error), error, error.__traceback__)
        raise
    await run(opened.__exit__, None, None, None)
