"""Rules for `[database]`: what its engine needs, the variable with its URL, and one database for each stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.rules.secrets import issues_with_reference
from pocket.config.stage import StageConfig

_SECRET: KeyPath = ("database", "secret")


def issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues in `[database]` and in the secrets of the type `database_url`."""
    yield from _variables(stage)
    if stage.database is None:
        return
    if stage.database_reference is None:
        message = 'The engine "postgresql" needs the secret with the database\'s URL.'
        hint = 'Add for example secret = "{project}/{stage}/database-url".'
        yield Issue(("database",), "secret", message, hint, (_SECRET, ("database", "engine")))
    else:
        yield from issues_with_reference(stage, stage.database_reference, _SECRET)


def _variables(stage: StageConfig) -> Iterator[Issue]:
    table: KeyPath = ("awscontainer", "secretsmanager", "pocket_secrets")
    for index, name in enumerate(stage.secretsmanager.database_variables):
        path = (*table, name)
        if stage.database is None:
            message = 'A secret of the type "database_url" needs the table [database].'
            hint = (
                "Add [database], or move the variable to awscontainer.secretsmanager.secrets with your secret's name."
            )
            yield Issue((*path, "type"), "database", message, hint, (("database",),))
        elif index:
            message = 'Only one variable can be of the type "database_url".'
            yield Issue((*path, "type"), "one-database", message, "Remove all but one.")


def shared(stages: Sequence[StageConfig]) -> Iterator[tuple[str, Issue]]:
    """The issues with stages that would share a database."""
    taken: dict[tuple[str, ...], str] = {}
    for stage in stages:
        reference = stage.database_reference
        if reference is None:
            continue
        store = reference.service or stage.secretsmanager.store
        place = (store, stage.region, reference.secret_id, reference.key or "")
        other = taken.setdefault(place, stage.name)
        if other != stage.name:
            message = f"The stages {other} and {stage.name} would share the database of the secret {place[2]}."
            hint = "Add {stage} to its name, or set it in each stage's own [STAGE.database]."
            yield stage.name, Issue(_SECRET, "shared", message, hint, (("general", "region"),))
