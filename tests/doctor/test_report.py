"""The report as data: what follows from its spans, its JSON, its budget."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.doctor.report.model import Issue, Report, Request, Span, exceeds
from pocket.errors import PocketError

TEXT = st.text(max_size=20)
TIMES = st.floats(0, 1e6, allow_nan=False)
COUNTS = st.integers(0, 10**6)


def spans(children: st.SearchStrategy[tuple[Span, ...]]) -> st.SearchStrategy[Span]:
    kinds = st.sampled_from(["phase", "app", "import"])
    return st.builds(Span, TEXT, kinds, TIMES, TIMES, COUNTS, COUNTS, TEXT, TEXT, TEXT, children)


TREES = st.recursive(spans(st.just(())), lambda inner: spans(st.lists(inner, max_size=3).map(tuple)), max_leaves=8)
ISSUES = st.builds(Issue, TEXT, TEXT, TEXT, TEXT, TEXT, COUNTS, st.lists(TEXT, max_size=3).map(tuple))
REPORTS = st.builds(
    Report,
    *[TEXT] * 6,
    spans=st.lists(TREES, max_size=3).map(tuple),
    request=st.none() | st.builds(Request, TEXT, COUNTS, TEXT),
    issues=st.lists(ISSUES, max_size=2).map(tuple),
    stopped=TEXT,
    api_request=st.none() | st.builds(Request, TEXT, COUNTS, TEXT),
    notes=st.lists(TEXT, max_size=2).map(tuple),
)


def module(name: str, ms: float, *children: Span, by: str = "") -> Span:
    return Span(name, "import", 0, ms, by=by, children=children)


def report(*roots: Span, stopped: str = "") -> Report:
    return Report("3.11", "5.2", "settings", "", "here", "now", spans=roots, stopped=stopped)


@given(REPORTS)
def test_json_gives_the_report_back(one: Report) -> None:
    assert Report.from_json(one.to_json()) == one


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 3, "python": "3"}', "null"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(PocketError, match="Not a start-up report of format 3"):
        Report.from_json(text)


def test_json_has_computed_values() -> None:
    data = json.loads(
        report(Span("settings", "phase", 0, 30, 7, 100), Span("models", "phase", 30, 12, 3, 50)).to_json()
    )
    assert (data["total_ms"], data["modules"], data["memory_kb"]) == (42, 10, 150)


def test_spans_after_the_first_response_are_not_part_of_the_start() -> None:
    one = report(Span("settings", "phase", 0, 30, 7, 100), Span("first API request", "after", 30, 12, 3, 50))
    assert (one.total_ms, one.modules, one.memory_kb) == (30, 7, 100)
    assert exceeds(30, one) == ""


def test_imports_are_listed_by_what_their_own_code_took() -> None:
    one = report(Span("settings", "phase", 0, 100, children=(module("a", 90, module("b", 30), module("c", 50)),)))
    assert [(item.module, item.ms, item.self_ms) for item in one.imports()] == [
        ("c", 50, 50),
        ("b", 30, 30),
        ("a", 90, 10),
    ]


def test_a_module_that_only_imports_another_is_not_among_the_slowest() -> None:
    one = report(Span("settings", "phase", 0, 100, children=(module("package", 90, module("package.all", 85)),)))
    assert [item.module for item in one.slowest()] == ["package.all"]


def test_a_module_below_another_of_its_package_is_not_among_the_slowest() -> None:
    sdk = module("sdk", 90, module("sdk.client", 30, module("http", 20)), module("sdk.compat", 40))
    one = report(Span("settings", "phase", 0, 200, children=(module("shop", 99, sdk), module("sdk.late", 5))))
    assert [(item.module, item.ms) for item in one.slowest()] == [("sdk", 90), ("http", 20), ("sdk.late", 5)]


def test_packages_sum_up_their_modules() -> None:
    one = report(Span("x", "phase", 0, 9, children=(module("a.b", 5, module("a.c", 2)), module("d", 4))))
    assert one.packages() == {"a": 5, "d": 4}


def test_a_budget_holds_up_to_its_last_millisecond() -> None:
    one = report(Span("settings", "phase", 0, 500, children=(module("heavy", 400),)))
    assert exceeds(500, one) == ""
    assert exceeds(None, one) == ""


def test_a_broken_budget_names_both_figures_and_the_slowest_imports() -> None:
    one = report(Span("settings", "phase", 0, 501, children=(module("heavy", 400), module("light", 10))))
    assert exceeds(500, one) == (
        "The start took 501 ms, but [awscontainer.startup] budget_ms is 500. "
        "Slowest imports: heavy 400 ms, light 10 ms."
    )


def test_a_start_that_ends_early_breaks_any_budget_but_none() -> None:
    one = report(Span("settings", "phase", 0, 1), stopped="settings: KeyError: 'X'")
    assert exceeds(500, one) == "The start did not reach its first response: settings: KeyError: 'X'"
    assert exceeds(None, one) == ""
