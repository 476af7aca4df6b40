"""The last reports of a project, one a place and stage, under `.pocket/startup/` in its folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocket import work_folder
from pocket.doctor.report.model import Report
from pocket.errors import PocketError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDER = "startup"


def last(directory: Path, place: str, stage: str) -> Report | None:
    """The report that `keep` wrote last for the project in `directory`; None where there is none to read."""
    try:
        return Report.from_json(_file(directory, place, stage).read_text(encoding="utf-8"))
    except (OSError, PocketError):
        return None


def keep(directory: Path, report: Report, place: str = "") -> None:
    """Writes `report` in place of the last one; `place` is the report's own unless one is given."""
    file = _file(directory, place or report.place, report.stage)
    work_folder.make(directory, FOLDER)
    file.write_text(report.to_json(), encoding="utf-8")


def difference(before: Report, after: Report) -> dict[str, tuple[float, float]]:
    """Milliseconds before and after, by phase, in the order of the start; a phase that one lacks took 0 there."""
    old, new = _phases(before), _phases(after)
    return {name: (old.get(name, 0.0), new.get(name, 0.0)) for name in dict.fromkeys([*new, *old])}


def new_modules(before: Report, after: Report) -> list[str]:
    """The modules that `after` imports and `before` did not, the slowest first."""
    known = {item.module for item in before.imports()}
    return [item.module for item in after.imports() if item.module not in known]


def _phases(report: Report) -> Mapping[str, float]:
    return {span.name: span.ms for span in report.spans}


def _file(directory: Path, place: str, stage: str) -> Path:
    name = "-".join(re.sub(r"[^a-z0-9]+", "-", part.lower()) for part in (place, stage) if part)
    return directory / work_folder.NAME / FOLDER / f"{name}.json"
