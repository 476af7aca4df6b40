"""Hostile events raise UnknownEvent or give a well-formed request."""

from __future__ import annotations

from typing import Any

import pytest
from hostile_events import JSON, damaged
from hypothesis import given, settings
from hypothesis import strategies as st
from lambda_events import FORMATS, RequestSpec, event_of

from pocket.errors import UnknownEvent
from pocket.lambda_http.formats import choose
from pocket.lambda_http.request import Gateway, Request


def well_formed(request: Request) -> bool:
    texts = (request.method, request.script_name, request.query, request.scheme, request.client, request.protocol)
    return (
        all(isinstance(text, str) for text in (*texts, request.path, request.server_name, request.server_port))
        and isinstance(request.body, bytes)
        and all(isinstance(part, str) for part in (*request.headers.layout.names, *request.headers.values))
        and len(request.headers.layout.names) == len(request.headers.values)
        and request.scheme in {"http", "https"}
        and request.server_port.isdigit()
        and request.path[:1] in {"", "/"}
        and isinstance(request.raw_path, bytes)
        and bool(request.query.encode("latin-1") or True)
        and bool(request.path.encode("utf-8", "surrogateescape") or True)
        and all(value.encode("latin-1") is not None for value in request.headers.values)
    )


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=150)
@given(data=st.data())
def test_damaged_event_is_refused_or_well_formed(form: str, data: st.DataObject) -> None:
    event = data.draw(damaged(form))
    try:
        request = choose(event).parse(event, Gateway(None, data.draw(st.integers(0, 2))))
    except UnknownEvent:
        return
    assert well_formed(request)


@settings(max_examples=150)
@given(event=JSON)
def test_any_json_is_refused_or_well_formed(event: Any) -> None:
    try:
        request = choose(event).parse(event, Gateway())
    except UnknownEvent:
        return
    assert well_formed(request)


@pytest.mark.parametrize("form", FORMATS)
def test_giant_values_are_parsed(form: str) -> None:
    giant = "x" * 1_000_000
    spec = RequestSpec(path=f"/{giant}", query=f"a={giant}", headers=(("x-giant", giant),))
    event = event_of(form, spec)
    assert well_formed(choose(event).parse(event, Gateway()))
