"""The places in FastAPI and Starlette where they change threads are where this was written for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgi_client import Client, ServerClient


def test_every_place_is_still_there_and_led_to_the_requests_work(database: str) -> None:
    from pocket.fastapi import routes
    from pocket.fastapi.threadpool import PLACES

    assert routes.SHARED
    for module, name, _, replacement in PLACES:
        assert getattr(module, name) is replacement, f"{module.__name__}.{name}"


def test_the_originals_are_what_the_libraries_define() -> None:
    import anyio.to_thread
    import starlette.concurrency
    from fastapi import concurrency

    assert concurrency.run_in_threadpool is starlette.concurrency.run_in_threadpool
    assert concurrency.contextmanager_in_threadpool.__module__ == "fastapi.concurrency"
    assert asyncio.iscoroutinefunction(anyio.to_thread.run_sync)


def test_plain_routers_of_fastapi_share_the_requests_thread(client: Client, books: Any) -> None:
    from fastapi import APIRouter
    from library.api import _place

    router = APIRouter()
    router.add_api_route("/plain", lambda: [_place(), _place()])
    client.app.include_router(router)  # type: ignore[attr-defined]
    first, second = client.get("/plain").json()
    assert first == second


def test_outside_of_work_fastapi_does_what_it_did(database: str) -> None:
    import threading

    from fastapi import FastAPI

    app = FastAPI()
    app.add_api_route("/", lambda: threading.current_thread().name)
    with ServerClient(app) as client:
        assert "AnyIO" in client.get("/").json()


def test_a_running_loop_can_be_hidden_and_comes_back() -> None:
    """Tells when `asyncio._set_running_loop`, which is private, does something else."""
    from pocket.asgi.loop import EventLoop
    from pocket.fastapi import inline

    owner = EventLoop()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert inline.lends(loop)

        def within() -> None:
            with pytest.raises(RuntimeError):
                asyncio.get_running_loop()

        inline.call(loop, within)
        assert asyncio.get_running_loop() is loop

    owner.run(main())
    owner.close()


def test_asynchronous_code_can_be_called_from_an_endpoint_in_either_mode(client: Client, books: Any) -> None:
    from asgiref.sync import async_to_sync
    from library.models import Book

    from pocket.fastapi import Router

    router = Router()

    async def count() -> int:
        return await Book.objects.acount()

    @router.get("/back")
    def back() -> int:
        return async_to_sync(count)()

    @router.get("/back-after")
    async def after() -> int:
        return await Book.objects.acount()

    client.app.include_router(router)  # type: ignore[attr-defined]
    assert [client.get("/back").json(), client.get("/back-after").json(), client.get("/back").json()] == [3, 3, 3]


def test_an_endpoint_may_have_a_response_of_its_own(client: Client, books: Any) -> None:
    assert client.post("/books/authors", {"name": "Mine"}).headers["x-seen"].startswith("enter")
