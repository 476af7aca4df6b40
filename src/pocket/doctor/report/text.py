"""A report as lines for a terminal: phases, slowest imports, issues with cause and solution."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from pocket.doctor.report import saved_reports

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pocket.doctor.report.model import Issue, Report, Span

WIDTH = 100
THE_START = "the start itself"
_NOTEWORTHY_MS = 1.0
_MOST_IMPORTS = 10


def lines(report: Report, before: Report | None = None) -> Iterator[str]:
    """The report, with a comparison if `before`, the previous run, is given."""
    stage = f"stage {report.stage}" if report.stage else "no stage"
    yield f"{report.settings_module}, {stage}, {report.place}: Python {report.python}, Django {report.django}"
    yield ""
    yield from _table([("PHASE", "MS", "MODULES", "MEMORY KB"), *_phase_rows(report)])
    for request in report.requests:
        error = f" ({request.error})" if request.error else ""
        yield f"GET {request.path} returned {request.status}{error}; no database was queried."
    if report.stopped:
        yield f"The start ended early, in {report.stopped}"
    yield ""
    yield "Slowest imports, each with everything that it imports:"
    found = [(f"{item.ms:.1f}", item.module, _by(item.by, item.place)) for item in report.slowest(_MOST_IMPORTS)]
    yield from _table([("MS", "MODULE", "FIRST IMPORTED BY"), *found])
    if before is not None:
        yield ""
        yield from _comparison(before, report)
    if report.notes:
        yield ""
        yield "What could be saved:"
    for note in report.notes:
        yield from wrap(note, WIDTH, initial_indent="- ", subsequent_indent="  ")
    yield ""
    for issue in report.issues:
        yield from described(issue)
        yield ""
    count = len(report.issues)
    yield "No issues." if not count else f"{count} {'issue' if count == 1 else 'issues'}."


def described(issue: Issue) -> Iterator[str]:
    """One issue: id and place, cause, solution."""
    place = f"{issue.file}:{issue.line}" if issue.line else issue.file
    yield f"{issue.id}: {place}" if place else issue.id
    for text in (issue.title + ".", issue.message):
        yield from (f"  {line}" for line in wrap(text, WIDTH))
    for line in issue.details:
        yield f"    {line}"
    yield from (f"  {line}" for line in wrap(f"Hint: {issue.hint}", WIDTH))


def _phase_rows(report: Report) -> Iterator[tuple[str, ...]]:
    for span in report.start:
        yield _row(span.name, span)
        for child in span.children:
            if child.kind == "app" and child.ms >= _NOTEWORTHY_MS:
                yield _row(f"  {child.name}", child)
    yield ("total", f"{report.total_ms:.1f}", str(report.modules), str(report.memory_kb))
    yield from (_row(f"then: {span.name}", span) for span in report.spans if span not in report.start)


def _row(name: str, span: Span) -> tuple[str, ...]:
    return name, f"{span.ms:.1f}", str(span.modules), str(span.memory_kb)


def _by(module: str, place: str) -> str:
    line = place.rpartition(":")[2]
    return f"{module}, line {line}" if module and line else module or THE_START


def _comparison(before: Report, after: Report) -> Iterator[str]:
    yield f"Compared with the run of {before.taken}:"
    rows = [(name, f"{old:.1f}", f"{new:.1f}", f"{new - old:+.1f}") for name, (old, new) in _pairs(before, after)]
    yield from _table([("PHASE", "BEFORE", "NOW", "CHANGE"), *rows])
    added = saved_reports.new_modules(before, after)
    if added:
        more = f" and {len(added) - 8} more" if len(added) > 8 else ""
        yield f"New imports: {', '.join(added[:8])}{more}"


def _pairs(before: Report, after: Report) -> Iterator[tuple[str, tuple[float, float]]]:
    yield from saved_reports.difference(before, after).items()
    yield "total", (before.total_ms, after.total_ms)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Columns of one width each; those of numbers to the right."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    numeric = [all(cell.lstrip("+-").replace(".", "", 1).isdigit() for cell in column[1:]) for column in columns]
    for row in rows:
        cells = zip(row, widths, numeric, strict=True)
        yield "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells).rstrip()
