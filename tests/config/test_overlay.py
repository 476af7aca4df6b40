"""Merging a stage's tables into the common ones."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pocket.config.overlay import comes_from_stage, merge

LEAVES = st.one_of(st.integers(), st.lists(st.dictionaries(st.sampled_from("ab"), st.integers()), max_size=2))
TABLES = st.recursive(
    st.dictionaries(st.sampled_from("abc"), LEAVES, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), st.one_of(LEAVES, inner), max_size=3),
    max_leaves=8,
)


def leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every value that is not a table, by its path; an empty table counts as a value."""
    if not isinstance(value, dict) or not value:
        return {path: value}
    return {found: leaf for key, item in value.items() for found, leaf in leaves(item, (*path, key)).items()}


@given(TABLES, TABLES)
def test_every_value_comes_from_the_stage_if_it_has_one_else_from_the_common_table(
    common: dict[str, Any], stage: dict[str, Any]
) -> None:
    merged = merge(common, stage)
    for path, value in leaves(merged).items():
        if not path:
            continue
        source = stage if comes_from_stage(common, stage, path) else common
        for part in path:
            source = source[part]
        assert source == value
    for path, value in leaves(stage).items():
        found: Any = merged
        for part in path:
            found = found[part]
        assert value in (found, {})


@given(TABLES)
def test_merging_with_an_empty_table_changes_nothing(table: dict[str, Any]) -> None:
    assert merge(table, {}) == table
    assert merge({}, table) == table
    assert merge(table, table) == table


@given(TABLES, TABLES, TABLES)
def test_merging_is_associative_unless_a_value_meets_a_table(
    first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]
) -> None:
    kinds: dict[tuple[str, ...], set[bool]] = {}
    for table in (first, second, third):
        for path in leaves(table):
            for end in range(1, len(path) + 1):
                value: Any = table
                for part in path[:end]:
                    value = value[part]
                kinds.setdefault(path[:end], set()).add(isinstance(value, dict))
    if all(len(kind) == 1 for kind in kinds.values()):
        assert merge(merge(first, second), third) == merge(first, merge(second, third))


def test_a_list_replaces_a_list_also_a_list_of_tables() -> None:
    assert merge({"a": [1, 2], "b": [{"x": 1}, {"y": 2}]}, {"a": [3], "b": [{"z": 3}]}) == {
        "a": [3],
        "b": [{"z": 3}],
    }


def test_neither_table_is_changed() -> None:
    common, stage = {"a": {"b": 1}}, {"a": {"c": 2}}
    merge(common, stage)["a"]["d"] = 3
    assert (common, stage) == ({"a": {"b": 1}}, {"a": {"c": 2}})


def test_a_table_that_both_have_is_common() -> None:
    common, stage = {"a": {"b": 1}}, {"a": {"c": 2}}
    assert not comes_from_stage(common, stage, ("a",))
    assert comes_from_stage(common, stage, ("a", "c"))
    assert not comes_from_stage(common, stage, ("a", "missing"))
