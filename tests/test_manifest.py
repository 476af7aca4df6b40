"""The manifest's records and its JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.errors import ManifestError
from pocket.manifest import Cache, DjangoTables, Handler, Manifest, SecretVariable, Stage, Storage

NAMES = st.text(max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NAMES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
OPTIONS = st.dictionaries(NAMES, JSON, max_size=2)
TABLES = st.builds(
    DjangoTables,
    storages=st.dictionaries(NAMES, st.builds(Storage, NAMES, static=st.booleans(), options=OPTIONS), max_size=1),
    caches=st.dictionaries(NAMES, st.builds(Cache, NAMES, location=st.none() | NAMES), max_size=1),
    settings=OPTIONS,
)
STAGES = st.builds(
    Stage,
    stack_name=NAMES,
    bucket_name=st.none() | NAMES,
    django=TABLES,
    handlers=st.dictionaries(NAMES, st.builds(Handler, NAMES, st.integers(), address=st.booleans()), max_size=2),
    secrets=st.lists(st.builds(SecretVariable, NAMES, NAMES, NAMES), max_size=2).map(tuple),
    secret_refresh=st.none() | st.integers(),
)
MANIFESTS = st.builds(Manifest, NAMES, NAMES, NAMES, st.dictionaries(NAMES, STAGES, max_size=2), fallback=TABLES)


@given(MANIFESTS)
def test_manifest_survives_a_round_trip(manifest: Manifest) -> None:
    text = manifest.to_json()
    assert Manifest.from_json(text) == manifest
    assert Manifest.from_json(text).to_json() == text


def test_hint_for_another_format_is_to_use_the_same_version() -> None:
    text = json.dumps({"format": 2})
    with pytest.raises(ManifestError, match="format 2") as caught:
        Manifest.from_json(text)
    assert "same version" in caught.value.hint


def test_record_is_frozen_equal_by_value_and_has_a_repr() -> None:
    handler = Handler("x", 30, queue=True)
    assert handler == Handler(command="x", timeout=30, queue=True)
    assert handler != Handler("x", 31, queue=True)
    assert handler != "x"
    assert hash(handler) == hash(Handler("x", 30, queue=True))
    assert "timeout=30" in repr(handler)
    with pytest.raises(AttributeError, match="frozen"):
        handler.timeout = 1  # type: ignore[misc]
    with pytest.raises(AttributeError, match="frozen"):
        del handler.timeout  # type: ignore[misc]


@pytest.mark.parametrize("arguments", [((), {}), (("x",), {}), (("x", *[1] * 10), {}), (("x", 1), {"timeout": 1})])
def test_record_accepts_its_fields_only(arguments: tuple[tuple[object, ...], dict[str, object]]) -> None:
    with pytest.raises(TypeError, match="Handler takes "):
        Handler(*arguments[0], **arguments[1])  # type: ignore[arg-type]


def test_secret_is_listed_once_for_each_service() -> None:
    variables = tuple(
        SecretVariable(name, service, secret)
        for name, service, secret in (
            ("A", "secretsmanager", "x"),
            ("B", "ssm", "y"),
            ("C", "secretsmanager", "x"),
            ("D", "secretsmanager", "z"),
        )
    )
    stage = Stage(stack_name="s", secrets=variables)
    assert stage.secret_ids("secretsmanager") == ("x", "z")
    assert stage.secret_ids("ssm") == ("y",)
