"""The one place where FastAPI and Starlette hand synchronous code to a thread: AnyIO's public `to_thread.run_sync`.

`def` endpoints and dependencies, exception handlers, background tasks, streams and explicit `run_in_threadpool` all end
there, and it is looked up when it is called. Within a request it is led to the request's work; elsewhere it does what
it did. Importing this module redirects it, and fails where Starlette no longer comes by.
"""

from __future__ import annotations

from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import starlette
from django.db import connections
from starlette.concurrency import run_in_threadpool

from pocket.django.configuration.errors import SetupFailed
from pocket.fastapi.work import request_work

if TYPE_CHECKING:
    from collections.abc import Callable

_usual = anyio.to_thread.run_sync


@wraps(_usual)
async def run_sync(function: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
    work = request_work.get()
    if work is None:
        return await _usual(function, *args, **options)
    if work.ended:
        return await _usual(partial(_by_itself, function, *args), **options)
    return await work.run(function, *args)


def _by_itself(function: Callable[..., Any], /, *args: Any) -> Any:
    """Calls `function` for a WebSocket, or a task that has outlived its request: nothing else closes what it opens."""
    try:
        return function(*args)
    finally:
        connections.close_all()


def prove() -> None:
    """Raises SetupFailed unless Starlette's `run_in_threadpool`, called within a request, comes by here."""

    class Probe:
        ended = False

        async def run(self, *_: Any) -> str:
            return "redirected"

    token = request_work.set(Probe())  # type: ignore[arg-type]  # it has what `run_sync` asks for
    attempt = run_in_threadpool(int)
    try:
        came: Any = attempt.send(None)
    except StopIteration as end:
        came = end.value
    except Exception:  # noqa: BLE001  (AnyIO's own, where there is no event loop: it was not redirected)
        came = None
    finally:
        attempt.close()
        request_work.reset(token)
    if came != "redirected":
        raise SetupFailed(
            f"Starlette {starlette.__version__} does not run synchronous code by anyio.to_thread.run_sync, where Pocket"
            " gives each request one thread and one database connection.",
            "Install an earlier FastAPI and Starlette, and report the versions that do not work.",
        )


anyio.to_thread.run_sync = run_sync  # type: ignore[assignment]  # it takes all that AnyIO's takes
prove()
