"""Requests that are cancelled at any moment leave neither a thread nor a connection that the next one suffers from."""

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from typing import Annotated, Any

import anyio
import pytest
from asgi_client import LambdaClient, ServerClient, exchange, http_event
from fastapi import Depends
from sessions import settled
from starlette.responses import StreamingResponse


@pytest.fixture
def app(database: str, books: Any) -> Any:
    """Atomic routes of both kinds, dependencies with `yield`, and streams; all of them write."""
    from library.models import Author

    from pocket.fastapi import Router, create_app

    app = create_app(discover=False)
    router = Router()

    def touch() -> int:
        time.sleep(0.001)
        return Author.objects.filter(name="Novelist").update(born=None)

    def entered() -> Iterator[int]:
        yield touch()
        touch()

    async def entered_async() -> Any:
        yield await Author.objects.acount()
        await Author.objects.acount()

    @router.get("/atomic", atomic=True)
    def atomic(number: Annotated[int, Depends(entered)]) -> Any:
        return touch()

    @router.get("/async-atomic", atomic=True)
    async def async_atomic(number: Annotated[int, Depends(entered_async)]) -> Any:
        await Author.objects.filter(name="Novelist").aupdate(born=None)
        await asyncio.sleep(0.002)
        return await Author.objects.acount()

    @router.get("/entered")
    async def depending(number: Annotated[int, Depends(entered)]) -> Any:
        await asyncio.sleep(0.001)
        return number

    @router.get("/streamed")
    def streamed(number: Annotated[int, Depends(entered)]) -> Any:
        return StreamingResponse(f"{touch()}\n" for _ in range(5))

    @router.get("/sound")
    def sound() -> Any:
        return [Author.objects.count(), touch()]

    app.include_router(router)
    return app


PATHS = ("/atomic", "/async-atomic", "/entered", "/streamed")


@pytest.mark.no_cover
@pytest.mark.parametrize("way", ["task", "scope"])
def test_after_300_cancelled_requests_every_sound_one_is_answered(
    app: Any, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pocket.django.orm.threads import POOL

    POOL.close()
    monkeypatch.setattr(POOL, "size", 4)
    chance = random.Random(7)

    async def gone(path: str, after: float) -> None:
        if way == "task":
            task = asyncio.ensure_future(exchange(app, "GET", path))
            await asyncio.sleep(after)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        else:
            with anyio.move_on_after(after):
                await exchange(app, "GET", path)

    async def main() -> list[Any]:
        for start in range(0, 300, 8):
            batch = [gone(PATHS[(start + i) % 4], chance.uniform(0.002, 0.01)) for i in range(8)]
            await asyncio.gather(*batch, return_exceptions=True)
        return await asyncio.gather(*(exchange(app, "GET", "/sound") for _ in range(40)))

    with ServerClient(app) as client:
        answers = client.run(main())
        settled()
        assert [(answer.status, answer.json()) for answer in answers] == [(200, [2, 1])] * 40
        assert client.run(states(4)) == {"clean"}
    POOL.close()


async def states(number: int) -> set[str]:
    """In what state the connections of the pool's threads are, `number` of them at the same time."""
    from django.db import connection

    from pocket.fastapi.work import WorkInThread

    barrier = threading.Barrier(number, timeout=20)

    def state() -> str:
        barrier.wait()
        if connection.in_atomic_block or connection.connection is None:
            return "clean" if connection.connection is None else "within atomic()"
        raw: Any = connection.connection
        busy = raw.in_transaction if connection.vendor == "sqlite" else raw.info.transaction_status
        return "within a transaction" if busy else "clean"

    async def one() -> str:
        work = WorkInThread()
        return await work.around(work.run(state))

    return set(await asyncio.gather(*(one() for _ in range(number))))


def test_what_was_entered_while_its_request_was_cancelled_is_left(app: Any) -> None:
    from pocket.fastapi import create_app

    begun, may_go_on = threading.Event(), threading.Event()
    events: list[str] = []

    def slow() -> Iterator[int]:
        begun.set()
        assert may_go_on.wait(10)
        events.append("entered")
        try:
            yield 1
        finally:
            events.append("left")

    other = create_app(discover=False)

    @other.get("/")
    def never(number: Annotated[int, Depends(slow)]) -> Any:
        events.append("called")

    async def main() -> None:
        task = asyncio.ensure_future(exchange(other, "GET", "/"))
        assert await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        may_go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelling() == 2

    with ServerClient(other) as client:
        client.run(main())
    assert events == ["entered", "left"]


def test_a_time_limit_within_a_request_still_ends_with_a_timeout(app: Any) -> None:
    from starlette.concurrency import run_in_threadpool

    from pocket.fastapi import create_app

    other = create_app(discover=False)

    @other.get("/")
    async def limited() -> Any:
        try:
            async with asyncio.timeout(0.01):
                done = await run_in_threadpool(time.sleep, 0.05)
                await asyncio.sleep(0)
                return ["not limited", done]
        except TimeoutError:
            return "limited"

    with ServerClient(other) as client:
        assert client.get("/").json() == "limited"


def test_an_executed_begin_does_not_reach_the_next_request(app: Any, serving: Any, caplog: Any) -> None:
    leave_open(app, serving)
    assert "A transaction on the database default was left open and is rolled back" in caplog.text


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_an_executed_begin_does_not_reach_the_next_user_of_psycopgs_pool(
    psycopg_pool: Any, app: Any, serving: Any, caplog: Any
) -> None:
    leave_open(app, serving)
    assert "rolling back returned connection" in caplog.text


def leave_open(app: Any, serving: Any) -> None:
    """A request leaves a transaction open that has changed a row; another request does not see it."""
    from django.db import connection

    @app.get("/begin")
    def begin() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("UPDATE library_author SET name = 'Lost' WHERE name = 'Novelist'")

    @app.get("/names")
    def names() -> Any:
        from library.models import Author

        return sorted(Author.objects.values_list("name", flat=True))

    with serving(app) as client:
        assert client.get("/begin").status == 200
        settled()
        assert client.get("/names").json() == ["Essayist", "Novelist"]
        settled()


def test_what_one_request_leaves_running_has_no_part_in_the_transaction_of_the_next(app: Any, database: str) -> None:
    from library.models import Author

    from pocket.fastapi import Router, orm

    tasks: list[asyncio.Task[Any]] = []
    router = Router()

    @orm
    def write() -> int:
        return Author.objects.filter(name="Essayist").update(born="2001-01-01")

    async def late(how: str) -> Any:
        await asyncio.sleep(0.01)
        return await (write() if how == "orm" else Author.objects.filter(name="Essayist").aupdate(born="2001-01-01"))

    @router.get("/leave/{how}")
    async def leave(how: str) -> None:
        await Author.objects.acount()
        tasks.append(asyncio.ensure_future(late(how)))

    @router.get("/fail", atomic=True)
    async def fail() -> None:
        await Author.objects.acount()
        await asyncio.wait(tasks)
        raise LookupError

    app.include_router(router)
    with LambdaClient(app) as client:
        client.get("/leave/async")
        if database == "postgresql":  # SQLite lets no other write while a transaction does
            client.get("/leave/orm")
        client.get("/fail")
        assert "request has ended" in str(tasks[0].exception())
        assert [task.result() for task in tasks[1:]] == [1] * (database == "postgresql")
        assert client.get("/sound").json() == [2, 1]
    born = Author.objects.get(name="Essayist").born
    assert (born is not None) == (database == "postgresql"), "it has a transaction of its own"


def test_a_coroutine_that_does_not_give_up_leaves_no_transaction_behind(app: Any, caplog: Any) -> None:
    from library.models import Author

    from pocket.fastapi import Router

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 520

    router = Router()
    over: list[BaseException] = []

    @router.get("/stubborn", atomic=True)
    async def stubborn() -> None:
        await Author.objects.acreate(name="Lost")
        for _ in range(3):
            try:
                await asyncio.sleep(0.3)
            except asyncio.CancelledError:
                continue
        try:
            await Author.objects.acreate(name="Late")
        except RuntimeError as error:
            over.append(error)
            raise

    app.include_router(router)
    with LambdaClient(app) as client:
        answer = client.handler(http_event("GET", "/stubborn"), Context())
        assert answer["statusCode"] == 504
        for _ in range(3):
            assert client.get("/sound").json() == [2, 1]
            assert client.get("/async-atomic").json() == 2
        client.app.get("/sleep")(sleep)
        client.get("/sleep")
        assert client.get("/sound").json() == [2, 1]
    assert len(over) == 1
    assert "request has ended" in str(over[0])
    assert not Author.objects.filter(name__in=["Lost", "Late"]).exists()


async def sleep() -> None:
    await asyncio.sleep(0.7)


def test_a_transaction_that_was_opened_while_its_request_was_cancelled_is_rolled_back(app: Any, caplog: Any) -> None:
    from library.models import Author

    from pocket.fastapi import create_app

    other = create_app(discover=False)
    called: list[str] = []

    async def quick() -> str:
        called.append("called")
        return "done"

    from pocket.fastapi import Router

    router = Router()
    router.get("/", atomic=True)(quick)
    other.include_router(router)

    async def main() -> None:
        for turns in range(12):
            task = asyncio.ensure_future(exchange(other, "GET", "/"))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    with ServerClient(other) as client:
        client.run(main())
        settled()
        assert client.run(states(1)) == {"clean"}
    assert "has left the database" not in caplog.text
    assert Author.objects.count() == 2
