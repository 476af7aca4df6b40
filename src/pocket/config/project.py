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
from pocket.config.overlay import lay_over
from pocket.config.patterns import MEANINGS, PROJECT
from pocket.config.report import Report
from pocket.config.rules import faults_between_stages, faults_of_stage
from pocket.config.settling import Settled, settle
from pocket.config.stage import OWN_GENERAL_KEYS, TABLES, StageConfig, StageTables
from pocket.config.suggestions import nearest, suggest
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
        raise ConfigError(
            f'There is no stage "{name}"; the known ones are {", ".join(self.stages)}.',
            nearest(name, self.stages) or "Name one of them, or add it to stages in [general].",
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
    # The folder of a link is the project's, not that of what it leads to.
    path = path.parent.resolve() / path.name
    text = file.read_text(path)
    return _Loader(path, text, file.parse(text, path)).load()


class _Loader:
    """One reading of the file: what it holds, and the faults that were found so far."""

    def __init__(self, path: Path, text: str, data: Mapping[str, Any]) -> None:
        self.path = path
        self.text = text
        self.data = data
        self.stage_names: list[str] = []
        self.report = Report(path, text, data, ())

    def load(self) -> Project:
        settled = self._general()
        general = settled.tables
        self.report.stages = tuple(self.stage_names)
        self._top()
        if not self.stage_names:
            self._tables("", general)
        stages = {name: self._stage(name, settled) for name in self.stage_names}
        for name, fault in faults_between_stages(list(stages.values())):
            self.report.add(name, fault)
        self.report.raise_if_any()
        return Project(self.path, general, MappingProxyType(stages), self.text)

    def _general(self) -> Settled[General]:
        """`[general]` as far as it holds; stand-ins take the place of what is required and faulty."""
        table = self.data.get("general")
        written = isinstance(table, Mapping)
        if not isinstance(table, Mapping):
            message = "The table [general] is required and missing." if table is None else "Expected a table."
            self.report.add(None, Fault(("general",), "missing", message))
            table = {"project_name": "project"}
        stand_ins = {"region": "us-east-1", "stages": ["stage"], "project_name": "project"}
        settled = settle(General, {"project_name": self._folder(table), **table}, stand_ins)
        for fault in settled.faults if written else ():
            self.report.add(None, Fault(("general", *fault.path), fault.rule, fault.message, fault.hint))
        if written and ("stages",) not in settled.left_out:
            self.stage_names = list(self._stage_names(settled.tables.stages))
        return settled

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
        if not self.stage_names:
            return
        for key in self.data:
            if key in TABLES or key in self.data["general"]["stages"]:
                continue
            hint = suggest(key, (*TABLES, *self.stage_names))
            if isinstance(self.data[key], Mapping):
                message = "This is neither a table that Pocket knows nor a declared stage."
            else:
                message = "This key is not known here."
                hint = f"It belongs below [general]: {hint}" if key in General.model_fields else hint
            self.report.add(None, Fault((key,), "unknown", message, hint))

    def _stage(self, name: str, general: Settled[General]) -> StageConfig:
        """The stage as far as it holds, its faults reported."""
        settled = self._tables(name, general.tables)
        tables = settled.tables
        stage = StageConfig(name, self.path.parent, tables.general, tables.s3, tables.awscontainer)
        for fault in faults_of_stage(stage):
            paths = (fault.path, *fault.needs)
            of_general = (path[1:] for path in paths if path[0] == "general")
            if not settled.rests_on(paths) and not general.rests_on(of_general):
                self.report.add(name, fault)
        return stage

    def _tables(self, name: str, general: General) -> Settled[StageTables]:
        """The common tables with a stage's own over them, their faults reported."""
        own = self.data.get(name, {})
        if not isinstance(own, Mapping):
            self.report.add(None, Fault((name,), "dict_type", "Expected a table."))
            own = {}
        project = general.model_dump(exclude_unset=True)
        laid = lay_over({key: value for key, value in self.data.items() if key in TABLES}, own)
        own_general = own.get("general", {})
        if isinstance(own_general, Mapping):
            laid["general"] = project | self._own_general(name, own_general)
        settled = settle(StageTables, laid, {"general": project})
        for fault in settled.faults:
            self.report.add(name, fault)
        return settled

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
