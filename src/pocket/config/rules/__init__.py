"""Rules that compare several keys of a stage, or the same key of several stages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from pocket.config.issues import Issue
from pocket.config.rules import (
    alarms,
    artifact,
    cloudfront,
    database,
    django,
    domains,
    environment,
    events,
    handlers,
    names,
    permissions,
    secrets,
    tags,
    tasks,
)
from pocket.config.stage import StageConfig

_RULES = (
    names.issues,
    tags.issues,
    artifact.issues,
    environment.issues,
    handlers.issues,
    permissions.issues,
    events.issues,
    domains.issues,
    tasks.issues,
    secrets.issues,
    database.issues,
    django.issues,
    cloudfront.issues,
    alarms.issues,
)


def stage_issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues in one stage."""
    return chain.from_iterable(rule(stage) for rule in _RULES)


def issues_between_stages(stages: Sequence[StageConfig]) -> Iterator[tuple[str, Issue]]:
    """The issues between several stages, each with the name of the stage to report it for."""
    return chain(
        names.shared_names(stages),
        domains.shared(stages),
        secrets.unused_placeholders(stages),
        database.shared(stages),
    )
