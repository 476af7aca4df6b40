"""One thread and one connection a request, Django's signals once around it, and nothing left behind."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from asgi_client import Client, LambdaClient, ServerClient, exchange
from sessions import counted, settled
from waiting import wait_until


def test_dependencies_endpoint_and_response_share_one_thread_and_one_connection(client: Client, books: Any) -> None:
    first, second, third = client.get("/books/thread").json()
    assert first == second == third


def test_the_signals_are_sent_once_a_request(client: Client, books: Any) -> None:
    paths = ("/books/", "/books/lazy", "/books/thread", f"/books/{books[0].pk}", "/books/streamed/lines")
    for path in paths:
        with counted() as numbers:
            assert client.get(path).status == 200
            settled()
        assert (numbers["started"], numbers["finished"]) == (1, 1), path


def test_what_djangos_receivers_do_is_done_also_where_no_others_are_connected(
    client: Client, books: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.cache import caches
    from django.core.signals import request_finished, request_started

    sent, closed = [], []
    monkeypatch.setattr(request_started, "send", lambda **_: sent.append("started"))
    monkeypatch.setattr(request_finished, "send", lambda **_: sent.append("finished"))
    monkeypatch.setattr(caches, "close_all", lambda: closed.append("caches"))
    assert client.get("/books/").status == 200
    settled()
    in_place = ["caches"] if isinstance(client, LambdaClient) else []  # a thread of the pool has no caches of its own
    assert (sent, closed) == ([], in_place)
    receiver = lambda **_: None  # noqa: E731
    request_started.connect(receiver)
    request_finished.connect(receiver)
    try:
        assert client.get("/books/").status == 200
        settled()
    finally:
        request_started.disconnect(receiver)
        request_finished.disconnect(receiver)
    assert (sent, closed) == (["started", "finished"], in_place)


def test_a_request_that_never_comes_near_the_orm_sends_no_signals(client: Client) -> None:
    with counted() as numbers:
        assert client.get("/shelves/").json() == ["left", "right"]
    assert not numbers


def test_a_warm_request_opens_no_connection(client: Client, books: Any) -> None:
    paths = ["/books/", "/books/lazy", "/books/thread", "/books/authors", "/books/streamed/lines", "/errors/broken"]
    for path in paths:
        client.get(path)
        settled()
    with counted() as numbers:
        for path in paths * 5:
            client.get(path)
            settled()
    assert numbers["opened"] == 0


def test_a_request_leaves_nothing_to_the_garbage_collector(client: Client, books: Any) -> None:
    from pocket.fastapi.work import Work

    def left() -> list[Work]:
        return [found for found in gc.get_objects(generation=0) if isinstance(found, Work)]

    paths = ("/books/", "/books/lazy", "/books/thread", f"/books/{books[0].pk}", "/shelves/")
    for path in paths:
        client.get(path)
        settled()
    gc.collect()
    gc.disable()
    try:
        for path in paths:
            assert client.get(path).status == 200
            settled()
        wait_until(lambda: not left(), 5)
    finally:
        gc.enable()


def test_synchronous_code_that_raises_stop_iteration_is_an_error_like_any_other(serving: type[Client]) -> None:
    from pocket.fastapi import create_app

    app = create_app(discover=False)
    app.add_api_route("/", lambda: next(iter(())))
    with serving(app) as client:
        assert client.get("/").status == 500


def test_connections_are_closed_after_the_request_where_they_have_no_age(client: Client, books: Any) -> None:
    from django.db import connections

    settings = connections.settings["default"]
    settings["CONN_MAX_AGE"], age = 0, settings["CONN_MAX_AGE"]
    try:
        _drop_connections(client)
        with counted() as numbers:
            for _ in range(3):
                assert client.get("/books/").status == 200
                settled()
        assert numbers["opened"] == 3
    finally:
        settings["CONN_MAX_AGE"] = age
        _drop_connections(client)


def test_a_session_that_the_server_has_ended_is_replaced_where_health_is_checked(
    client: Client, database: str, books: Any
) -> None:
    from django.db import connections

    if database != "postgresql":
        pytest.skip("SQLite has no server that could end a session")
    settings = connections.settings["default"]
    settings["CONN_HEALTH_CHECKS"] = True
    try:
        _drop_connections(client)
        assert client.get("/books/").status == 200
        settled()
        _end_other_sessions()
        with counted() as numbers:
            assert client.get("/books/").status == 200
            settled()
        assert numbers["opened"] == 1
    finally:
        settings["CONN_HEALTH_CHECKS"] = False
        _drop_connections(client)


def _end_other_sessions() -> None:
    """Ends every session but a new one of its own, as a server does that is restarted."""
    from django.db import connection

    own = connection.copy()
    with own.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
    own.close()


def test_the_log_of_queries_is_the_requests_own(client: Client, books: Any) -> None:
    from django.conf import settings
    from django.db import connection
    from library.models import Book

    from pocket.fastapi import Router

    router = Router()

    @router.get("/logged")
    def logged() -> int:
        Book.objects.count()
        return len(connection.queries)

    client.app.include_router(router)  # type: ignore[attr-defined]
    settings.DEBUG = True
    try:
        assert [client.get("/logged").json() for _ in range(3)] == [1, 1, 1]
    finally:
        settings.DEBUG = False


def _drop_connections(client: Client) -> None:
    from django.db import connections

    from pocket.django.orm.threads import POOL

    POOL.close()
    for alias in list(connections):
        connections[alias].close()
        del connections[alias]


def test_a_stream_of_a_generator_queries_on_the_requests_thread(client: Client, books: Any) -> None:
    answer = client.get("/books/streamed/lines")
    assert answer.headers["content-type"] == "application/jsonl"
    assert [line[:6] for line in answer.body.decode().splitlines()] == ['{"id":'] * 3


def test_a_dependency_with_yield_is_entered_and_left_around_the_response(client: Client, books: Any) -> None:
    from library import api

    api.journal.clear()
    answer = client.post("/books/authors", {"name": "New"})
    assert (answer.status, answer.headers["x-seen"]) == (201, "enter 2")
    assert api.journal == [["enter 2", "exit 3"]]


def test_background_tasks_query_within_the_requests_work(client: Client, books: Any) -> None:
    from library.models import Author

    with counted() as numbers:
        assert client.post("/books/later").status == 200
        settled()
    assert Author.objects.filter(name="Later").exists()
    assert (numbers["started"], numbers["finished"]) == (1, 1)


def test_requests_at_the_same_time_have_connections_of_their_own(database: str, books: Any) -> None:
    from pocket.fastapi import create_app

    app = create_app()

    async def main() -> list[Any]:
        return await asyncio.gather(*(exchange(app, "GET", "/books/thread") for _ in range(8)))

    with ServerClient(app) as client:
        answers = client.run(main())
    places = [tuple(map(tuple, answer.json())) for answer in answers]
    assert all(len(set(place)) == 1 for place in places)
    settled()


def test_more_requests_than_threads_wait_their_turn(database: str, books: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pocket.django.orm.threads import POOL
    from pocket.fastapi import create_app

    POOL.close()
    monkeypatch.setattr(POOL, "size", 2)
    app = create_app()

    async def main() -> list[Any]:
        requested = [exchange(app, "GET", "/books/slow/0.01") for _ in range(12)]
        gone = [asyncio.ensure_future(exchange(app, "GET", "/books/slow/0.01")) for _ in range(6)]
        await asyncio.sleep(0.005)
        for task in gone:
            task.cancel()
        answers = await asyncio.gather(*requested)
        await asyncio.gather(*gone, return_exceptions=True)
        await asyncio.to_thread(settled)
        return list(answers)

    with ServerClient(app) as client:
        assert [answer.json() for answer in client.run(main())] == [6] * 12
    assert len(POOL._threads) <= 2


@pytest.mark.parametrize(
    ("path", "reports"),
    [
        ("/errors/late/broken", ["GET /errors/late/broken failed after it was cancelled."]),
        ("/errors/late/missing", []),
        ("/errors/late-async", []),
    ],
)
def test_a_failure_after_a_cancellation_is_reported_once_unless_it_is_an_answer(
    database: str, books: Any, caplog: pytest.LogCaptureFixture, path: str, reports: list[str]
) -> None:
    from library import api

    from pocket.fastapi import create_app

    app = create_app()
    api.begun.clear()
    api.may_end.clear()

    async def main() -> None:
        task = asyncio.ensure_future(exchange(app, "GET", path))
        assert await asyncio.to_thread(api.begun.wait, 10)
        task.cancel()
        await asyncio.sleep(0)
        api.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(settled)

    with ServerClient(app) as client:
        client.run(main())
        del main
        gc.collect()  # asyncio reports an unused exception when its future is collected
    assert [record.getMessage() for record in caplog.records if record.levelname in {"WARNING", "ERROR"}] == reports
    assert all(record.exc_info for record in caplog.records if record.name == "pocket.fastapi")


def test_a_task_that_outlives_its_request_gets_an_error(database: str, books: Any) -> None:
    from fastapi import FastAPI
    from library.models import Book

    from pocket.fastapi import Router

    router = Router()
    tasks: list[asyncio.Task[int]] = []

    ended = asyncio.Event()

    async def late() -> int:
        await ended.wait()
        return await Book.objects.acount()

    @router.get("/")
    async def leave() -> int:
        tasks.append(asyncio.ensure_future(late()))
        return await Book.objects.acount()

    app = FastAPI()
    app.include_router(router)

    async def main() -> None:
        assert (await exchange(app, "GET", "/")).json() == 3
        ended.set()
        with pytest.raises(RuntimeError, match="has exited"):
            await tasks[0]

    with ServerClient(app) as client:
        client.run(main())


@pytest.mark.no_cover  # it takes twice as long when it is traced, and covers nothing of its own
def test_nothing_leaks_after_3000_requests_with_errors_and_cancellations(database: str, books: Any) -> None:
    from pocket.django.orm.threads import POOL, size_of_settings
    from pocket.fastapi import create_app

    POOL.close()
    before = _sessions() if database == "postgresql" else 0
    app = create_app()
    pk = books[0].pk
    paths = [
        "/books/",
        "/books/lazy",
        "/errors/broken",
        "/errors/missing",
        f"/books/{pk}",
        "/books/in/async-transaction",
        "/errors/forbidden",
        "/books/slow/0",
        "/shelves/",
        "/nowhere",
    ]

    async def one(number: int) -> None:
        await exchange(app, "GET", paths[number % len(paths)])

    async def wave(start: int) -> None:
        tasks = [asyncio.ensure_future(one(number)) for number in range(start, start + 100)]
        await asyncio.sleep((start % 4) * 0.002)
        for task in tasks[:: 7 + start % 5]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def main() -> None:
        for start in range(0, 3_000, 100):
            await wave(start)
        await asyncio.to_thread(settled)

    with counted() as numbers, ServerClient(app) as client:
        client.run(main())
    assert numbers["started"] == numbers["finished"] > 1_500
    assert numbers["opened"] <= size_of_settings()
    if database == "postgresql":
        assert _sessions() <= before + size_of_settings()
    POOL.close()
    if database == "postgresql":
        wait_until(lambda: _sessions() <= before, 10)


@pytest.mark.no_cover
def test_nothing_leaks_in_lambda(database: str, books: Any) -> None:
    from pocket.fastapi import create_app

    with LambdaClient(create_app()) as client:
        client.get("/books/")
        with counted() as numbers:
            for number in range(2_000):
                client.get(("/books/", "/errors/broken", "/books/lazy", f"/books/{books[0].pk}")[number % 4])
    assert (numbers["started"], numbers["finished"], numbers["opened"]) == (2_000, 2_000, 0)


def _sessions() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
        return int(cursor.fetchone()[0])
