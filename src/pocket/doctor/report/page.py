"""A report as one self-contained HTML page: waterfall, flame graph, tables, issues; light and dark."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pocket.doctor.report import saved_reports
from pocket.doctor.report.style import SCRIPT, STYLE
from pocket.doctor.report.text import THE_START

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pocket.doctor.report.model import Import, Issue, Report, Span

_MOST_IMPORTS = 15
_MOST_PACKAGES = 10
_SHOWN_FROM = 0.004
"""The share of the whole start from which an app has its own row in the waterfall."""

_NARROWEST = 0.0008
"""The share of the whole below which a module is left out: it would be less than a pixel wide."""

_KINDS = {"own": "the project", "django": "Django", "package": "other packages", "python": "Python"}


def render(report: Report, before: Report | None = None, excess: str = "") -> str:
    """The page as text, compared with `before`, the previous run; `excess` is why the start exceeds its budget."""
    project = escape(report.settings_module or "project")
    body = [
        _head(report, excess),
        _issues(report.issues),
        _notes(report),
        _waterfall(report),
        _flame_graph(report),
        _imports(report),
        _comparison(before, report) if before is not None else "",
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>The start of {project}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in body if part)
        + f"\n</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _head(report: Report, excess: str) -> str:
    stage = f"stage {report.stage}" if report.stage else "no stage"
    where = f"{stage}, {'inside Lambda' if report.place == 'Lambda' else 'on this machine'}"
    facts = f"{where} · Python {report.python} · Django {report.django} · {_day(report.taken)}"
    count = len(report.issues)
    figures = [
        (f"{report.total_ms:,.0f} ms", "to the first response" if not report.stopped else "until it ended early"),
        (f"{report.modules:,}", "modules loaded"),
        (f"{report.memory_kb / 1024:,.1f} MB", "memory added"),
        (str(count) if count else "none", "issue" if count == 1 else "issues"),
    ]
    cells = "".join(f"<div><dt>{label}</dt><dd>{value}</dd></div>" for value, label in figures)
    parts = [
        f"<header><h1>The start of <code>{escape(report.settings_module)}</code></h1>",
        f'<p class="facts">{escape(facts)}</p></header>',
        f'<dl class="figures">{cells}</dl>',
    ]
    parts += [f'<p class="alarm">{escape(text)}</p>' for text in (excess, _stopped(report)) if text]
    return "\n".join(parts)


def _day(taken: str) -> str:
    """The report's ISO 8601 time as readable text."""
    return taken.replace("T", " ").replace("+00:00", " UTC")


def _stopped(report: Report) -> str:
    return f"The start ended early, in {report.stopped}" if report.stopped else ""


def _issues(issues: Iterable[Issue]) -> str:
    cards = "".join(_card(issue) for issue in issues)
    return f'<section><h2>Issues</h2><div class="cards">{cards}</div></section>' if cards else ""


def _card(issue: Issue) -> str:
    place = f"{issue.file}:{issue.line}" if issue.line else issue.file
    details = f"<pre>{escape(chr(10).join(issue.details))}</pre>" if issue.details else ""
    return (
        f"<article><h3>{escape(issue.title)}</h3>"
        f'<p class="place"><code>{escape(place)}</code> <span>{escape(issue.id)}</span></p>'
        f"<p>{escape(issue.message)}</p>{details}"
        f'<p class="hint"><strong>Hint</strong> {escape(issue.hint)}</p></article>'
    )


def _notes(report: Report) -> str:
    """The section "What could be saved"."""
    items = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    return f'<section><h2>What could be saved</h2><ul class="notes">{items}</ul></section>' if items else ""


def _waterfall(report: Report) -> str:
    """A row for each phase and each slower app, with its time as a bar."""
    whole = max((span.start_ms + span.ms for span in report.spans), default=0.0) or 1.0
    rows = "".join(_rows(report.spans, whole, report.total_ms))
    sentences = []
    for request, order in zip(report.requests, ("first", "first API"), strict=False):
        error = f" ({request.error})" if request.error else ""
        answer = escape(f"{request.status}{error}")
        sentences.append(f"The {order} request, GET <code>{escape(request.path)}</code>, returned {answer}")
    text = ". ".join([*sentences, "No database was queried."]) if sentences else ""
    return (
        '<section><h2>Phases</h2><div class="scroll"><table class="waterfall"><thead><tr>'
        '<th scope="col">Phase, app</th><th scope="col" class="time">Time</th><th scope="col">ms</th>'
        '<th scope="col">modules</th><th scope="col">memory</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div><p>{text}</p></section>"
    )


def _rows(spans: Iterable[Span], whole: float, total: float) -> Iterator[str]:
    for span in spans:
        yield _row(span, whole, "phase" if span.kind != "after" else "phase after")
        apps = [child for child in span.children if child.kind == "app"]
        shown = [child for child in apps if child.ms >= total * _SHOWN_FROM]
        for child in shown:
            yield _row(child, whole, "app")
        rest = len(apps) - len(shown)
        if rest:
            spent = sum(child.ms for child in apps if child not in shown)
            name = f"{rest} more apps" if rest > 1 else "1 more app"
            yield f'<tr class="app"><th scope="row">{name}</th><td></td><td>{spent:.1f}</td><td></td><td></td></tr>'


def _row(span: Span, whole: float, kind: str) -> str:
    left, width = span.start_ms / whole * 100, max(span.ms / whole * 100, 0.15)
    bar = f'<span class="bar" style="left:{left:.2f}%;width:{width:.2f}%"></span>'
    return (
        f'<tr class="{kind}"><th scope="row">{escape(span.name)}</th><td class="time"><div>{bar}</div></td>'
        f"<td>{span.ms:.1f}</td><td>{span.modules}</td><td>{_megabytes(span.memory_kb)}</td></tr>"
    )


def _megabytes(kilobytes: int) -> str:
    return f"{kilobytes / 1024:.1f} MB" if kilobytes else "–"


def _flame_graph(report: Report) -> str:
    """The section of the page; the tables have the same figures as text."""
    whole = max((span.start_ms + span.ms for span in report.spans), default=0.0)
    if not whole:
        return ""
    nodes, depth = [], 0
    for level, span in _below(report.spans, 0):
        if span.ms >= whole * _NARROWEST:
            nodes.append(_node(span, level, whole))
            depth = max(depth, level + 1)
    legend = "".join(f'<li><span class="{kind}"></span>{name}</li>' for kind, name in _KINDS.items())
    return (
        "<section><h2>Flame graph</h2>"
        "<p>Time goes to the right; below each module lies what it imported first. "
        "Choose a block to look closer.</p>"
        f'<div class="legend"><ul>{legend}</ul><button type="button" id="whole">Whole start</button></div>'
        f'<div id="flame" style="--levels:{depth}" role="group" aria-label="Flame graph of the imports; the tables '
        f'of phases and of the slowest imports have its figures">{"".join(nodes)}</div></section>'
    )


def _below(spans: Sequence[Span], level: int) -> Iterator[tuple[int, Span]]:
    for span in spans:
        yield level, span
        yield from _below(span.children, level + 1)


def _node(span: Span, level: int, whole: float) -> str:
    kind = span.origin or "package" if span.kind == "import" else {"after": "phase"}.get(span.kind, span.kind)
    by = f", imported by {span.by}" if span.by else ""
    title = f"{span.name}: {span.ms:.1f} ms, {span.self_ms:.1f} ms of its own{by}"
    shape = f"--x:{span.start_ms / whole:.5f};--w:{span.ms / whole:.5f};--d:{level}"
    if level == 0:
        tag, more = "button", ' type="button"'
    else:
        tag, more = "div", ' aria-hidden="true"'
    return f'<{tag}{more} class="{escape(kind)}" style="{shape}" title="{escape(title)}">{escape(span.name)}</{tag}>'


def _imports(report: Report) -> str:
    rows = "".join(
        f"<tr><th scope='row'><code>{escape(item.module)}</code></th><td>{item.ms:.1f}</td><td>{item.self_ms:.1f}</td>"
        f'<td class="text">{_by(item)}</td></tr>'
        for item in report.slowest(_MOST_IMPORTS)
    )
    packages = "".join(
        f"<tr><th scope='row'><code>{escape(name)}</code></th><td>{spent:.1f}</td></tr>"
        for name, spent in list(report.packages().items())[:_MOST_PACKAGES]
    )
    return (
        '<section class="imports"><div><h2>Slowest imports</h2><div class="scroll"><table><thead><tr>'
        '<th scope="col">Module</th><th scope="col">ms with its imports</th><th scope="col">ms of its own</th>'
        f'<th scope="col" class="text">First imported by</th></tr></thead><tbody>{rows}</tbody></table></div></div>'
        '<div><h2>By package</h2><div class="scroll"><table><thead><tr><th scope="col">Package</th>'
        f'<th scope="col">ms of its own</th></tr></thead><tbody>{packages}</tbody></table></div></div></section>'
    )


def _by(item: Import) -> str:
    if not item.by:
        return THE_START
    return f"<code>{escape(item.by)}</code><br><small>{escape(_place(item.place))}</small>"


def _place(place: str) -> str:
    """A place without its leading folders: from the installed packages on, or its last three parts."""
    for mark in ("/site-packages/", "/lib/python"):
        head, found, rest = place.partition(mark)
        if found and head:
            return rest
    return "/".join(place.split("/")[-3:])


def _comparison(before: Report, after: Report) -> str:
    rows = "".join(
        f"<tr><th scope='row'>{escape(name)}</th><td>{old:.1f}</td><td>{new:.1f}</td><td>{new - old:+.1f}</td></tr>"
        for name, (old, new) in [
            *saved_reports.difference(before, after).items(),
            ("total", (before.total_ms, after.total_ms)),
        ]
    )
    added = saved_reports.new_modules(before, after)
    names = ", ".join(f"<code>{escape(name)}</code>" for name in added[:20])
    more = f" and {len(added) - 20} more" if len(added) > 20 else ""
    return (
        f"<section><h2>Compared with the run of {escape(_day(before.taken))}</h2>"
        '<div class="scroll"><table><thead><tr><th scope="col">Phase</th><th scope="col">ms before</th>'
        f'<th scope="col">ms now</th><th scope="col">change</th></tr></thead><tbody>{rows}</tbody></table></div>'
        + (f"<p>New imports: {names}{more}.</p>" if added else "")
        + "</section>"
    )
