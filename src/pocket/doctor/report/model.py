"""The report of a start as data: to and from JSON, and against a budget.

Times are in milliseconds, memory in kilobytes. The project's process writes it, the command and the gate read it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pocket.errors import PocketError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

FORMAT = 3
"""The version of the JSON below; a reader accepts only its own."""

_MOST_OF_IT = 0.8


@dataclass(frozen=True)
class Span:
    """A part of the start, with the parts inside it.

    `kind` is "phase" (settings, one of the registry's three, URLconf ...), "after" (a request after the first
    response), "app" (one app in one phase), or "import" (one module). `modules` and `memory_kb` are what it added,
    children included; the memory of a single import is not measured (0). `by` is the module that imported this one
    first, empty for the start itself, and `place` its line, as `file:line`. `origin` of an import is "own" (the
    project's), "django", "python" or "package" (all others).
    """

    name: str
    kind: str
    start_ms: float
    ms: float
    modules: int = 0
    memory_kb: int = 0
    by: str = ""
    place: str = ""
    origin: str = ""
    children: tuple[Span, ...] = ()

    @property
    def self_ms(self) -> float:
        """The time outside of the children."""
        return max(0.0, self.ms - sum(child.ms for child in self.children))

    def walk(self) -> Iterator[Span]:
        """The span, then all spans inside it, in the order of time."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Import:
    """A module's import: `ms` with its own first imports, `self_ms` without; `by` and `place` as in Span."""

    module: str
    ms: float
    self_ms: float
    by: str = ""
    place: str = ""


@dataclass(frozen=True)
class Issue:
    """An issue from Django's documentation of the app registry, traced to its cause.

    The meaning of an `id` never changes; `details` are lines such as a chain of imports, a cycle, or a query's frames.
    """

    id: str
    title: str
    message: str
    hint: str
    file: str = ""
    line: int = 0
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """A first request; `error` is the class of the exception that ended it, "" without one."""

    path: str
    status: int
    error: str = ""


@dataclass(frozen=True)
class Report:
    """One start. `stopped` is where and why it ended early; "" if it reached its first response.

    `api_request` is the first request to an API beside pages, after the response to `request`. `notes` are suggestions
    for a faster start.
    """

    python: str
    django: str
    settings_module: str
    stage: str
    place: str
    taken: str
    spans: tuple[Span, ...] = ()
    request: Request | None = None
    issues: tuple[Issue, ...] = ()
    stopped: str = ""
    api_request: Request | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def start(self) -> tuple[Span, ...]:
        """The spans up to the first response."""
        return tuple(span for span in self.spans if span.kind != "after")

    @property
    def total_ms(self) -> float:
        """From the first import to the first response."""
        return sum(span.ms for span in self.start)

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests that were answered, in their order."""
        return tuple(request for request in (self.request, self.api_request) if request is not None)

    @property
    def modules(self) -> int:
        """The modules that the start loaded."""
        return sum(span.modules for span in self.start)

    @property
    def memory_kb(self) -> int:
        """The resident memory that the start added."""
        return sum(span.memory_kb for span in self.start)

    def imports(self) -> list[Import]:
        """Every module that the start imported, the slowest own code first."""
        spans = (span for phase in self.spans for span in phase.walk() if span.kind == "import")
        found = [Import(span.name, span.ms, span.self_ms, span.by, span.place) for span in spans]
        return sorted(found, key=lambda item: item.self_ms, reverse=True)

    def slowest(self, most: int = 15) -> list[Import]:
        """The slowest imports, each with everything that it imports, and the importing module.

        If one import takes nearly all of a module's time, only that import is listed; so is only the outermost import
        of a package.
        """
        found = sorted(_outermost(self.spans, frozenset()), key=lambda span: span.ms, reverse=True)
        return [Import(span.name, span.ms, span.self_ms, span.by, span.place) for span in found[:most]]

    def packages(self) -> dict[str, float]:
        """Milliseconds of each top-level package's own code, slowest first."""
        found: dict[str, float] = {}
        for item in self.imports():
            name = item.module.partition(".")[0]
            found[name] = found.get(name, 0.0) + item.self_ms
        return dict(sorted(found.items(), key=lambda pair: pair[1], reverse=True))

    def to_json(self) -> str:
        """The report as JSON text, with computed values for other readers."""
        data = {"format": FORMAT, **asdict(self)}
        data |= {"total_ms": round(self.total_ms, 3), "modules": self.modules, "memory_kb": self.memory_kb}
        data["imports"] = [asdict(item) for item in self.slowest()]
        return json.dumps(data, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The report that `to_json` wrote; raises PocketError for anything else."""
        try:
            data = json.loads(text)
            if data["format"] != FORMAT:
                raise ValueError(data["format"])
            plain = ("python", "django", "settings_module", "stage", "place", "taken", "stopped")
            return cls(
                **{name: data[name] for name in plain},
                spans=tuple(_span(item) for item in data["spans"]),
                request=Request(**data["request"]) if data["request"] else None,
                api_request=Request(**data["api_request"]) if data["api_request"] else None,
                issues=tuple(_issue(item) for item in data["issues"]),
                notes=tuple(data["notes"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise PocketError(
                f"Not a start-up report of format {FORMAT}: {text[:80]!r}.",
                "Use the same version of django-pocket for the `pocket` command and in the project's requirements.",
            ) from error


def exceeds(budget_ms: int | None, report: Report) -> str:
    """Why `report` exceeds a budget of `budget_ms`, as a sentence; "" if it does not, or without a budget.

    A start without a first response exceeds every budget.
    """
    if budget_ms is None:
        return ""
    if report.stopped:
        return f"The start did not reach its first response: {report.stopped}"
    if report.total_ms <= budget_ms:
        return ""
    slowest = ", ".join(f"{item.module} {item.ms:.0f} ms" for item in report.slowest(3))
    return (
        f"The start took {report.total_ms:.0f} ms, but [awscontainer.startup] budget_ms is {budget_ms}. "
        f"Slowest imports: {slowest}."
    )


def _outermost(spans: tuple[Span, ...], packages: frozenset[str]) -> Iterator[Span]:
    """The outermost import of each package in `spans`; `packages` are those of imports above."""
    for span in spans:
        below, package = packages, span.name.partition(".")[0]
        hollow = any(child.ms > _MOST_OF_IT * span.ms for child in span.children)
        if span.kind == "import" and package not in packages and not hollow:
            yield span
            below = packages | {package}
        yield from _outermost(span.children, below)


def _span(data: Mapping[str, Any]) -> Span:
    return Span(**{**data, "children": tuple(_span(item) for item in data["children"])})


def _issue(data: Mapping[str, Any]) -> Issue:
    return Issue(**{**data, "details": tuple(data["details"])})
