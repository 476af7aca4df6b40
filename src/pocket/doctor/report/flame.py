"""The flame graph: every import under the one that caused it, as wide as it is slow."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pocket.doctor.report.model import Report, Span

_NARROWEST = 0.0008
"""The share of the whole below which a module is left out: it would be less than a pixel wide."""

_KINDS = {"own": "the project", "django": "Django", "package": "other packages", "python": "Python"}


def flame_graph(report: Report) -> str:
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
