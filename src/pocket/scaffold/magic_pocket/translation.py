"""Translates a whole file: every stage by itself, then what all stages have in common goes to common tables."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pocket.config import patterns
from pocket.config.name_formats import DEFAULT_FORMAT, slug
from pocket.config.overlay import merge
from pocket.errors import ConfigError
from pocket.scaffold.magic_pocket.advice import Note, notes
from pocket.scaffold.magic_pocket.container import LAMBDA_HANDLERS, Container, container, django, handler_name
from pocket.scaffold.magic_pocket.former import FormerSecret, Names
from pocket.scaffold.magic_pocket.reading import Reader

_BROKERS = ("neon", "tidb", "upstash", "rds", "dsql")
_ROUTE = {"type", "handler", "path_pattern", "is_default", "ref", "signed", "origin_path", "versioning"}
"""The keys of a route that Pocket's distribution does by itself."""

_OWN_GENERAL = ("region", "project_name", "object_prefix")


@dataclass(frozen=True)
class Translation:
    """Pocket's tables, what has no counterpart, and for each stage of Pocket where its secrets are.

    `buckets` has, for each stage with one, the old bucket and Pocket's.
    """

    tables: dict[str, Any]
    notes: tuple[Note, ...]
    former: Mapping[str, Sequence[FormerSecret]]
    buckets: Mapping[str, tuple[str, str]]


def translate(data: Mapping[str, Any], folder: Path) -> Translation:
    """`data` is the old file's, in the project `folder`. Raises ConfigError if it lists no stages."""
    general = data.get("general")
    declared = general.get("stages") if isinstance(general, Mapping) else None
    if not isinstance(declared, list) or not declared or not all(isinstance(name, str) for name in declared):
        raise ConfigError(
            "The file has no list `stages` in [general], so it is not a pocket.toml of magic-pocket.",
            "Name the file: pocket import FILE. For a project without one: pocket init",
        )
    stages = {_stage_name(name): _Stage(name, data, declared, folder) for name in declared}
    tables = {name: stage.tables() for name, stage in stages.items()}
    left = [path for stage in stages.values() for path in stage.source.left()]
    others = tuple(dict.fromkeys(f"container.{name}" for stage in stages.values() for name in stage.others))
    merged = [Note(others, _one_artifact(list(stages.values())))] if others else []
    renamed = [
        Note(
            ("general.stages",), f"Stage {stage.old} is called {name}, since a stage's name has letters, digits and -."
        )
        for name, stage in stages.items()
        if name != stage.old
    ]
    return Translation(
        _document(tables),
        (*renamed, *merged, *notes(left)),
        {name: tuple(stage.former) for name, stage in stages.items()},
        {
            name: (stage.bucket, _bucket(name, tables[name]["general"]))
            for name, stage in stages.items()
            if stage.bucket
        },
    )


def _one_artifact(stages: Sequence[_Stage]) -> str:
    """What to do about the containers that are not translated."""
    advice = "A stage of Pocket has one artifact: add its handlers to [awscontainer]."
    if joined := dict.fromkeys(name for stage in stages for name in stage.joined):
        advice += f" Its secrets are there already: {', '.join(joined)}. With --stage, their values are copied, too."
    if doubled := dict.fromkeys(name for stage in stages for name in stage.doubled):
        advice += f" Two containers have {', '.join(doubled)}: the value of the translated one is copied."
    return advice


def common(tables: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What all tables have equal, and what each has beside it: `merge(common, own)` is each of `tables` again."""
    shared: dict[str, Any] = {}
    own: list[dict[str, Any]] = [{} for _ in tables]
    for key in dict.fromkeys(key for table in tables for key in table):
        found = [table.get(key) for table in tables]
        if all(isinstance(item, Mapping) for item in found):
            below, owns = common([item for item in found if isinstance(item, Mapping)])
            if below or not all(owns):
                shared[key] = below
            for table, item in zip(own, owns, strict=True):
                if item:
                    table[key] = item
        elif all(key in table for table in tables) and all(_equal(item, found[0]) for item in found):
            shared[key] = found[0]
        else:
            for table, source in zip(own, tables, strict=True):
                if key in source:
                    table[key] = source[key]
    return shared, own


def _equal(one: object, other: object) -> bool:
    # 1 == True, and they are different values in TOML.
    return repr(one) == repr(other)


def _bucket(stage: str, general: Mapping[str, Any]) -> str:
    """The name of Pocket's bucket, by its default format."""
    return DEFAULT_FORMAT.format(
        prefix=general.get("object_prefix", "pocket-"), stage=stage, project=general["project_name"]
    )


def _document(stages: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    first = next(iter(stages.values()))["general"]
    for table in stages.values():
        general = table["general"]
        table["general"] = {key: general[key] for key in _OWN_GENERAL if key in general}
    shared, own = common(list(stages.values()))
    general = {
        **{key: first[key] for key in _OWN_GENERAL if key in first},
        "stages": list(stages),
        **{key: item for key, item in first.items() if key not in _OWN_GENERAL},
    }
    for table in own:
        kept = {key: item for key, item in table.pop("general", {}).items() if item != first.get(key)}
        if kept:
            table["general"] = kept
    found = {"general": general, **{key: item for key, item in shared.items() if key != "general"}}
    return {**found, **{name: table for name, table in zip(stages, own, strict=True) if table}}


def _stage_name(name: str) -> str:
    valid = slug(name)
    return valid if re.match(patterns.STAGE, valid) else f"stage-{valid}".strip("-")


def _project_name(given: object, folder: Path) -> str:
    """magic-pocket's name of the project: that of the file, else of pyproject.toml, else the folder's."""
    if isinstance(given, str):
        return given
    file = folder / "pyproject.toml"
    if file.is_file():
        try:
            found = Reader(tomllib.loads(file.read_text(encoding="utf-8"))).table("project").look("name")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            found = None
        if isinstance(found, str) and found:
            return found
    return folder.resolve().name


class _Stage:
    """One stage of the old file, merged as magic-pocket merges it."""

    def __init__(self, old: str, data: Mapping[str, Any], declared: Sequence[str], folder: Path) -> None:
        own = data.get(old, {})
        merged = merge(
            {key: item for key, item in data.items() if key not in declared}, own if isinstance(own, Mapping) else {}
        )
        self.old = old
        self.source = Reader(merged)
        self.former: list[FormerSecret] = []
        self.bucket = ""
        self._general = self.source.table("general")
        self._general.take("stages")
        self._project = _project_name(self._general.take("project_name"), folder)
        self._prefix = self._early_prefix(merged)
        self._namespace = str(self._general.look("namespace") or "pocket")
        self.others: dict[str, Mapping[str, Any]] = {}
        self.joined: list[str] = []
        self.doubled: list[str] = []

    def _early_prefix(self, merged: Mapping[str, Any]) -> str | None:
        """`object_prefix` in a file of early 2026; None in a later one, which has namespaces instead."""
        table = merged.get("awscontainer")
        later = "container" in merged or "namespace" in self._general or "prefix_template" in self._general
        later = later or (isinstance(table, Mapping) and "secrets" in table)
        if "object_prefix" in self._general or not later:
            return str(self._general.take("object_prefix", "pocket-"))
        return None

    def tables(self) -> dict[str, Any]:
        """Pocket's tables of the stage."""
        kind, name, source = self._container()
        cdn, routes = self._cloudfront(has_api="'apigateway': {" in str(source.look("handlers")))
        names = Names(self.old, self._project, self._prefix, self._namespace, name if kind == "container" else "")
        brokers = {key for key in _BROKERS if key in self.source}
        found = container(source, names, brokers, routes)
        self.former = found.former
        for other, table in self.others.items():
            self._join(found, container(Reader(table), replace(names, container=other), brokers, routes))
        handlers = found.awscontainer.get("handlers", {})
        self._schedules(name, handlers)
        tables: dict[str, Any] = {"general": self._general_table(routes)}
        if "s3" in self.source:
            tables["s3"] = self._s3(names, cdn=cdn is not None)
        if cdn is not None:
            tables["cloudfront"] = cdn
        if found.database is not None:
            tables["database"] = found.database
        if "ses" in self.source:
            tables["ses"] = self.source.table("ses").copy("from_email", "region", "configuration_set")
        return {**tables, "awscontainer": found.awscontainer}

    def _join(self, found: Container, other: Container) -> None:
        """Adds the secrets of another container, since all functions of a stage have the same."""
        table = other.awscontainer.get("secretsmanager", {})
        own = found.awscontainer.get("secretsmanager", {})
        there = own.get("pocket_secrets", {}).keys() | own.get("secrets", {}).keys()
        for kind in ("pocket_secrets", "secrets"):
            for name, spec in table.get(kind, {}).items():
                if name in there:
                    self.doubled.append(name)
                    continue
                self.joined.append(name)
                found.awscontainer.setdefault("secretsmanager", {}).setdefault(kind, {})[name] = spec
        known = {place.variable for place in found.former}
        found.former += [place for place in other.former if place.variable not in known]

    def _general_table(self, routes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        table = {**self._general.copy("region"), "project_name": slug(self._project) or "project"}
        if self._prefix is not None:
            # Its functions and its bucket have the names that Pocket's would have, and Pocket takes over neither.
            table["object_prefix"] = f"{self._prefix}v2-"
        table.update(self._general.copy("s3_fallback_bucket_name"))
        fallback = django(self._general.table("django_fallback"), routes)
        return {**table, **({"django_fallback": fallback} if fallback else {})}

    def _s3(self, names: Names, *, cdn: bool) -> dict[str, Any]:
        source = self.source.table("s3")
        self.bucket = names.bucket(source.look("bucket_name_format"))
        return {} if cdn else source.copy("public_dirs")

    def _container(self) -> tuple[str, str, Reader]:
        """The container that becomes `[awscontainer]`: the first with a handler of Django, else the first."""
        if "awscontainer" in self.source:
            return "awscontainer", "", self.source.table("awscontainer")
        containers = self.source.look("container")
        if not isinstance(containers, Mapping) or not containers:
            return "container", "", Reader({})
        chosen = next(
            (name for name, item in containers.items() if LAMBDA_HANDLERS in str(item)), next(iter(containers))
        )
        below = self.source.table("container")
        taken = {name: below.take(name) for name in below if name != chosen}
        self.others = {name: table for name, table in taken.items() if isinstance(table, Mapping)}
        return "container", chosen, below.table(chosen)

    def _schedules(self, name: str, handlers: dict[str, Any]) -> None:
        for _, entry in self.source.table("scheduler").tables("schedules"):
            owner, _, short = str(entry.look("handler") or "").rpartition(".")
            target = handlers.get(handler_name(short))
            kind = entry.look("scheduler")
            if (
                target is None
                or (owner and name and owner != name)
                or kind == "pocket.sqs_scheduler"
                or not {"cron", "rate"} & {*entry}
            ):
                continue
            given = entry.copy("cron", "rate")
            expression = f"cron({given['cron']})" if "cron" in given else f"rate({given.get('rate')})"
            target.setdefault("schedule", []).append({"expression": expression, **entry.copy("manage", "input")})
            entry.copy("handler", "scheduler")

    def _cloudfront(self, *, has_api: bool) -> tuple[dict[str, Any] | None, dict[str, dict[str, Any]]]:
        """Pocket's `[cloudfront]` if a distribution's default is a function, and the routes by their reference."""
        found = self.source.look("cloudfront")
        if not isinstance(found, Mapping):
            return None, {}
        if "routes" in found:
            return None, _routes(found.get("routes"), cdn=False)
        for name, declared in found.items():
            routes = declared.get("routes") if isinstance(declared, Mapping) else None
            default = next((item for item in _dicts(routes) if item.get("is_default")), {})
            if default.get("type") == "lambda" and has_api:
                source = self.source.table("cloudfront").table(name)
                return _distribution(source), _routes(source.look("routes"), cdn=True, taken=source)
        return None, {
            key: route
            for declared in found.values()
            if isinstance(declared, Mapping)
            for key, route in _routes(declared.get("routes"), cdn=False).items()
        }


def _dicts(value: object) -> Iterator[Mapping[str, Any]]:
    yield from (item for item in (value if isinstance(value, list) else ()) if isinstance(item, Mapping))


def _distribution(source: Reader) -> dict[str, Any]:
    table = source.copy("domain", "hosted_zone_id_override")
    redirected = source.look("redirect_from")
    if isinstance(redirected, list) and all(isinstance(item, Mapping) and {*item} == {"domain"} for item in redirected):
        source.take("redirect_from")
        table["aliases"] = [item["domain"] for item in redirected]
    return table


def _routes(routes: object, *, cdn: bool, taken: Reader | None = None) -> dict[str, dict[str, Any]]:
    """The path of each route with a reference, its folder in Pocket's bucket; takes the routes that Pocket has."""
    found = {}
    for route in _dicts(routes):
        path = str(route.get("path_pattern", "")).rstrip("/*").strip("/")
        if route.get("ref") and path:
            found[str(route["ref"])] = {"location": path, "signed": bool(route.get("signed")), "cdn": cdn}
    if taken is not None:
        simple = all(set(route) <= _ROUTE and (route.get("ref") or route.get("is_default")) for route in _dicts(routes))
        if simple:
            taken.take("routes")
    return found
