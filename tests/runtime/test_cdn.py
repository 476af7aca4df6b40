"""Events of a function behind a distribution: only the distribution's pass, as if the viewer had asked directly."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket import naming
from pocket.manifest import Stage
from pocket.probe import http_event
from pocket.runtime import cdn

SECRET = "s" * 50
SENT = {
    naming.ORIGIN_HEADER: SECRET,
    naming.HOST_HEADER: "www.example.com",
    naming.CLIENT_HEADER: "2001:db8::7",
}


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(naming.ORIGIN_SECRET, SECRET)


def event(**headers: Any) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return http_event("https://a1.execute-api.eu-west-1.amazonaws.com", "/x", headers=named)


def through_cdn(**more: str) -> dict[str, Any]:
    return event(**{"x-forwarded-for": "198.51.100.1, 203.0.113.5", **SENT, **more})


def test_an_event_of_the_distribution_becomes_the_viewers() -> None:
    found = through_cdn()
    assert cdn.admit(found)
    assert found["headers"]["host"] == "www.example.com"
    assert found["headers"]["x-forwarded-for"] == "2001:db8::7", "what a viewer put before it is gone"
    assert found["requestContext"]["http"]["sourceIp"] == "2001:db8::7"


def test_no_header_of_the_distribution_reaches_the_application() -> None:
    seen: list[Any] = []

    def handler(event: Any, context: Any) -> Any:
        seen.append(event)
        return {"statusCode": 200}

    assert cdn.guarded(handler)(through_cdn(), None) == {"statusCode": 200}
    assert SECRET not in str(seen)
    assert not {naming.ORIGIN_HEADER, naming.HOST_HEADER, naming.CLIENT_HEADER} & seen[0]["headers"].keys()


@pytest.mark.parametrize("given", ["", "x", SECRET[:-1], SECRET + "s", "\udcff", "ü" * 50])
def test_another_secret_gets_a_403_and_the_application_is_not_asked(given: str) -> None:
    handler = cdn.guarded(lambda *_: pytest.fail("was asked"))
    answer = handler(through_cdn(**{naming.ORIGIN_HEADER: given}), None)
    assert answer["statusCode"] == 403
    assert answer["headers"]["cache-control"] == "no-store"


@pytest.mark.parametrize("name", [naming.ORIGIN_HEADER, naming.HOST_HEADER, naming.CLIENT_HEADER])
def test_an_event_that_lacks_a_header_of_the_distribution_is_refused(name: str) -> None:
    found = through_cdn()
    del found["headers"][name]
    assert not cdn.admit(found)


def test_nothing_is_admitted_without_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(naming.ORIGIN_SECRET, "")
    assert not cdn.admit(through_cdn(**{naming.ORIGIN_HEADER: ""}))
    monkeypatch.delenv(naming.ORIGIN_SECRET)
    assert not cdn.admit(through_cdn())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    headers=JSON | st.dictionaries(st.sampled_from([*SENT, "host"]), JSON),
    context=JSON | st.fixed_dictionaries({"http": JSON}),
)
def test_whatever_arrives_is_refused_without_an_error(headers: Any, context: Any) -> None:
    assert not cdn.admit({"headers": headers, "requestContext": context})
    assert not cdn.admit(headers)


@pytest.mark.parametrize(
    ("name", "behind", "expected"),
    [(None, "web", True), ("pocket-dev-x-web", "web", True), ("pocket-dev-x-api", "web", False), ("any", None, False)],
)
def test_only_the_handler_behind_the_distribution_is_guarded(
    monkeypatch: pytest.MonkeyPatch, name: str | None, behind: str | None, *, expected: bool
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    if name is not None:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", name)
    assert cdn.is_behind(Stage("pocket-dev-x", cdn=behind)) is expected
