"""The last run: kept a stage and place, and compared with the next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pocket.doctor.report import saved_reports
from pocket.doctor.report.model import Report, Span

ONE = Report("3.11", "5.2", "settings", "dev", "here", "then", spans=(Span("settings", "phase", 0, 10),))


def test_the_last_run_comes_back(tmp_path: Path) -> None:
    saved_reports.keep(tmp_path, ONE)
    saved_reports.keep(tmp_path, replace(ONE, taken="now"))
    assert saved_reports.last(tmp_path, "here", "dev") == replace(ONE, taken="now")


def test_what_is_kept_is_hidden_from_git_and_from_other_users(tmp_path: Path) -> None:
    saved_reports.keep(tmp_path, ONE)
    assert (tmp_path / ".pocket" / ".gitignore").read_text() == "*\n"
    assert (tmp_path / ".pocket" / "startup").stat().st_mode & 0o777 == 0o700


def test_stages_and_places_are_kept_apart(tmp_path: Path) -> None:
    saved_reports.keep(tmp_path, ONE)
    saved_reports.keep(tmp_path, ONE, "local AWS")
    assert saved_reports.last(tmp_path, "here", "prd") is None
    assert saved_reports.last(tmp_path, "Lambda", "dev") is None
    assert saved_reports.last(tmp_path, "local AWS", "dev") == ONE
    assert sorted(path.name for path in (tmp_path / ".pocket" / "startup").iterdir()) == [
        "here-dev.json",
        "local-aws-dev.json",
    ]


def test_a_damaged_run_is_none(tmp_path: Path) -> None:
    saved_reports.keep(tmp_path, ONE)
    (tmp_path / ".pocket" / "startup" / "here-dev.json").write_text("{")
    assert saved_reports.last(tmp_path, "here", "dev") is None


def test_phases_are_compared_in_the_order_of_the_start() -> None:
    after = replace(ONE, spans=(Span("settings", "phase", 0, 12), Span("models", "phase", 12, 5)))
    assert saved_reports.difference(ONE, after) == {"settings": (10, 12), "models": (0, 5)}


def test_new_modules_come_slowest_first() -> None:
    def modules(**times: float) -> Report:
        found = tuple(Span(name, "import", 0, ms) for name, ms in times.items())
        return replace(ONE, spans=(Span("settings", "phase", 0, 100, children=found),))

    assert saved_reports.new_modules(modules(a=1), modules(a=1, b=2, c=30)) == ["c", "b"]
