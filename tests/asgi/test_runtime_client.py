"""The handlers under AWS's runtime emulator and runtime client: start, invoke, large responses, error, timeout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django_project import PROJECTS
from gateways import Sent, sent
from lambda_events import RequestSpec, event_of
from runtime_emulator import EmulatorUnavailable, Function, program, running

APP = """
import asyncio
from pocket.asgi import make_handler

TEXT = [(b"content-type", b"text/plain; charset=utf-8")]


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        print("lifespan started", flush=True)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return
    body = {
        "/": lambda: scope["aws.context"].aws_request_id.encode(),
        "/binary": lambda: bytes(range(256)) * 4096,
        "/text": lambda: ('quote " \\u00e9 \\u65e5 \\x01 \\n' * 20000).encode(),
        "/echo": lambda: None,
        "/slow": lambda: None,
        "/large": lambda: b"\\xff" * 5_000_000,
    }[scope["path"]]()
    if scope["path"] == "/slow":
        await asyncio.sleep(60)
    if scope["path"] == "/echo":
        body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": TEXT})
    await send({"type": "http.response.body", "body": body})


handler = make_handler(app)
"""


@pytest.fixture(scope="module", autouse=True)
def _emulator() -> None:
    try:
        program()
    except EmulatorUnavailable as error:
        pytest.skip(str(error))


def ask(function: Function, path: str, **options: object) -> Sent:
    event = event_of("http_api", RequestSpec(path=path, **options))  # type: ignore[arg-type]
    return sent("http_api", function.invoke(json.dumps(event).encode()))


@pytest.fixture(scope="module")
def asgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    directory = tmp_path_factory.mktemp("function")
    (directory / "app.py").write_text(APP)
    with running("app.handler", directory, {}, timeout=2) as function:
        yield function


@pytest.fixture(scope="module")
def django(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    directory = tmp_path_factory.mktemp("function")
    for module in (PROJECTS / "echo").glob("*.py"):
        (directory / module.name).write_text(module.read_text())
    environ = {"DJANGO_SETTINGS_MODULE": "echo_settings"}
    with running("pocket.django.lambda_handlers.wsgi_handler", directory, environ) as function:
        yield function


def test_application_starts_once(asgi: Function) -> None:
    answers = {ask(asgi, "/").body for _ in range(3)}
    assert len(answers) == 3
    assert asgi.log.count("lifespan started") == 1


def test_bodies_pass_the_runtime_client_unchanged(asgi: Function) -> None:
    assert ask(asgi, "/echo", method="POST", body=b"\x00\xff").body == b"\x00\xff"
    assert ask(asgi, "/binary").body == bytes(range(256)) * 4096
    assert ask(asgi, "/text").body == ('quote " é 日 \x01 \n' * 20000).encode()


def test_response_over_the_limit_is_500_with_the_size_in_the_log(asgi: Function) -> None:
    assert ask(asgi, "/large").status == 500
    assert "bytes of JSON" in asgi.log


def test_other_event_is_a_function_error(asgi: Function) -> None:
    failure = json.loads(asgi.invoke(b'{"command": "migrate"}'))
    assert failure["errorType"] == "UnknownEvent"
    assert "command" in failure["errorMessage"]


def test_timeout_is_504_before_lambdas_deadline(asgi: Function) -> None:
    assert ask(asgi, "/slow").status == 504
    assert "app.py:" in asgi.log
    assert "Task timed out" not in asgi.log
    assert ask(asgi, "/").status == 200


def test_django(django: Function) -> None:
    answer = json.loads(ask(django, "/a%20b/", query="a=1&a=2", cookies=("a=1",)).body)
    assert (answer["path"], answer["get"], answer["cookies"]) == ("/a b/", {"a": ["1", "2"]}, {"a": "1"})
    assert ask(django, "/_/file").body == b"\x89PNG" * 1000


def test_errors_in_django_are_500_with_a_traceback_in_the_log(django: Function) -> None:
    assert ask(django, "/_/broken").status == 500
    assert "ValueError: what went wrong inside" in django.log


def test_application_that_does_not_start_has_its_reason_in_the_log(tmp_path: Path) -> None:
    failing = APP.replace("lifespan.startup.complete", "lifespan.startup.failed")
    (tmp_path / "app.py").write_text(failing)
    with running("app.handler", tmp_path, {}) as function:
        failure = function.invoke(json.dumps(event_of("http_api", RequestSpec())).encode())
        assert b"LifespanFailed" in failure
        assert "start-up failed" in function.log
