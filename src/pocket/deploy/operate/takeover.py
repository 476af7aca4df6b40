"""Copies a stage's secrets from where another tool keeps them to where pocket.toml has them.

The old places are read and never changed. A value that Pocket has already is never replaced. Values pass through and
are never printed, logged or put into an error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pocket.deploy.operate import stage_secrets
from pocket.errors import DeployError
from pocket.manifest import SecretVariable

if TYPE_CHECKING:
    from pocket.config import StageConfig
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.target import Target


@dataclass(frozen=True)
class FormerPlace:
    """Where the value of a variable may be: `keys` lead to it in a JSON secret; without any, the whole value is it."""

    variable: str
    service: str
    secret_id: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class TakeOver:
    """What a take-over copies: the value of each variable, and the place that has it.

    `kept` are variables that Pocket has a value of, `absent` those of which the old places have none, and `undeclared`
    those that pocket.toml no longer has.
    """

    values: Mapping[str, str] = field(repr=False)
    places: Mapping[str, FormerPlace]
    kept: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    undeclared: tuple[str, ...] = ()


def plan(stage: StageConfig, target: Target, former: Sequence[FormerPlace]) -> TakeOver:
    """Reads the old places once; of several for a variable, the first with a value counts.

    Raises DeployError for a secret that is no JSON object, or whose keys lead to something else than a text.
    """
    declared = {item.name for item in stage.secret_variables}
    wanted = list(dict.fromkeys(place.variable for place in former))
    there = stage_secrets.values(stage, target)
    values, places = {}, {}
    texts: dict[tuple[str, str], str | None] = {}
    for place in former:
        if place.variable in values or place.variable in there or place.variable not in declared:
            continue
        where = (place.service, place.secret_id)
        if where not in texts:
            texts[where] = stage_secrets.value(stage, target, SecretVariable(place.variable, *where))
        value = _value(stage, place, texts[where])
        if value is not None:
            values[place.variable], places[place.variable] = value, place
    return TakeOver(
        values,
        places,
        tuple(name for name in wanted if name in there),
        tuple(name for name in wanted if name in declared and name not in there and name not in values),
        tuple(name for name in wanted if name not in declared),
    )


def carry_out(stage: StageConfig, target: Target, planned: TakeOver, reporter: Reporter) -> None:
    """Writes the planned values."""
    stage_secrets.put(stage, target, planned.values, reporter)


def _value(stage: StageConfig, place: FormerPlace, text: str | None) -> str | None:
    if text is None or not place.keys:
        return text
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise DeployError(
            f"Secret {place.secret_id} is not a JSON object, so it does not have {place.variable}.",
            f"Set the value yourself: pocket secrets set {place.variable} --stage {stage.name}",
        )
    for key in place.keys:
        found = found.get(key) if isinstance(found, dict) else None
    if found is None or isinstance(found, str):
        return found
    raise DeployError(
        f"Secret {place.secret_id} has no text at {' > '.join(place.keys)}, where {place.variable} should be.",
        f"Set the value yourself: pocket secrets set {place.variable} --stage {stage.name}",
    )
