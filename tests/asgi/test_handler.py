"""ASGI applications behind events: scope, messages, lifespan, deadlines, tasks and contexts."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from gateways import Sent, sent
from http_requests import request_specs
from hypothesis import given
from hypothesis import strategies as st
from lambda_events import ENCODED_PATHS, FORMATS, RequestSpec, event_of

from pocket.asgi import make_handler
from pocket.asgi.handler import Handler
from pocket.asgi.lifespan import LifespanFailed
from pocket.errors import UnknownEvent

every_format = pytest.mark.parametrize("form", FORMATS)
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
BODY = {"type": "http.response.body", "body": b"ok"}


class Context:
    """A Lambda context with this number of seconds until the deadline."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int((self.end - time.monotonic()) * 1000)


@pytest.fixture
def serve() -> Iterator[Callable[..., Handler]]:
    """Makes handlers, and closes them after the test."""
    handlers: list[Handler] = []

    def make(app: Any, **options: Any) -> Handler:
        handlers.append(make_handler(app, **options))
        return handlers[-1]

    yield make
    for handler in handlers:
        handler.close()


def http(function: Any) -> Any:
    """An application without a lifespan, from a function for http scopes."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await function(scope, receive, send)

    return app


def ask(handler: Handler, request: RequestSpec | None = None, form: str = "http_api", context: Any = None) -> Sent:
    return sent(form, handler(event_of(form, request or RequestSpec()), context))


@http
async def echo(scope: Any, receive: Any, send: Any) -> None:
    message = await receive()
    answer = {
        key: value.decode("latin-1") if isinstance(value, bytes) else value
        for key, value in scope.items()
        if key not in {"headers", "state", "aws.event", "aws.context"}
    }
    answer["headers"] = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
    answer["body"] = message["body"].hex()
    answer["more_body"] = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"Content-Type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


@pytest.fixture(scope="module")
def echoing() -> Iterator[Handler]:
    handler = make_handler(echo)
    yield handler
    handler.close()


@every_format
@given(data=st.data())
def test_scope_has_the_request(echoing: Handler, form: str, data: st.DataObject) -> None:
    request = data.draw(request_specs(any_bytes=form in ENCODED_PATHS))
    if request.method == "HEAD":
        return
    answer = json.loads(ask(echoing, request, form).body)
    root = "/prod" if form == "rest_api" else ""
    assert answer["type"] == "http"
    assert answer["method"] == request.method
    assert answer["root_path"] == root
    assert answer["path"] == root + unquote_to_bytes(request.path).decode("utf-8", "replace")
    assert unquote_to_bytes(answer["raw_path"]) == unquote_to_bytes(root + request.path)
    assert answer["scheme"] == request.scheme
    assert answer["client"][0] == request.client
    assert answer["body"] == request.body.hex()
    assert answer["more_body"] is False
    assert answer["http_version"] == "1.1"
    assert ["host", request.host] in answer["headers"]
    cookies = [value for name, value in answer["headers"] if name == "cookie"]
    assert cookies == (["; ".join(request.cookies)] if request.cookies else [])
    if form in {"http_api", "function_url"}:
        assert answer["query_string"] == request.query


def test_raw_path_of_function_urls_and_load_balancers_is_as_sent(echoing: Handler) -> None:
    for form in ("function_url", "load_balancer"):
        assert json.loads(ask(echoing, RequestSpec(path="/a%2Fb%20c//"), form).body)["raw_path"] == "/a%2Fb%20c//"


def test_event_and_context_are_in_the_scope_and_cannot_be_forged_by_a_header(serve: Any) -> None:
    scopes: list[Any] = []

    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await send(START)
        await send(BODY)

    event, context = (
        event_of("http_api", RequestSpec(headers=(("aws.event", "x"), ("aws.context", "y"), ("x_y", "z")))),
        object(),
    )
    serve(app)(event, context)
    assert scopes[0]["aws.event"] is event
    assert scopes[0]["aws.context"] is context
    names = {name for name, _ in scopes[0]["headers"]}
    assert not names & {b"aws.event", b"aws.context"}
    assert b"x_y" in names


def test_other_events_are_refused(echoing: Handler) -> None:
    with pytest.raises(UnknownEvent):
        echoing({"Records": []}, None)


@every_format
def test_body_in_parts_cookies_and_binary_bodies(serve: Any, form: str) -> None:
    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        cookies = [(b"set-cookie", b"a=1"), (b"Set-Cookie", b"b=2")]
        await send({"type": "http.response.start", "status": 201, "headers": cookies})
        await send({"type": "http.response.body", "body": b"\xff\x00", "more_body": True})
        await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"\x01", "more_body": True})
        await send({"type": "http.response.body"})

    wire = ask(serve(app), form=form)
    assert (wire.status, wire.body, wire.all("set-cookie")) == (201, b"\xff\x00\x01", ["a=1", "b=2"])


def test_a_header_with_a_line_break_is_one_header(serve: Any) -> None:
    seen: list[tuple[bytes, bytes]] = []

    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend(scope["headers"])
        await send(START)
        await send(BODY)

    event = event_of("http_api", RequestSpec(headers=(("x-one", "1\n2"), ("x-two", "3"))))
    assert serve(app)(event, None)["statusCode"] == 200
    assert [pair for pair in seen if pair[0].startswith(b"x-one") or pair[0] == b"x-two"] == [
        (b"x-one", b"1\n2"),
        (b"x-two", b"3"),
    ]


@every_format
def test_headers_may_be_any_iterable_and_are_copied_when_sent(serve: Any, form: str) -> None:
    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"X-One", b"1"), (b"vary", b"a"), (b"Vary", b"b"), (b"x-latin", b"\xe9")]
        await send({**START, "headers": (pair for pair in headers)})
        headers.clear()
        await send(BODY)

    event = event_of(form, RequestSpec())
    wire = sent(form, serve(app)(event, None))
    assert (wire.all("x-one"), ", ".join(wire.all("vary")), wire.all("x-latin")) == (["1"], "a, b", ["\xe9"])


def test_headers_that_are_not_bytes_are_500_and_logged(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "headers": [("x-one", "text")]})
        await send(BODY)

    assert ask(serve(app)).status == 500
    assert "no attribute 'decode'" in caplog.text


def test_application_may_return_any_awaitable(serve: Any) -> None:
    class Awaitable:
        def __init__(self, *arguments: Any) -> None:
            self.arguments = arguments

        def __await__(self) -> Any:
            return echo(*self.arguments).__await__()

    assert ask(serve(Awaitable, lifespan=False)).status == 200


def test_disconnect_is_received_after_the_response(serve: Any) -> None:
    seen: list[Any] = []

    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def watch() -> None:
            seen.append((await receive())["type"])

        await receive()
        watching = asyncio.create_task(watch())
        await asyncio.sleep(0.01)
        seen.append("waited")
        await send(START)
        await send(BODY)
        await watching
        seen.append((await receive())["type"])

    assert ask(serve(app)).body == b"ok"
    assert seen == ["waited", "http.disconnect", "http.disconnect"]


def test_the_same_loop_serves_every_invocation(serve: Any) -> None:
    loops: list[Any] = []

    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        assert asyncio.current_task() is not None
        await send(START)
        await send(BODY)

    handler = serve(app)
    for _ in range(3):
        ask(handler)
    assert len(set(loops)) == 1


def test_context_variables_are_reset_after_an_invocation(serve: Any) -> None:
    variable = contextvars.ContextVar("variable", default="")
    seen: list[str] = []

    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(variable.get())
        variable.set("leaked")
        await asyncio.sleep(0)
        await send(START)
        await send(BODY)

    handler = serve(app)
    ask(handler)
    ask(handler)
    assert seen == ["", ""]


@pytest.mark.parametrize("suspends", [True, False])
def test_exception_is_500_and_logged(serve: Any, suspends: bool, caplog: pytest.LogCaptureFixture) -> None:
    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if suspends:
            await asyncio.sleep(0)
        raise ValueError("what went wrong inside")

    wire = ask(serve(app))
    assert (wire.status, wire.body) == (500, b"Internal Server Error\n")
    assert "what went wrong inside" in caplog.text


def test_exception_after_the_response_is_logged_and_the_response_sent(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(BODY)
        raise ValueError("in a background task")

    assert ask(serve(app)).body == b"ok"
    assert "in a background task" in caplog.text


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [START],
        [START, {**BODY, "more_body": True}],
        [BODY],
        [START, START],
        [START, BODY, BODY],
        [{**START, "status": 0}, BODY],
        [{**START, "status": 99}, START, BODY],
        [{"type": "websocket.accept"}],
    ],
)
def test_messages_out_of_order_are_500_unless_the_response_is_complete(
    serve: Any, messages: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    assert ask(serve(app)).status == (200 if messages[:2] == [START, BODY] else 500)
    assert caplog.records


def test_response_over_the_limit_is_500_and_logged(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    stopped: list[type[BaseException]] = []

    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        try:
            while True:
                await send({**BODY, "body": b"x" * 1_000_000, "more_body": True})
        except OSError as error:
            stopped.append(type(error))
            raise

    assert ask(serve(app)).status == 500
    assert stopped == [OSError]
    assert "S3" in caplog.text


def test_background_work_ends_before_the_handler_returns(serve: Any) -> None:
    done: list[str] = []

    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(BODY)
        await asyncio.sleep(0.05)
        done.append("background")

    assert ask(serve(app)).body == b"ok"
    assert done == ["background"]


def test_task_left_running_is_logged_once(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def poll() -> None:
        await asyncio.sleep(3600)

    kept: list[Any] = []

    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        kept.append(asyncio.create_task(asyncio.sleep(0)))
        if len(kept) == 1:
            kept.append(asyncio.create_task(poll()))
        await send(START)
        await send(BODY)

    handler = serve(app)
    ask(handler)
    ask(handler)
    (record,) = caplog.records
    assert "poll is still running" in record.getMessage()
    assert "asyncio/tasks.py" in record.getMessage()


def test_request_that_times_out_is_cancelled_and_gets_504(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    noted: list[str] = []

    async def deep() -> None:
        await asyncio.sleep(30)

    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await deep()
        except asyncio.CancelledError:
            noted.append("cancelled")
            raise

    handler = serve(app)
    context = Context(0.6)
    wire = ask(handler, RequestSpec(path="/slow"), context=context)
    assert (wire.status, wire.body) == (504, b"Gateway Timeout\n")
    assert 300 < context.get_remaining_time_in_millis() <= 500
    assert noted == ["cancelled"]
    assert "GET /slow: timed out" in caplog.text
    assert "deep (" in caplog.text


def test_task_that_ignores_cancellation_is_abandoned(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    release = threading.Event()

    def block_here() -> None:
        release.wait(10)

    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        waiting = asyncio.ensure_future(asyncio.to_thread(block_here))
        while not waiting.done():
            try:
                await asyncio.shield(waiting)
            except asyncio.CancelledError:
                continue
        await send(START)
        await send(BODY)

    handler = serve(app)
    context = Context(0.55)
    try:
        assert ask(handler, context=context).status == 504
        assert context.get_remaining_time_in_millis() > 100
        assert "block_here (" in caplog.text
    finally:
        release.set()


def test_complete_response_is_sent_though_background_work_times_out(serve: Any) -> None:
    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(BODY)
        await asyncio.sleep(30)

    assert ask(serve(app), context=Context(0.55)).body == b"ok"


def test_a_second_receive_waits_until_the_deadline(serve: Any) -> None:
    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await receive()

    assert ask(serve(app), context=Context(0.55)).status == 504


class Lasting:
    """An application with a lifespan and a lasting task; it notes the messages that it receives."""

    def __init__(self, fail: str = "") -> None:
        self.noted: list[str] = []
        self.fail = fail

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.live(scope, receive, send)
            return
        self.noted.append(f"request {scope['state']['number']}")
        scope["state"]["number"] = 99
        await send(START)
        await send(BODY)

    async def live(self, scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "lifespan.startup"
        await asyncio.sleep(0)
        if self.fail == "message":
            await send({"type": "lifespan.startup.failed", "message": "no database"})
            return
        if self.fail == "raise":
            raise ValueError("no database")
        scope["state"]["number"] = 7
        self.task = asyncio.create_task(asyncio.sleep(3600))
        self.noted.append("startup")
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        self.task.cancel()
        self.noted.append("shutdown")
        await send({"type": "lifespan.shutdown.complete"})


def test_lifespan_runs_once_and_each_request_has_a_copy_of_its_state(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = Lasting()
    handler = serve(app)
    for _ in range(3):
        ask(handler)
    handler.close()
    handler.close()
    assert app.noted == ["startup", "request 7", "request 7", "request 7", "shutdown"]
    assert not caplog.records


@pytest.mark.parametrize("fail", ["message", "raise"])
def test_failed_lifespan_is_an_error_of_the_start(fail: str) -> None:
    handler: Any = None
    with pytest.raises(LifespanFailed) as caught:
        handler = make_handler(Lasting(fail))
    assert handler is None
    assert "no database" in f"{caught.value} {caught.value.__cause__}"


def test_application_that_fails_to_start_and_does_not_end_is_cancelled() -> None:
    noted: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        try:
            await asyncio.sleep(3600)
        finally:
            noted.append("cancelled")

    with pytest.raises(LifespanFailed, match="no database"):
        make_handler(app)
    assert noted == ["cancelled"]


def test_application_without_a_lifespan_starts(serve: Any) -> None:
    assert ask(serve(echo)).status == 200


def test_lifespan_can_be_left_out(serve: Any) -> None:
    app = Lasting()
    handler = serve(app, lifespan=False)
    assert ask(handler).status == 500
    assert app.noted == []


@pytest.mark.parametrize(
    ("body", "sent_bytes"),
    [
        (memoryview(b"view"), b"view"),
        (bytearray(b"array"), b"array"),
        (memoryview(array("I", [1, 2])), array("I", [1, 2]).tobytes()),
        (memoryview(b"abcdef")[::2], b"ace"),
    ],
    ids=["view", "bytearray", "typed view", "view with steps"],
)
@pytest.mark.parametrize("more", [False, True])
def test_a_body_may_be_any_buffer(serve: Any, body: Any, sent_bytes: bytes, more: bool) -> None:
    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": body, "more_body": more})
        if more:
            await send({"type": "http.response.body", "body": b"!"})

    assert ask(serve(app)).body == sent_bytes + b"!" * more


def test_buffer_is_copied_when_sent(serve: Any) -> None:
    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        buffer = bytearray(2)
        for part in (b"ab", b"cd"):
            buffer[:] = part
            await send({"type": "http.response.body", "body": buffer, "more_body": True})
        await send({"type": "http.response.body", "body": memoryview(buffer)})
        buffer[:] = b"xx"

    assert ask(serve(app)).body == b"abcdcd"


def test_size_of_a_typed_view_is_in_bytes(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": memoryview(array("Q", bytes(8 * 1_000_000)))})

    assert ask(serve(app)).status == 500
    assert "8,000,000 bytes" in caplog.text


@every_format
@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"x-a", b"1\r\nset-cookie: stolen=1"),
        (b"x-a", b"1\n2"),
        (b"x-a", b"1\0"),
        (b"x-a", b"\x7f"),
        (b"set-cookie", b"a=1\r\nx: y"),
        (b"x\r\ny", b"1"),
        (b"x y", b"1"),
        (b"x:y", b"1"),
        (b"", b"1"),
        ("é".encode("latin-1"), b"1"),
    ],
)
def test_invalid_header_is_500_and_logged(
    serve: Any, form: str, name: bytes, value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-ok", b"1"), (name, value)]})
        await send(BODY)

    wire = ask(serve(app), form=form)
    assert (wire.status, wire.body) == (500, b"Internal Server Error\n")
    assert "response header" in caplog.text
    assert "stolen" not in caplog.text


@every_format
def test_headers_may_have_tabs_and_all_of_latin_1(serve: Any, form: str) -> None:
    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"x-tab", b"a\tb"), (b"x-latin", bytes(range(0xA0, 0x100))), (b"x-empty", b"")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send(BODY)

    wire = ask(serve(app), form=form)
    assert wire.status == 200
    assert wire.all("x-tab") == ["a\tb"]
    assert wire.all("x-latin") == [bytes(range(0xA0, 0x100)).decode("latin-1")]


def test_scheduled_callbacks_run_before_the_handler_returns(serve: Any) -> None:
    happened: list[str] = []

    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(happened.append, "soon")
        loop.call_soon(lambda: loop.call_soon(happened.append, "soon after"))
        loop.call_later(0, happened.append, "at once")
        loop.call_later(60, happened.append, "later")
        future = loop.create_future()
        future.add_done_callback(lambda _: happened.append("callback"))
        future.set_result(None)
        await send(START)
        await send(BODY)

    assert ask(serve(app)).status == 200
    assert sorted(happened) == ["at once", "callback", "soon", "soon after"]


def test_callbacks_run_before_the_handler_returns_though_asyncio_replaces_its_queue(serve: Any) -> None:
    happened: list[str] = []

    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        loop: Any = asyncio.get_running_loop()
        loop._ready = loop._ready.copy()
        loop.call_soon(happened.append, "soon")
        await send(START)
        await send(BODY)

    assert ask(serve(app)).status == 200
    assert happened == ["soon"]


def test_abandoned_generator_closes_before_the_handler_returns(serve: Any) -> None:
    happened: list[str] = []

    async def numbers() -> Any:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            happened.append("closed")

    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        async for _ in numbers():
            break
        await send(START)
        await send(BODY)

    handler = serve(app)
    for number in (1, 2):
        assert ask(handler).status == 200
        assert len(happened) == number


def test_generator_collected_between_requests_closes_in_the_next(serve: Any) -> None:
    happened: list[str] = []
    kept: list[Any] = []

    async def numbers() -> Any:
        try:
            yield 1
        finally:
            happened.append("closed")

    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if not kept and not happened:
            kept.append(numbers())
            await anext(kept[0])
        await send(START)
        await send(BODY)

    handler = serve(app)
    ask(handler)
    kept.clear()
    gc.collect()
    ask(handler)
    assert happened == ["closed"]


def test_endless_work_does_not_block_the_response(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def spin() -> None:
            while True:
                await asyncio.sleep(0)

        app.task = asyncio.create_task(spin())  # type: ignore[attr-defined]
        await send(START)
        await send(BODY)

    assert ask(serve(app)).status == 200
    assert "spin" in caplog.text


@pytest.mark.parametrize("waits", [False, True])
def test_handler_inside_a_running_loop_raises_an_error_with_a_solution(serve: Any, waits: bool) -> None:
    @http
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.001 if waits else 0)
        await send(START)
        await send(BODY)

    handler = serve(app)

    async def caller() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(RuntimeError, match=r"asyncio\.to_thread\(handler, event, context\)"):
            ask(handler)
        with pytest.raises(RuntimeError, match="running event loop"):
            serve(app)
        assert asyncio.get_running_loop() is loop
        await asyncio.sleep(0)
        assert (await asyncio.to_thread(ask, handler)).status == 200

    asyncio.run(caller())
    assert ask(handler).status == 200
