"""The faults of a file, each once, with the line of the key that it is about."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pocket.config.faults import Fault, dotted
from pocket.config.lines import key_lines
from pocket.config.overlay import KeyPath, comes_from_stage
from pocket.errors import ConfigError, ConfigErrors


class Report:
    """Collects faults by the key as the file writes it, so that a common fault is reported once for all stages."""

    def __init__(self, path: Path, text: str, data: Mapping[str, Any], stages: tuple[str, ...]) -> None:
        self.path = path
        self.text = text
        self.data = data
        self.stages = stages
        self._faults: dict[tuple[KeyPath, str], tuple[Fault, list[str]]] = {}

    def add(self, stage: str | None, fault: Fault) -> None:
        """Take a fault of a stage's laid tables; None as stage where the path is the file's own."""
        path = self._written(stage, fault.path) if stage else fault.path
        _, stages = self._faults.setdefault((path, fault.rule), (fault, []))
        if stage:
            stages.append(stage)

    def errors(self) -> list[ConfigError]:
        """The faults in the order of their lines."""
        errors = [
            ConfigError(
                self._message(path, fault, stages),
                fault.hint,
                file=self.path,
                line=self._line(path),
                key=dotted(path),
                rule=fault.rule,
            )
            for (path, _), (fault, stages) in self._faults.items()
        ]
        return sorted(errors, key=lambda error: error.line or 0)

    def raise_if_any(self) -> None:
        """Raise ConfigErrors with all faults, if there are any."""
        if self._faults:
            raise ConfigErrors(self.errors())

    def _written(self, stage: str, path: KeyPath) -> KeyPath:
        """The path as the file writes it: with the stage in front where the value is the stage's own."""
        own = self.data.get(stage)
        return (stage, *path) if isinstance(own, Mapping) and comes_from_stage(self.data, own, path) else path

    def _message(self, path: KeyPath, fault: Fault, stages: list[str]) -> str:
        """The fault's message, with the stages that have it where others do not."""
        concerned = list(dict.fromkeys(stages))
        if not concerned or path[0] in concerned or len(concerned) == len(self.stages):
            return fault.message
        return f"{fault.message.removesuffix('.')} (in the stage {', '.join(concerned)})."

    @cached_property
    def _lines(self) -> dict[KeyPath, int]:
        return key_lines(self.text)

    def _line(self, path: KeyPath) -> int:
        """The line of the key, or of the nearest table around it that is written; 1 where none is."""
        return next((self._lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._lines), 1)
