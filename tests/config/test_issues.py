"""Translated errors of pydantic: every error type has a sentence, and no sentence shows a secret."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket import config
from pocket.config import patterns
from pocket.config.issues import EXPECTED, describe, dotted
from pocket.config.stage import StageTables
from pocket.errors import ConfigErrors

SECRET = "hunter2-s3cr3t"

RAISED = {
    "any": set(),
    "bool": {"bool_type"},
    "default": set(),
    "definition-ref": set(),
    "definitions": set(),
    "dict": {"dict_type"},
    "function-after": {"refused"},
    "function-before": {"refused"},
    "int": {"int_type"},
    "list": {"list_type"},
    "literal": {"literal_error", "int_parsing_size"},
    "model": {"model_type"},
    "model-field": {"missing"},
    "model-fields": {"extra_forbidden"},
    "nullable": set(),
    "str": {"string_type"},
    "union": set(),  # only of what an editor accepts, before a validator makes one type of it
}
RAISED_BY_CONSTRAINT = {
    ("int", "ge"): "greater_than_equal",
    ("int", "le"): "less_than_equal",
    ("list", "max_length"): "too_long",
    ("list", "min_length"): "too_short",
    ("str", "max_length"): "string_too_long",
    ("str", "min_length"): "string_too_short",
    ("str", "pattern"): "string_pattern_mismatch",
}
HARMLESS = {"type", "schema", "strict", "metadata", "ref"}


def core_schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Every part of pydantic's core schema."""
    if isinstance(node, dict):
        if isinstance(node.get("type"), str) and node["type"] != "no-info":
            yield node
        for key, value in node.items():
            if key not in {"metadata", "serialization", "config", "default", "json_schema_input_schema"}:
                yield from core_schemas(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from core_schemas(value)


def test_every_error_type_that_the_tables_can_raise_is_translated() -> None:
    raised = set()
    for part in core_schemas(StageTables.__pydantic_core_schema__):
        raised |= RAISED[part["type"]]
        raised |= {error for (kind, key), error in RAISED_BY_CONSTRAINT.items() if part["type"] == kind and key in part}
        if part["type"] in {"int", "str", "list"}:
            assert set(part) - HARMLESS <= {key for kind, key in RAISED_BY_CONSTRAINT if kind == part["type"]} | {
                "items_schema"
            }
    assert raised == EXPECTED.keys() | {"missing", "extra_forbidden"}


def test_every_pattern_of_the_tables_has_a_meaning_in_words() -> None:
    used = {part["pattern"] for part in core_schemas(StageTables.__pydantic_core_schema__) if "pattern" in part}
    assert used <= patterns.MEANINGS.keys()
    assert patterns.MEANINGS.keys() == {
        value for name, value in vars(patterns).items() if name.isupper() and isinstance(value, str)
    }


def test_every_pattern_is_valid_in_python() -> None:
    assert re.match(patterns.REGION, "ap-northeast-1")
    assert not re.match(patterns.REGION, "tokyo")
    for pattern in patterns.MEANINGS:
        re.compile(pattern)


HEAD = '[general]\nproject_name = "board"\nregion = "eu-west-1"\nstages = ["dev"]\n[s3]\n'
PLACES = [
    f'[awscontainer.envs]\nAWS_SECRET_ACCESS_KEY = "{SECRET}"',
    f'[awscontainer.envs]\nTOKEN = ["{SECRET}"]',
    f'[awscontainer.envs]\n"1-TOKEN" = "{SECRET}"',
    f'[awscontainer]\nTOKEN = "{SECRET}"',
    f'TOKEN = "{SECRET}"',
    f'[awscontainer.secretsmanager.secrets]\nTOKEN = "{SECRET}?"',
    f'[awscontainer.secretsmanager.secrets]\nTOKEN = "arn:{SECRET}"',
    f'[awscontainer.secretsmanager]\nsecrets = "{SECRET}"',
    f'[awscontainer.secretsmanager]\nSECRET_KEY = "{SECRET}"',
    f'[awscontainer.secretsmanager.pocket_secrets]\nSECRET_KEY = "{SECRET}"',
    f'[awscontainer.secretsmanager.pocket_secrets]\nSECRET_KEY = {{ type = "password", value = "{SECRET}" }}',
    f'[awscontainer.secretsmanager.pocket_secrets]\nX = {{ type = "password", options = {{ length = "{SECRET}" }} }}',
    f'[awscontainer.django.caches]\ndefault = {{ store = "redis", location = "user:{SECRET}@host" }}',
    f'[awscontainer.django.caches]\ndefault = {{ store = "redis", options = "{SECRET}" }}',
    f'[awscontainer.django.storages]\ndefault = {{ store = "filesystem", options = {{ a = [{SECRET!r}, inf] }} }}',
    f'[awscontainer.django.settings]\nkey = "{SECRET}"',
    f'[awscontainer.django.settings]\nKEY = {{ a = "{SECRET}", b = 2026-01-01 }}',
    f'[awscontainer.handlers.a]\ncommand = "a.b"\nschedule = [{{ expression = "rate(1 day)", manage = "x {SECRET}" }}]',
    f"[awscontainer.handlers.a]\nschedule = [{{ expression = 'rate(1 day)', manage = 'x \"{SECRET}' }}]",
    f'[general.django_fallback.settings]\nkey = "{SECRET}"',
]


@pytest.mark.parametrize("text", PLACES)
def test_no_value_that_may_be_a_secret_is_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pocket.toml"
    path.write_text(f"{text}\n{HEAD}" if text.startswith("TOKEN") else HEAD + text)
    with pytest.raises(ConfigErrors) as caught:
        config.load(path)
    shown = f"{caught.value} {caught.value!r} {[vars(issue) for issue in caught.value.errors]}"
    assert SECRET not in shown


def test_a_known_value_is_shown_in_toml_notation() -> None:
    assert describe('a "b"\n') == '"a \\"b\\"\\n"'
    assert describe(True) == "true"
    assert describe(1.5) == "1.5"
    assert describe([1]) == "a list"
    assert describe({"a": 1}) == "a table"
    assert len(describe("x" * 500)) < 100


@given(st.one_of(st.text(min_size=8), st.integers(10**8), st.floats(10**8), st.dates(), st.lists(st.text(min_size=8))))
def test_only_the_type_of_a_hidden_value_is_shown(value: object) -> None:
    assert describe(value, hidden=True) in {
        "another string",
        "a number",
        "a date or a time",
        "a list",
    }


def test_a_path_is_written_as_in_the_file() -> None:
    assert dotted(("a", "b-c", 0, "d e", "f.g", 'h"')) == 'a.b-c[0]."d e"."f.g"."h\\""'
