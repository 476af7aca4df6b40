"""The project that a `pocket.toml` describes: the file read, merged for each stage and checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from pocket.config import file
from pocket.config.issue_report import Report
from pocket.config.issues import Issue
from pocket.config.name_formats import of_each_stage, slug
from pocket.config.overlay import KeyPath, merge
from pocket.config.patterns import MEANINGS, PROJECT
from pocket.config.previews import preview_issues, preview_of
from pocket.config.rules import issues_between_stages, stage_issues
from pocket.config.stage import OWN_GENERAL_KEYS, TABLES, StageConfig, StageTables
from pocket.config.suggestions import meant, nearest, suggest
from pocket.config.tables.general import General
from pocket.config.tables.previews import Previews
from pocket.config.validation import Validated, validate
from pocket.errors import ConfigError

PREVIEWS = "previews"
"""The table beside `[general]` that is of the whole project."""


@dataclass(frozen=True)
class Project:
    """A checked `pocket.toml`; `directory` is the project's directory, `text` the content of the file."""

    path: Path
    general: General
    stages: Mapping[str, StageConfig]
    text: str = field(repr=False)
    previews: Previews | None = None

    @property
    def directory(self) -> Path:
        """The directory that contains the file."""
        return self.path.parent

    def stage(self, name: str) -> StageConfig:
        """The stage of that name.

        Raises ConfigError, which lists the declared stages, if there is none.
        """
        if name in self.stages:
            return self.stages[name]
        more = f", and previews {self.previews.pattern}" if self.previews is not None else ""
        raise ConfigError(
            f'There is no stage "{name}"; pocket.toml declares {", ".join(self.stages)}{more}.',
            nearest(name, self.stages) or "Use one of them, or add it to stages in [general].",
            file=self.path,
            key="general.stages",
        )

    def is_preview(self, name: str) -> bool:
        """Whether a stage of this name is a preview."""
        return self.previews is not None and name not in self.general.stages and self.previews.matches(name)

    def with_stage(self, name: str) -> Project:
        """The project with the stage of that name, which may be a preview.

        Raises ConfigError if there is none, and ConfigErrors for a preview that is not possible.
        """
        if self.previews is None or name in self.stages or not self.is_preview(name):
            self.stage(name)
            return self
        source = self.stages[self.previews.source]
        preview = preview_of(source, name)
        report = Report(self.path, self.text, file.parse(self.text, self.path), tuple(self.stages))
        for issue in preview_issues(source, preview, list(self.stages.values())):
            report.add(source.name, issue)
        report.raise_if_any()
        return replace(self, stages=MappingProxyType({**self.stages, name: preview}))

    def error(self, stage: str, path: Sequence[str | int], message: str, hint: str = "") -> ConfigError:
        """An error, with its line, about the value at `path` of a stage's tables; for checks of other rooms."""
        report = Report(self.path, self.text, file.parse(self.text, self.path), (stage,))
        report.add(stage, Issue(tuple(path), "", message, hint))
        return report.errors()[0]


def load(path: Path) -> Project:
    """The project that the file at `path` describes.

    Raises ConfigErrors with every issue in every stage.
    """
    # The project is where the link is, not where its target is.
    path = path.parent.resolve() / path.name
    return loads(file.read_text(path), path)


def loads(text: str, path: Path) -> Project:
    """The project that `text` describes, as the file at `path`, which need not exist. Raises as `load` does."""
    return _Loader(path, text, file.parse(text, path)).load()


class _Loader:
    """Loads one file: its data, and the issues found so far."""

    def __init__(self, path: Path, text: str, data: Mapping[str, Any]) -> None:
        self.path = path
        self.text = text
        self.data = data
        self.stage_names: list[str] = []
        self.validated: dict[str, Validated[StageTables]] = {}
        self.misspelt: list[KeyPath] = []
        self.report = Report(path, text, data, ())

    def load(self) -> Project:
        self.general = self._general()
        self.report.stages = tuple(self.stage_names)
        self._top()
        if not self.stage_names:
            self._tables("")
        stages = {name: self._stage(name) for name in self.stage_names}
        for name, issue in issues_between_stages(list(stages.values())):
            self._add(name, issue)
        previews = self._previews(stages)
        self.report.raise_if_any()
        return Project(self.path, self.general.tables, MappingProxyType(stages), self.text, previews)

    def _add(self, stage: str, issue: Issue) -> None:
        """Report what a rule found in a stage, unless it follows from a value that is reported already."""
        paths = (issue.path, *issue.needs)
        of_general = (path[1:] for path in paths if path[0] == "general")
        validated = self.validated[stage]
        if validated.depends_on(paths) or validated.lacks(issue.lacks) or self.general.depends_on(of_general):
            return
        self.report.add(stage, issue)

    def _previews(self, stages: Mapping[str, StageConfig]) -> Previews | None:
        """`[previews]`; reports its issues, and those that every preview would have."""
        table = self.data.get(PREVIEWS)
        if table is None or not stages:
            return None
        if not isinstance(table, Mapping):
            self.report.add(None, Issue((PREVIEWS,), "dict_type", "Expected a table."))
            return None
        validated = validate(Previews, table, {"pattern": "preview-*", "from": next(iter(stages))})
        for issue in validated.issues:
            self.report.add(None, Issue((PREVIEWS, *issue.path), issue.rule, issue.message, issue.hint))
        found = validated.tables
        source = stages.get(found.source)
        if source is None and found.source not in self.general.tables.stages:
            message = f'There is no stage "{found.source}".'
            hint = nearest(found.source, stages) or f"Use one of {', '.join(stages)}."
            self.report.add(None, Issue((PREVIEWS, "from"), "stage", message, hint))
        elif source is not None and not validated.left_out:
            preview = preview_of(source, found.pattern.replace("*", "1"))
            for issue in preview_issues(source, preview, list(stages.values())):
                self._add(source.name, issue)
        return found

    def _general(self) -> Validated[General]:
        """The valid part of `[general]`, with substitutes for required keys that are missing or invalid."""
        table = self.data.get("general")
        written = isinstance(table, Mapping)
        if not isinstance(table, Mapping):
            message = "The table [general] is required." if table is None else "Expected a table."
            self.report.add(None, Issue(("general",), "missing", message))
            table = {"project_name": "project"}
        substitutes = {"region": "us-east-1", "stages": ["stage"], "project_name": "project"}
        validated = validate(General, {"project_name": self._folder(table), **table}, substitutes)
        for issue in validated.issues if written else ():
            self.report.add(None, Issue(("general", *issue.path), issue.rule, issue.message, issue.hint))
        if written and ("stages",) not in validated.left_out:
            self.stage_names = list(self._stage_names(validated.tables.stages))
        return validated

    def _folder(self, table: Mapping[str, Any]) -> str:
        """The directory's name, for the project's; reports an issue and returns a valid name if it cannot be one."""
        name = self.path.parent.name
        if "project_name" in table or re.fullmatch(PROJECT, name):
            return name
        better = slug(name) or "project"
        message = f"The directory's name {name!r} cannot be the project's name: expected {MEANINGS[PROJECT]}."
        hint = f'Add project_name = "{better}" to [general].'
        self.report.add(None, Issue(("general", "project_name"), "folder", message, hint))
        return better

    def _stage_names(self, names: Sequence[str]) -> Iterator[str]:
        """The stages that are declared validly, each once."""
        for index, name in enumerate(self.data["general"]["stages"]):
            path = ("general", "stages", index)
            if not isinstance(name, str):
                continue  # reported by the validation
            if name in {*TABLES, PREVIEWS}:
                message = f'A stage cannot have the name of a table; found "{name}".'
                self.report.add(None, Issue(path, "table", message))
            elif name in self.data["general"]["stages"][:index]:
                self.report.add(None, Issue(path, "twice", f'The stage "{name}" is declared twice.'))
            elif name in names:
                yield name

    def _top(self) -> None:
        """Report each top-level key that is neither a table nor a stage."""
        if not self.stage_names:
            return
        for key in self.data:
            if key in {*TABLES, PREVIEWS} or key in self.data["general"]["stages"]:
                continue
            known = (*TABLES, PREVIEWS, *self.stage_names)
            hint = suggest(key, known)
            self.misspelt += [(name,) for name in [meant(key, known)] if name is not None and name not in self.data]
            if isinstance(self.data[key], Mapping):
                message = "Neither a known table nor a declared stage."
            else:
                message = "Unknown key."
                hint = f"Move it below [general]: {hint}" if key in General.model_fields else hint
            self.report.add(None, Issue((key,), "unknown", message, hint))

    def _stage(self, name: str) -> StageConfig:
        """The valid part of the stage; reports its issues."""
        tables = self._tables(name)
        stage = StageConfig(
            name,
            self.path.parent,
            tables.general,
            tables.s3,
            tables.awscontainer,
            database=tables.database,
            vpc=tables.vpc,
            cloudfront=tables.cloudfront,
            ses=tables.ses,
            alarms=tables.alarms,
        )
        for issue in stage_issues(stage):
            self._add(name, issue)
        return stage

    def _tables(self, name: str) -> StageTables:
        """The common tables overridden by the stage's own; reports their issues."""
        own = self.data.get(name, {})
        if not isinstance(own, Mapping):
            self.report.add(None, Issue((name,), "dict_type", "Expected a table."))
            own = {}
        project = self.general.tables.model_dump(exclude_unset=True)
        merged = merge(_of_each_stage({key: value for key, value in self.data.items() if key in TABLES}), own)
        own_general = own.get("general", {})
        if isinstance(own_general, Mapping):
            merged["general"] = merge(project, self._own_general(name, own_general))
        validated = validate(StageTables, merged, {"general": project})
        for issue in validated.issues:
            self.report.add(name, issue)
        validated = replace(validated, left_out=(*validated.left_out, *self.misspelt))
        self.validated[name] = validated
        return validated.tables

    def _own_general(self, name: str, table: Mapping[str, Any]) -> dict[str, Any]:
        """What a stage overrides of `[general]`."""
        for key in table:
            if key not in OWN_GENERAL_KEYS:
                message = "Unknown key of a stage's [general]."
                if key in General.model_fields:
                    message = "This key applies to the whole project; a stage cannot override it."
                hint = f"A stage can override {', '.join(OWN_GENERAL_KEYS)}."
                self.report.add(None, Issue((name, "general", key), "stage", message, hint))
        return {key: value for key, value in table.items() if key in OWN_GENERAL_KEYS}


def _of_each_stage(common: Mapping[str, Any]) -> Mapping[str, Any]:
    """The common tables, whose formats give each stage a bucket and generated secrets of its own."""
    for path in (("s3", "bucket_name_format"), ("awscontainer", "secretsmanager", "pocket_key_format")):
        found: Any = common
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        own = of_each_stage(found)
        if own != found:
            for key in reversed(path):
                own = {key: own}
            common = merge(common, cast("Mapping[str, Any]", own))
    return common
