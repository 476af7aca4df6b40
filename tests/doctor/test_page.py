"""The page: self-contained, well-formed, escaped, and saying what the report says; the text likewise."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import cast

from pocket.doctor.report import page, text
from pocket.doctor.report.model import Issue, Report, Request, Span

ISSUE = Issue(
    "circular-import",
    "Modules import each other in a circle",
    "a → b → a: a is not fully imported yet.",
    "Reduce <dependencies>.",
    "shop/models.py",
    7,
    ("a → b  (a.py:1)", "b → a  (b.py:2)"),
)
HEAVY = Span("heavy", "import", 1, 60, by="settings", place="settings.py:3", origin="package")
REPORT = Report(
    *("3.13.0", "6.1", "config.settings", "dev", "Lambda", "2026-01-01T00:00:00+00:00"),
    spans=(
        Span("settings", "phase", 0, 80, 50, 4096, children=(HEAVY,)),
        Span("models", "phase", 80, 20, 5, 512, children=(Span("shop", "app", 80, 15), Span("tiny", "app", 95, 0.1))),
        Span("first API request", "after", 100, 7, 2, 64, children=(Span("light", "import", 100, 5),)),
    ),
    request=Request("/?a=<b>", 500, "DoesNotExist"),
    issues=(ISSUE,),
    api_request=Request("/api/", 200),
    notes=("Import <heavy> later.",),
)
VOID = {"meta", "br"}


class Outline(HTMLParser):
    """Holds tags to be closed in order, and keeps what the page says and refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.references += [value or "" for name, value in attrs if name in {"src", "href", "action"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in {"style", "script"}:
            self.said.append(data)


def outline(html: str) -> Outline:
    parser = Outline()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser


def test_the_page_is_well_formed_and_needs_nothing_else() -> None:
    html = page.render(REPORT, REPORT, "Too slow.")
    assert outline(html).references == []
    assert not re.search(r"url\(|@import|https?://", html)


def test_the_page_has_the_reports_figures() -> None:
    said = " ".join("".join(outline(page.render(REPORT, None, "Too slow.")).said).split())
    for part in (
        *(
            "2026-01-01 00:00:00 UTC",
            "100 ms",
            "55",
            "4.5 MB",
            "stage dev, inside Lambda",
            "Too slow.",
            "settings",
            "shop",
            "1 more app",
            "heavy",
        ),
        *("shop/models.py:7", "circular-import", "a → b → a", "b → a (b.py:2)", "Reduce <dependencies>."),
        *("GET /?a=<b>, returned 500 (DoesNotExist)", "The first API request, GET /api/, returned 200. No"),
        *("What could be saved", "Import <heavy> later.", "the start itself"),
    ):
        assert part in said, part


def test_the_page_has_light_and_dark_colours_and_a_language() -> None:
    html = page.render(REPORT)
    assert "prefers-color-scheme: dark" in html
    assert '<html lang="en">' in html
    assert html.count("<h1>") == 1
    assert html.count('scope="col"') >= 8


def test_names_from_the_project_are_escaped() -> None:
    hostile = '"><script>alert(1)</script>'
    report = Report(
        *(hostile,) * 6,
        spans=(
            Span(hostile, "phase", 0, 9, children=(Span(hostile, "import", 0, 9, by=hostile, place=hostile),)),
            Span(hostile, hostile, 0, 9, children=(Span(hostile, "import", 0, 9, origin=hostile),)),
        ),
        request=Request(hostile, cast("int", hostile), hostile),
        issues=(Issue(*(hostile,) * 5, 1, (hostile,)),),
        stopped=hostile,
        api_request=Request(hostile, 200, hostile),
        notes=(hostile,),
    )
    html = page.render(report, report, hostile)
    outline(html)
    assert html.count("<script>") == 1


def test_a_start_without_a_single_span_has_a_page() -> None:
    outline(page.render(Report("3.11", "5.2", "", "", "here", "now", stopped="settings: ImportError")))


def test_the_text_has_phases_imports_and_issues() -> None:
    lines = list(text.lines(REPORT))
    assert lines[0] == "config.settings, stage dev, Lambda: Python 3.13.0, Django 6.1"
    assert [" ".join(line.split()) for line in lines[2:8]] == [
        "PHASE MS MODULES MEMORY KB",
        "settings 80.0 50 4096",
        "models 20.0 5 512",
        "shop 15.0 0 0",
        "total 100.0 55 4608",
        "then: first API request 7.0 2 64",
    ]
    assert "GET /?a=<b> returned 500 (DoesNotExist); no database was queried." in lines
    assert "GET /api/ returned 200; no database was queried." in lines
    assert "60.0  heavy   settings, line 3" in lines
    assert " 5.0  light   the start itself" in lines
    assert lines[lines.index("What could be saved:") + 1] == "- Import <heavy> later."
    assert "circular-import: shop/models.py:7" in lines
    assert "    b → a  (b.py:2)" in lines
    assert "  Hint: Reduce <dependencies>." in lines
    assert lines[-1] == "1 issue."


def test_the_text_compares() -> None:
    lines = list(text.lines(REPORT, REPORT))
    assert "Compared with the run of 2026-01-01T00:00:00+00:00:" in lines
    assert "total 100.0 100.0 +0.0" in [" ".join(line.split()) for line in lines]
