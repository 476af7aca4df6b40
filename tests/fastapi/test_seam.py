"""Every change of threads of FastAPI and Starlette leads to the request's own thread and connection."""

import asyncio
import json
import threading
from typing import Annotated, Any

import anyio.to_thread
import pytest
from asgi_client import Client, ServerClient, exchange
from fastapi import BackgroundTasks, Depends, FastAPI, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from sessions import counted, settled
from starlette.concurrency import run_in_threadpool
from starlette.endpoints import HTTPEndpoint
from starlette.responses import JSONResponse, StreamingResponse


@pytest.fixture
def hops(database: str) -> Any:
    """An application with every kind of synchronous code; each path's answer is the place where it ran."""
    from library.api import _place
    from library.models import Author

    from pocket.fastapi import Router, create_app

    app = create_app(discover=False)
    plain = FastAPI()
    router = Router()
    app.mount("/mounted", plain)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: Exception) -> Response:
        return JSONResponse([_place(), _place()], 422)

    @app.exception_handler(Exception)
    def failed(request: Request, error: Exception) -> Response:
        return JSONResponse([_place(), _place()], 500)

    @app.exception_handler(LookupError)
    def missing(request: Request, error: Exception) -> Response:
        return JSONResponse([*error.args, _place()], 404)

    def leaving() -> Any:
        yield _place()
        assert Author.objects.count() >= 0

    @router.get("/depending/{number}")
    def depending(number: int, first: Annotated[Any, Depends(_place)], second: Annotated[Any, Depends(leaving)]) -> Any:
        return [first, second, _place()]

    @app.get("/raises")
    def raises() -> Any:
        raise LookupError(_place())

    @app.get("/breaks")
    async def breaks() -> Any:
        raise RuntimeError("broken")

    @app.get("/explicit")
    async def explicit() -> Any:
        return [await run_in_threadpool(_place), await anyio.to_thread.run_sync(_place)]

    @app.get("/tasks")
    def tasks(later: BackgroundTasks) -> Any:
        later.add_task(_place)
        return [_place()]

    @app.get("/streamed")
    def streamed() -> Response:
        parts = (f"{Author.objects.count()}\n" for _ in range(3))
        return StreamingResponse(parts)

    class Whole(HTTPEndpoint):
        def get(self, request: Request) -> Response:
            return JSONResponse([_place(), _place()])

    app.add_route("/class", Whole)
    app.add_route("/function", lambda request: JSONResponse([_place(), _place()]))
    plain.get("/inner")(lambda: [_place(), _place()])
    app.include_router(router)
    return app


PATHS = (
    *("/depending/1", "/depending/x", "/raises", "/breaks", "/explicit", "/tasks", "/streamed", "/class", "/function"),
    "/mounted/inner",
)


def test_no_hop_opens_a_session_once_the_thread_is_warm(hops: Any, serving: type[Client]) -> None:
    with serving(hops) as client:
        client.get("/explicit")
        settled()
        with counted() as numbers:
            for path in PATHS:
                for _ in range(8):
                    answer = client.get(path)
                    settled()
                    assert answer.status in {200, 404, 422, 500}, path
                    if path not in {"/streamed", "/breaks"}:
                        assert len(set(map(tuple, answer.json()))) == 1, path
        assert numbers["opened"] == 0
        assert numbers["started"] == numbers["finished"] == len(PATHS) * 8


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_every_hop_gives_its_connection_back_to_psycopgs_pool(
    psycopg_pool: Any, hops: Any, serving: type[Client]
) -> None:
    with serving(hops) as client:
        client.get("/explicit")
        settled()
        for path in PATHS * 4:
            assert client.get(path).status in {200, 404, 422, 500}, path
            settled()
            statistics = psycopg_pool.get_stats()
            assert (statistics["pool_available"], statistics["pool_size"]) == (1, 1), path
    assert psycopg_pool.get_stats()["connections_num"] == 1


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_more_requests_than_psycopgs_pool_has_connections_are_all_answered(psycopg_pool: Any, hops: Any) -> None:
    async def main() -> list[Any]:
        return await asyncio.gather(*(exchange(hops, "GET", path) for path in PATHS * 8))

    with ServerClient(hops) as client:
        statuses = {answer.status for answer in client.run(main())}
        settled()
    assert statuses == {200, 404, 422, 500}
    statistics = psycopg_pool.get_stats()
    assert statistics["pool_available"] == statistics["pool_size"] <= 4
    assert statistics["connections_num"] <= 4
    assert "requests_errors" not in statistics


def test_outside_of_a_request_fastapi_does_what_it_did(database: str) -> None:
    app = FastAPI()
    app.add_api_route("/", lambda: threading.current_thread().name)
    with ServerClient(app) as client:
        assert "AnyIO" in client.get("/").json()


def test_a_starlette_that_no_longer_comes_by_is_refused(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pocket.django.configuration.errors import SetupFailed
    from pocket.fastapi import seam

    seam.prove()

    async def elsewhere(function: Any) -> Any:
        return function()

    monkeypatch.setattr(seam, "run_in_threadpool", elsewhere)
    with pytest.raises(
        SetupFailed, match=r"Starlette [\d.]+ does not run synchronous code by anyio.to_thread.run_sync"
    ):
        seam.prove()
    monkeypatch.undo()
    monkeypatch.setattr(anyio.to_thread, "run_sync", seam._usual)
    with pytest.raises(SetupFailed, match="one thread and one database connection"):
        seam.prove()


def test_a_task_that_outlives_its_request_has_a_session_of_its_own_that_is_closed(
    database: str, serving: type[Client]
) -> None:
    from django.db import connection

    from pocket.fastapi import create_app

    app = create_app(discover=False)
    later: list[asyncio.Task[Any]] = []

    def session() -> tuple[str, Any, Any]:
        connection.ensure_connection()
        return threading.current_thread().name, connection, connection.connection

    over = asyncio.Event()

    async def wait_and_ask() -> Any:
        await over.wait()
        return await run_in_threadpool(session)

    @app.get("/leave")
    async def leave() -> Any:
        later.append(asyncio.ensure_future(wait_and_ask()))
        return (await run_in_threadpool(session))[0]

    @app.get("/wait")
    async def wait() -> Any:
        over.set()
        name, used, _ = await later[0]
        return [name, used.connection is None]

    with serving(app) as client:
        first = client.get("/leave").json()
        name, is_closed = client.get("/wait").json()
    assert first != name
    assert is_closed


def test_synchronous_code_of_a_web_socket_leaves_no_session(database: str) -> None:
    from django.db import connections

    from pocket.fastapi import create_app

    app = create_app(discover=False)
    used: list[Any] = []

    def session() -> str:
        connections["default"].ensure_connection()
        used.append(connections["default"])
        return threading.current_thread().name

    @app.websocket("/socket")
    async def socket(websocket: WebSocket, first: Annotated[str, Depends(session)]) -> None:
        await websocket.accept()
        await websocket.send_json([first, await run_in_threadpool(session)])
        await websocket.close()

    async def main() -> Any:
        scope = {"type": "websocket", "path": "/socket", "raw_path": b"/socket", "query_string": b"", "headers": []}
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, send)
        return json.loads(sent[1]["text"])

    with ServerClient(app) as client:
        threads = client.run(main())
    assert all("AnyIO" in name for name in threads)
    assert [wrapper.connection for wrapper in used] == [None, None]


def test_asynchronous_code_can_be_called_from_an_endpoint_in_either_mode(client: Client, books: Any) -> None:
    from asgiref.sync import async_to_sync
    from library.models import Book

    async def count() -> int:
        return await Book.objects.acount()

    @client.app.get("/back")  # type: ignore[attr-defined]
    def back() -> int:
        return async_to_sync(count)()

    client.app.get("/back-after")(count)  # type: ignore[attr-defined]
    assert [client.get(path).json() for path in ("/back", "/back-after", "/back")] == [3, 3, 3]


def test_a_context_variable_that_synchronous_code_sets_stays_there(client: Client) -> None:
    from contextvars import ContextVar

    variable: ContextVar[str] = ContextVar("variable", default="unset")

    def depends() -> str:
        variable.set("set")
        return variable.get()

    @client.app.get("/set")  # type: ignore[attr-defined]
    def after(first: Annotated[str, Depends(depends)]) -> Any:
        return [first, variable.get()]

    assert client.get("/set").json() == ["set", "unset"], "as FastAPI has it"


def test_more_than_one_request_at_a_time_has_as_many_threads(hops: Any) -> None:
    async def main() -> list[Any]:
        return await asyncio.gather(*(exchange(hops, "GET", "/depending/1") for _ in range(8)))

    with ServerClient(hops) as client:
        answers = [answer.json() for answer in client.run(main())]
    assert all(len(set(map(tuple, answer))) == 1 for answer in answers)
