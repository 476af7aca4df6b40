"""Rules that compare several keys of a stage, or the same key of several stages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from pocket.config.faults import Fault
from pocket.config.rules import artifact, django, environment, handlers, names, secrets
from pocket.config.stage import StageConfig

_RULES = (
    names.faults,
    artifact.faults,
    environment.faults,
    handlers.faults,
    secrets.faults,
    django.faults,
)


def faults_of_stage(stage: StageConfig) -> Iterator[Fault]:
    """The faults of one stage."""
    return chain.from_iterable(rule(stage) for rule in _RULES)


def faults_between_stages(stages: Sequence[StageConfig]) -> Iterator[tuple[str, Fault]]:
    """The faults of several stages together, each with the name of the stage that shows it."""
    return chain(names.shared_names(stages), secrets.idle_placeholders(stages))
