"""Laying a stage's tables over the common ones."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pocket.config.overlay import comes_from_stage, lay_over

LEAVES = st.one_of(st.integers(), st.lists(st.dictionaries(st.sampled_from("ab"), st.integers()), max_size=2))
TABLES = st.recursive(
    st.dictionaries(st.sampled_from("abc"), LEAVES, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), st.one_of(LEAVES, inner), max_size=3),
    max_leaves=8,
)


def leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every value that is no table, by its path; an empty table counts as a value."""
    if not isinstance(value, dict) or not value:
        return {path: value}
    return {found: leaf for key, item in value.items() for found, leaf in leaves(item, (*path, key)).items()}


@given(TABLES, TABLES)
def test_every_value_comes_from_the_stage_where_it_has_one_and_else_from_the_common_table(
    common: dict[str, Any], stage: dict[str, Any]
) -> None:
    laid = lay_over(common, stage)
    for path, value in leaves(laid).items():
        if not path:
            continue
        source = stage if comes_from_stage(common, stage, path) else common
        for part in path:
            source = source[part]
        assert source == value
    for path, value in leaves(stage).items():
        found: Any = laid
        for part in path:
            found = found[part]
        assert value in (found, {})


@given(TABLES)
def test_nothing_over_a_table_and_a_table_over_nothing_leave_it(table: dict[str, Any]) -> None:
    assert lay_over(table, {}) == table
    assert lay_over({}, table) == table
    assert lay_over(table, table) == table


@given(TABLES, TABLES, TABLES)
def test_laying_over_is_associative_where_no_value_meets_a_table(
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
        assert lay_over(lay_over(first, second), third) == lay_over(first, lay_over(second, third))


def test_a_list_replaces_a_list_and_a_list_of_tables_too() -> None:
    assert lay_over({"a": [1, 2], "b": [{"x": 1}, {"y": 2}]}, {"a": [3], "b": [{"z": 3}]}) == {
        "a": [3],
        "b": [{"z": 3}],
    }


def test_neither_table_is_changed() -> None:
    common, stage = {"a": {"b": 1}}, {"a": {"c": 2}}
    lay_over(common, stage)["a"]["d"] = 3
    assert (common, stage) == ({"a": {"b": 1}}, {"a": {"c": 2}})


def test_a_table_that_both_have_is_the_common_one() -> None:
    common, stage = {"a": {"b": 1}}, {"a": {"c": 2}}
    assert not comes_from_stage(common, stage, ("a",))
    assert comes_from_stage(common, stage, ("a", "c"))
    assert not comes_from_stage(common, stage, ("a", "missing"))
