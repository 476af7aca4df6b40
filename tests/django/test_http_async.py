"""Asynchronous views on one loop for all invocations: threads, contexts, deadlines, tasks."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_finished
from django.test import override_settings
from django_project import project
from gateways import Sent, sent
from lambda_events import RequestSpec, event_of

from pocket.django.http.asgi import make_asgi_handler
from pocket.django.http.wsgi import make_wsgi_handler


@pytest.fixture(autouse=True, scope="module")
def _echo() -> Iterator[None]:
    with project("echo", "echo_settings", {}):
        yield


@pytest.fixture
def happened() -> Iterator[list[str]]:
    import echo_views

    echo_views.HAPPENED.clear()
    yield echo_views.HAPPENED
    for task in echo_views._KEPT:
        task.cancel()
    echo_views._KEPT.clear()
    echo_views.HAPPENED.clear()


TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": {"loaders": []}}]


class Context:
    """A Lambda context with this number of seconds until the deadline."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int((self.end - time.monotonic()) * 1000)


def get(handler: Any, path: str, context: Any = None) -> Sent:
    return sent("http_api", handler(event_of("http_api", RequestSpec(path=path)), context))


@pytest.mark.parametrize("make", [make_wsgi_handler, make_asgi_handler])
@pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning")
def test_view_thread_sensitive_code_and_handler_share_a_thread_and_one_loop(make: Any) -> None:
    import threading

    handler = make()
    answers = [json.loads(get(handler, "/_/async_where").body) for _ in range(3)]
    assert {thread for answer in answers for thread in answer["threads"]} == {threading.get_ident()}
    assert len({answer["loop"] for answer in answers}) == 1


@pytest.mark.parametrize("make", [make_wsgi_handler, make_asgi_handler])
def test_asynchronous_middleware_around_either_view(make: Any) -> None:
    with override_settings(MIDDLEWARE=["echo_views.asynchronous_only", "django.middleware.common.CommonMiddleware"]):
        handler = make()
        for path in ("/_/plain", "/_/async_plain"):
            wire = get(handler, path)
            assert (wire.body, wire.all("x-async-only")) == (b"ok", ["yes"])
    with override_settings(MIDDLEWARE=["django.middleware.common.CommonMiddleware", "echo_views.asynchronous_only"]):
        handler = make()
        for path in ("/_/plain", "/_/async_plain"):
            assert get(handler, path).all("x-async-only") == ["yes"]


@pytest.mark.parametrize("make", [make_wsgi_handler, make_asgi_handler])
def test_asynchronous_middleware_gets_unrendered_template_responses(make: Any) -> None:
    with override_settings(MIDDLEWARE=["echo_views.Templating"], TEMPLATES=TEMPLATES):
        wire = get(make(), "/_/template")
    assert (wire.status, wire.body) == (200, b"from the middleware")


@pytest.mark.parametrize("make", [make_wsgi_handler, make_asgi_handler])
def test_error_for_a_missing_response_has_the_middlewares_name(make: Any, caplog: pytest.LogCaptureFixture) -> None:
    with override_settings(MIDDLEWARE=["echo_views.Forgetful"], TEMPLATES=TEMPLATES):
        assert get(make(), "/_/template").status == 500
    assert "Forgetful.process_template_response" in caplog.text


def test_handler_inside_a_running_loop_raises_an_error_with_a_solution() -> None:
    handler = make_asgi_handler()

    async def call() -> None:
        with pytest.raises(RuntimeError, match=r"asyncio\.to_thread"):
            get(handler, "/_/async_plain")
        assert asyncio.get_running_loop().is_running()
        assert (await asyncio.to_thread(get, handler, "/_/plain")).status == 200

    asyncio.run(call())
    assert get(handler, "/_/async_plain").status == 200


def test_context_variable_of_a_view_reaches_the_middleware_but_not_the_next_invocation(happened: list[str]) -> None:
    with override_settings(MIDDLEWARE=["echo_views.noting"]):
        handler = make_asgi_handler()
        assert [get(handler, "/_/async_variable").body for _ in range(2)] == [b"", b""]
    assert happened == ["variable: set by a view"] * 2


def test_view_that_cancels_itself_is_500(caplog: pytest.LogCaptureFixture) -> None:
    assert get(make_asgi_handler(), "/_/async_cancelled").status == 500
    assert "was cancelled" in caplog.text


@pytest.mark.parametrize("path", ["/_/async_slow", "/_/async_slow_stream"])
def test_view_is_cancelled_half_a_second_before_the_deadline_and_gets_504(
    path: str, happened: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    finished: list[Any] = []

    def note(**values: Any) -> None:
        finished.append(values)

    request_finished.connect(note)
    handler = make_asgi_handler()
    try:
        context = Context(0.6)
        wire = get(handler, path, context)
    finally:
        request_finished.disconnect(note)
    assert wire.status == 504
    assert context.get_remaining_time_in_millis() > 100
    assert "echo_views.py" in caplog.text
    assert "asyncio/tasks.py" in caplog.text
    assert len(finished) == 1
    assert happened == (["view cancelled"] if path == "/_/async_slow" else [])
    assert get(handler, "/_/async_plain").body == b"ok"


def test_task_left_running_is_logged_once(happened: list[str], caplog: pytest.LogCaptureFixture) -> None:
    handler = make_asgi_handler()
    assert get(handler, "/_/async_leaves_a_task").body == b"ok"
    assert get(handler, "/_/async_plain").body == b"ok"
    (record,) = [record for record in caplog.records if record.name == "pocket.http"]
    assert "sleep is still running" in record.getMessage()
