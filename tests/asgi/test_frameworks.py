"""FastAPI, and Django's own ASGI application, behind Pocket's handler."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django_project import project
from fastapi import BackgroundTasks, FastAPI, Request
from fastapi.responses import StreamingResponse
from gateways import sent
from lambda_events import FORMATS, RequestSpec, event_of

from pocket.asgi import make_handler

every_format = pytest.mark.parametrize("form", FORMATS)


@pytest.fixture(scope="module")
def noted() -> list[str]:
    return []


@pytest.fixture(scope="module")
def handler(noted: list[str]) -> Iterator[Any]:
    app = application(noted)
    app.add_api_route("/connected", connected)
    made = make_handler(app)
    yield made
    made.close()
    assert noted[-1] == "stop"


async def connected(request: Request) -> list[bool]:
    waiting = asyncio.create_task(request.receive())
    seen = [await request.is_disconnected(), await request.is_disconnected()]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(request.receive(), 0.001)
    return [*seen, waiting.done()]


def application(noted: list[str]) -> FastAPI:
    """An application that notes its start, its end and its background work."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, int]]:
        noted.append("start")
        yield {"number": 7}
        noted.append("stop")

    app = FastAPI(lifespan=lifespan)

    @app.middleware("http")
    async def mark(request: Request, call_next: Any) -> Any:
        response = await call_next(request)
        response.headers["x-marked"] = "yes"
        return response

    @app.get("/items/{item:path}")
    async def item(item: str, request: Request) -> dict[str, Any]:
        return {"item": item, "url": str(request.url), "number": request.state.number}

    @app.get("/threaded")
    def threaded() -> str:
        return "threaded"

    @app.post("/json")
    async def take(data: dict[str, int]) -> dict[str, int]:
        return data

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for part in (b"a", b"b"):
                await asyncio.sleep(0)
                yield part

        return StreamingResponse(parts())

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> str:
        async def later() -> None:
            await asyncio.sleep(0.02)
            noted.append("background")

        tasks.add_task(later)
        return "ok"

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError("what went wrong inside")

    return app


def get(handler: Any, path: str, form: str = "http_api", **options: Any) -> Any:
    return sent(form, handler(event_of(form, RequestSpec(path=path, **options)), None))


@every_format
def test_fastapi_answers(handler: Any, noted: list[str], form: str) -> None:
    wire = get(handler, "/items/a%20b/", form, query="q=1")
    base = "/prod" if form == "rest_api" else ""
    answer = json.loads(wire.body)
    assert answer["item"] == "a b/"
    assert answer["number"] == 7
    assert answer["url"].startswith(f"https://shop.example.com{base}/items/")
    assert wire.all("x-marked") == ["yes"]
    assert noted.count("start") == 1


def test_fastapi_streams_and_background_work(handler: Any, noted: list[str], caplog: pytest.LogCaptureFixture) -> None:
    assert get(handler, "/threaded").body == b'"threaded"'
    assert get(handler, "/stream").body == b"ab"
    assert get(handler, "/background").body == b'"ok"'
    assert noted[-1] == "background"
    kind = (("content-type", "application/json"),)
    assert get(handler, "/json", method="POST", headers=kind, body=b'{"a":1}').body == b'{"a":1}'
    assert not caplog.records


def test_no_disconnect_before_the_response(handler: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert get(handler, "/connected").body == b"[false,false,false]"
    assert not caplog.records, "a task still waits for the disconnect"


def test_errors_in_fastapi_are_500_and_logged(handler: Any, caplog: pytest.LogCaptureFixture) -> None:
    wire = get(handler, "/broken")
    assert (wire.status, wire.body) == (500, b"Internal Server Error")
    assert "what went wrong inside" in caplog.text


def test_djangos_asgi_application() -> None:
    with project("echo", "echo_settings", {}):
        from django.core.asgi import get_asgi_application

        made = make_handler(get_asgi_application())
        try:
            assert get(made, "/_/plain").body == b"ok"
            assert get(made, "/_/async_plain").body == b"ok"
            assert get(made, "/_/async_stream").body == b"ab"
            assert json.loads(get(made, "/a%20b/", query="a=1&a=2").body)["get"] == {"a": ["1", "2"]}
        finally:
            made.close()
