"""The manifest's records and its JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.errors import ManifestError
from pocket.manifest import Cache, DjangoTables, Handler, Manifest, SecretVariable, Stage, Storage

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
TABLES = st.builds(
    DjangoTables,
    storages=st.dictionaries(
        st.text(), st.builds(Storage, st.text(), static=st.booleans(), options=st.dictionaries(st.text(), JSON))
    ),
    caches=st.dictionaries(st.text(), st.builds(Cache, st.text(), location=st.none() | st.text())),
    settings=st.dictionaries(st.text(), JSON),
)
STAGES = st.builds(
    Stage,
    stack_name=st.text(),
    bucket_name=st.none() | st.text(),
    django=TABLES,
    handlers=st.dictionaries(st.text(), st.builds(Handler, st.text(), st.integers(), address=st.booleans())),
    secrets=st.lists(st.builds(SecretVariable, st.text(), st.text(), st.text())).map(tuple),
    secret_refresh=st.none() | st.integers(),
)


@given(st.builds(Manifest, st.text(), st.text(), st.text(), st.dictionaries(st.text(), STAGES), fallback=TABLES))
def test_what_is_written_is_what_is_read(manifest: Manifest) -> None:
    text = manifest.to_json()
    assert Manifest.from_json(text) == manifest
    assert Manifest.from_json(text).to_json() == text


def test_another_format_says_which_versions_to_align() -> None:
    text = json.dumps({"format": 2})
    with pytest.raises(ManifestError, match="format 2") as caught:
        Manifest.from_json(text)
    assert "same version" in caught.value.hint


def test_a_record_is_frozen_equal_by_value_and_tells_its_fields() -> None:
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


@pytest.mark.parametrize(
    "arguments", [((), {}), (("x",), {}), (("x", 1, 1, 1, 1, 1, 1), {}), (("x", 1), {"timeout": 1})]
)
def test_a_record_takes_its_fields_and_nothing_else(arguments: tuple[tuple[object, ...], dict[str, object]]) -> None:
    with pytest.raises(TypeError, match="Handler has the fields"):
        Handler(*arguments[0], **arguments[1])  # type: ignore[arg-type]


def test_a_secret_is_listed_once_for_each_service() -> None:
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
