"""The project that a `pocket.toml` describes: the file read, laid together for each stage and checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pocket.config import file
from pocket.config.faults import Fault
from pocket.config.overlay import KeyPath, lay_over
from pocket.config.patterns import MEANINGS, PROJECT
from pocket.config.report import Report
from pocket.config.rules import faults_between_stages, faults_of_stage
from pocket.config.settling import settle
from pocket.config.stage import OWN_GENERAL_KEYS, TABLES, StageConfig, StageTables
from pocket.config.suggestions import suggest
from pocket.config.tables.general import General
from pocket.errors import ConfigError


@dataclass(frozen=True)
class Project:
    """A checked `pocket.toml`; `directory` is the folder that holds it, `text` what it holds."""

    path: Path
    general: General
    stages: Mapping[str, StageConfig]
    text: str = field(repr=False)

    @property
    def directory(self) -> Path:
        """The project's folder."""
        return self.path.parent

    def stage(self, name: str) -> StageConfig:
        """The stage of that name.

        Raises ConfigError, which names the known stages, where there is none.
        """
        if name in self.stages:
            return self.stages[name]
        known = ", ".join(self.stages)
        raise ConfigError(
            f'There is no stage "{name}"; the known ones are {known}.',
            suggest(name, self.stages),
            file=self.path,
            key="general.stages",
        )

    def fault(self, stage: str, path: Sequence[str | int], message: str, hint: str = "") -> ConfigError:
        """An error about the value at `path` of a stage's tables that knows its line; for checks of other rooms."""
        report = Report(self.path, self.text, file.parse(self.text, self.path), (stage,))
        report.add(stage, Fault(tuple(path), "", message, hint))
        return report.errors()[0]


def load(path: Path) -> Project:
    """The project that the file at `path` describes.

    Raises ConfigErrors with every fault of every stage.
    """
    path = path.resolve()
    text = file.read_text(path)
    return _Loader(path, text, file.parse(text, path)).load()


class _Loader:
    """One reading of the file: what it holds, and the faults that were found so far."""

    def __init__(self, path: Path, text: str, data: Mapping[str, Any]) -> None:
        self.path = path
        self.text = text
        self.data = data
        self.left_out: list[KeyPath] = []
        self.stage_names: list[str] = []
        self.report = Report(path, text, data, ())

    def load(self) -> Project:
        general = self._general()
        self.report.stages = tuple(self.stage_names)
        self._top()
        found = (self._stage(name, general) for name in self.stage_names or [""])
        stages = {stage.name: stage for stage in found if stage is not None}
        for name, fault in faults_between_stages(list(stages.values())):
            self.report.add(name, fault)
        self.report.raise_if_any()
        return Project(self.path, general, MappingProxyType(stages), self.text)

    def _general(self) -> General:
        """`[general]` as far as it holds; stand-ins take the place of what is required and faulty."""
        table = self.data.get("general")
        written = isinstance(table, Mapping)
        if not isinstance(table, Mapping):
            message = "The table [general] is required and missing." if table is None else "Expected a table."
            self.report.add(None, Fault(("general",), "missing", message))
            table = {"project_name": "project"}
        stand_ins = {"region": "us-east-1", "stages": ["stage"], "project_name": "project"}
        settled = settle(General, {"project_name": self._folder(table), **table}, stand_ins)
        if settled.tables is None:
            raise AssertionError("every required key of [general] has a stand-in")
        for fault in settled.faults if written else ():
            self.report.add(None, Fault(("general", *fault.path), fault.rule, fault.message, fault.hint))
        self.left_out = [("general", *path) for path in settled.left_out]
        if written and ("general", "stages") not in self.left_out:
            self.stage_names = list(self._stage_names(settled.tables.stages))
        return settled.tables

    def _folder(self, table: Mapping[str, Any]) -> str:
        """The folder's name, for the project's; a stand-in, and a fault, where it does not serve."""
        name = self.path.parent.name
        if "project_name" in table or re.fullmatch(PROJECT, name):
            return name
        better = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "project"
        message = f"The folder's name {name!r} does not serve as the project's: expected {MEANINGS[PROJECT]}."
        hint = f'Add project_name = "{better}" to [general].'
        self.report.add(None, Fault(("general", "project_name"), "folder", message, hint))
        return better

    def _stage_names(self, names: Sequence[str]) -> Iterator[str]:
        """The stages that are declared well, each once."""
        for index, name in enumerate(self.data["general"]["stages"]):
            path = ("general", "stages", index)
            if name in TABLES:
                message = f'A stage must not have the name of a table; found "{name}".'
                self.report.add(None, Fault(path, "table", message))
            elif name in self.data["general"]["stages"][:index]:
                self.report.add(None, Fault(path, "twice", f'The stage "{name}" is declared twice.'))
            elif name in names:
                yield name

    def _top(self) -> None:
        """Report each key at the file's top that is neither a table nor a stage."""
        for key in self.data:
            if key in TABLES or key in self.stage_names or not self.stage_names:
                continue
            if key in self.data["general"]["stages"]:
                continue
            hint = suggest(key, (*TABLES, *self.stage_names))
            if isinstance(self.data[key], Mapping):
                message = "This is neither a table that Pocket knows nor a declared stage."
            else:
                message = "This key is not known here."
                hint = f"It belongs below [general]: {hint}" if key in General.model_fields else hint
            self.report.add(None, Fault((key,), "unknown", message, hint))

    def _stage(self, name: str, general: General) -> StageConfig | None:
        """The stage as far as it holds, its faults reported."""
        own = self.data.get(name, {})
        if not isinstance(own, Mapping):
            self.report.add(None, Fault((name,), "dict_type", "Expected a table."))
            own = {}
        common = {key: value for key, value in self.data.items() if key in TABLES}
        laid = lay_over(common, own)
        own_general = own.get("general")
        laid["general"] = general.model_dump(exclude_unset=True)
        if isinstance(own_general, Mapping):
            laid["general"].update(self._own_general(name, own_general))
        elif own_general is not None:
            laid["general"] = own_general
        settled = settle(StageTables, laid, {"general": general.model_dump(exclude_unset=True)})
        for fault in settled.faults:
            self.report.add(name, fault)
        if settled.tables is None:
            return None
        stage = StageConfig(
            name, self.path.parent, settled.tables.general, settled.tables.s3, settled.tables.awscontainer
        )
        for fault in faults_of_stage(stage) if name else ():
            concluded_from = (fault.path, *fault.needs)
            if not any(
                path[: len(gone)] == gone for path in concluded_from for gone in (*self.left_out, *settled.left_out)
            ):
                self.report.add(name, fault)
        return stage if name else None

    def _own_general(self, name: str, table: Mapping[str, Any]) -> dict[str, Any]:
        """What a stage lays over `[general]`."""
        for key in table:
            if key not in OWN_GENERAL_KEYS:
                message = "A stage has no such key of its own."
                if key in General.model_fields:
                    message = "This key holds for the whole project: a stage cannot have its own."
                hint = f"A stage may have its own {', '.join(OWN_GENERAL_KEYS)}."
                self.report.add(None, Fault((name, "general", key), "stage", message, hint))
        return {key: value for key, value in table.items() if key in OWN_GENERAL_KEYS}
