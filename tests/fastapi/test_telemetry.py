"""FastAPI's telemetry: `create_app()` turns it off where FastAPI would look in vain for something to record it."""

from __future__ import annotations

import inspect
import pkgutil
from typing import Any

import pytest
from asgi_client import LambdaClient
from fastapi import FastAPI

from pocket.fastapi import application as module
from pocket.fastapi import create_app

HAS_TELEMETRY = "telemetry" in inspect.signature(FastAPI.__init__).parameters
needs_telemetry = pytest.mark.skipif(not HAS_TELEMETRY, reason="this FastAPI has no telemetry")
GETTERS = ["trace.get_tracer_provider", "metrics.get_meter_provider", "_logs.get_logger_provider"]


@pytest.fixture
def without_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    find = module.find_spec
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "opentelemetry.sdk" else find(name))


def looked_for(app: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The functions of OpenTelemetry that `app` calls in a request to find a provider."""
    looked: list[str] = []

    def recording(getter: str, original: Any) -> Any:
        return lambda: looked.append(getter) or original()

    with monkeypatch.context() as patch, LambdaClient(app) as client:
        for getter in GETTERS:
            place = f"opentelemetry.{getter}"
            patch.setattr(place, recording(getter, pkgutil.resolve_name(place)))
        assert client.get("/openapi.json").status == 200
    return looked


@needs_telemetry
def test_without_anything_to_record_it_fastapi_does_not_look(
    database: str, without_sdk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not looked_for(create_app(discover=False), monkeypatch)
    assert looked_for(create_app(discover=False, telemetry={}), monkeypatch) == GETTERS


@needs_telemetry
def test_with_the_sdk_a_provider_may_be_set_later(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: name)
    assert looked_for(create_app(discover=False), monkeypatch) == GETTERS


@needs_telemetry
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_PYTHON_TRACER_PROVIDER", "default_tracer_provider"),
        ("OTEL_PYTHON_METER_PROVIDER", "default_meter_provider"),
        ("OTEL_PYTHON_LOGGER_PROVIDER", "a-provider"),
        ("FASTAPI_OTEL_AUTO_CONFIGURE", "true"),  # FastAPI warns at the start that there is no SDK
    ],
)
def test_with_a_variable_of_opentelemetry_it_is_as_in_fastapi(
    database: str, without_sdk: None, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv(variable, value)
        app = create_app(discover=False)
    assert looked_for(app, monkeypatch) == GETTERS


@needs_telemetry
def test_no_provider_is_loaded_to_find_out(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_TRACER_PROVIDER", "no-such-provider")  # its getter raises StopIteration
    create_app(discover=False)
    create_app(discover=False, telemetry={"tracing": False})


def test_an_earlier_fastapi_gets_no_option_that_it_does_not_know(database: str, without_sdk: None) -> None:
    assert not getattr(create_app(discover=False), "extra", {})  # which later ones do not have
