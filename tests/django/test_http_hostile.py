"""Hostile events raise UnknownEvent or get a response, and never cause an error in Pocket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django_project import project
from gateways import sent
from hostile_events import damaged
from hypothesis import given, settings
from hypothesis import strategies as st
from lambda_events import FORMATS

from pocket.asgi import make_handler
from pocket.django.http.wsgi import make_wsgi_handler
from pocket.errors import UnknownEvent


@pytest.fixture(scope="module")
def handlers() -> Iterator[list[Any]]:
    """Django's handler, and that of an ASGI application that reads its whole scope and body."""
    with project("echo", "echo_settings", {}):
        asgi = make_handler(tell)
        yield [make_wsgi_handler(), asgi]
        asgi.close()


async def tell(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    message = await receive()
    text = repr([scope["path"], scope["query_string"], dict(scope["headers"]), message["body"]])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text.encode("ascii", "backslashreplace")})


@pytest.mark.parametrize("form", FORMATS)
@settings(deadline=None)
@given(data=st.data())
def test_damaged_event_is_refused_or_gets_a_response(handlers: list[Any], form: str, data: st.DataObject) -> None:
    event = data.draw(damaged(form))
    for handler in handlers:
        try:
            returned = handler(event, None)
        except UnknownEvent:
            continue
        assert 200 <= sent(_kind(form, event), returned).status < 500


def _kind(form: str, event: dict[str, Any]) -> str:
    """The format of the response: lists of headers may have been lost."""
    return "load_balancer" if form.startswith("load_balancer") and event.get("multiValueHeaders") is None else form
