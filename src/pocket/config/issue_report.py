"""The issues in a file, each once, with the line of its key."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pocket.config.issues import Issue, dotted
from pocket.config.lines import key_lines
from pocket.config.overlay import KeyPath, comes_from_stage
from pocket.errors import ConfigError, ConfigErrors


class Report:
    """Collects issues by the key as written in the file, so that a common issue is reported once for all stages."""

    def __init__(self, path: Path, text: str, data: Mapping[str, Any], stages: tuple[str, ...]) -> None:
        self.path = path
        self.text = text
        self.data = data
        self.stages = stages
        self._issues: dict[tuple[KeyPath, str], tuple[Issue, list[str]]] = {}

    def add(self, stage: str | None, issue: Issue) -> None:
        """Add an issue in a stage's merged tables; `stage` is None if the path is one in the file."""
        path = self._written(stage, issue.path) if stage else issue.path
        _, stages = self._issues.setdefault((path, issue.rule), (issue, []))
        if stage:
            stages.append(stage)

    def errors(self) -> list[ConfigError]:
        """The issues as errors, in the order of their lines."""
        errors = [
            ConfigError(
                self._message(path, issue, stages),
                issue.hint,
                file=self.path,
                line=self._line(path),
                key=dotted(path),
                rule=issue.rule,
            )
            for (path, _), (issue, stages) in self._issues.items()
        ]
        return sorted(errors, key=lambda error: error.line or 0)

    def raise_if_any(self) -> None:
        """Raise ConfigErrors with all issues if there are any."""
        if self._issues:
            raise ConfigErrors(self.errors())

    def _written(self, stage: str, path: KeyPath) -> KeyPath:
        """The path as written in the file: with the stage in front if the value is the stage's own."""
        own = self.data.get(stage)
        return (stage, *path) if isinstance(own, Mapping) and comes_from_stage(self.data, own, path) else path

    def _message(self, path: KeyPath, issue: Issue, stages: list[str]) -> str:
        """The issue's message, with the stages that have it unless all do."""
        concerned = list(dict.fromkeys(stages))
        if not concerned or path[0] in concerned or len(concerned) == len(self.stages):
            return issue.message
        return f"{issue.message.removesuffix('.')} (in stage {', '.join(concerned)})."

    @cached_property
    def _lines(self) -> dict[KeyPath, int]:
        return key_lines(self.text)

    def _line(self, path: KeyPath) -> int:
        """The line of the key, or of the nearest table around it that is in the file; 1 if there is none."""
        return next((self._lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._lines), 1)
