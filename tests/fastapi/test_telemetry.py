"""FastAPI's telemetry, which costs each request a twentieth: on only where something may record it."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_client import LambdaClient

from pocket.fastapi import application as module
from pocket.fastapi import create_app

trace: Any = pytest.importorskip("opentelemetry.trace", reason="this FastAPI has no telemetry")


class Provider(trace.TracerProvider):  # type: ignore[misc]  # it may not be installed
    """A provider that is not of OpenTelemetry's SDK."""

    asked = 0

    def get_tracer(self, *_: Any, **__: Any) -> Any:
        self.asked += 1
        return trace.NoOpTracer()


@pytest.fixture
def provider(database: str, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The provider that is set when a request comes."""
    own = Provider()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: own)
    return own


def answered(app: Any) -> None:
    with LambdaClient(app) as client:
        assert client.get("/openapi.json").status == 200


@pytest.fixture
def without_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    find = module.find_spec
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "opentelemetry.sdk" else find(name))


def test_without_anything_to_record_it_fastapi_does_not_look(
    database: str, without_sdk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, asked = create_app(discover=False), create_app(discover=False, telemetry={"metrics": False})
    looked: list[str] = []
    usual = trace.get_tracer_provider
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: looked.append("") or usual())
    answered(app)
    assert not looked
    answered(asked)  # as an option asks for
    assert looked


def test_a_provider_that_is_set_gets_the_requests(provider: Provider, without_sdk: None) -> None:
    answered(create_app(discover=False))
    assert provider.asked


def test_with_the_sdk_a_provider_may_be_set_later(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: name)
    app, own = create_app(discover=False), Provider()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: own)
    answered(app)
    assert own.asked
