"""Rules for `[database]`: what its engine needs, the variable with its URL, and one database for each stage."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.rules.secrets import issues_with_reference
from pocket.config.secret_references import Reference
from pocket.config.stage import StageConfig
from pocket.config.tables.database import Database

_CLUSTER = r"[a-z](-?[a-z0-9])*"
_LONGEST_CLUSTER = 63
_PARTS: tuple[KeyPath, ...] = (("general", "object_prefix"), ("general", "project_name"))
_OF_AURORA = ("cluster",)
_OF_NEON = ("api_key_secret", "branch", "parent_branch", "project")
_CLUSTER_KEY: KeyPath = ("database", "cluster")
_SECRET: KeyPath = ("database", "secret")
_IAM_HINTS = {
    "user": "Create the user in the database, and grant it the role rds_iam.",
    "resource_id": "It is DbClusterResourceId in the output of `aws rds describe-db-clusters`, DbiResourceId in that of"
    " `aws rds describe-db-instances`, and the end of the ARN of a proxy.",
}


def issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues in `[database]` and in the secrets of the type `database_url`."""
    yield from _variables(stage)
    if stage.database is None:
        return
    if stage.database.engine == "aurora":
        yield from _aurora(stage, stage.database)
    elif stage.database.engine == "neon":
        yield from _neon(stage, stage.database)
    else:
        yield from _of_others(stage.database)
        yield from _iam(stage.database) if stage.database.iam else _secret(stage, stage.database)


def _aurora(stage: StageConfig, database: Database) -> Iterator[Issue]:
    """The issues with a cluster that the deploy creates: its name, and keys that it does not have."""
    for key in sorted(database.model_fields_set - {"engine", *_OF_AURORA}):
        message = f'The engine "aurora" has no {key}: the deploy creates the cluster, and its users connect with IAM.'
        yield Issue(("database", key), "aurora", message, "Remove it.", (("database", "engine"),))
    name = stage.cluster_name or ""
    if not re.fullmatch(_CLUSTER, name) or len(name) > _LONGEST_CLUSTER:
        message = f'RDS does not allow the name "{name}" of a cluster: at most {_LONGEST_CLUSTER} letters, digits and'
        message += " single hyphens, starting with a letter."
        hint = "Set database.cluster, or general.object_prefix and general.project_name, so that it is valid."
        yield Issue(("database", "engine"), "cluster-name", message, hint, (*_PARTS, ("database", "cluster")))


def _neon(stage: StageConfig, database: Database) -> Iterator[Issue]:
    """The issues with a branch that the deploy creates."""
    if database.project is None:
        message = 'The engine "neon" needs the id of the project.'
        hint = 'Add for example project = "shiny-wind-028834".'
        yield Issue(("database",), "project", message, hint, (("database", "project"), ("database", "engine")))
    for key in sorted(database.model_fields_set - {"engine", "name", "user", *_OF_NEON}):
        message = (
            f'The engine "neon" has no {key}: the deploy creates the branch, and puts its URL into the stage\'s secret.'
        )
        yield Issue(("database", key), "neon", message, "Remove it.", (("database", "engine"),))
    if database.api_key_secret is not None:
        reference = Reference.parse(stage.formatted(database.api_key_secret))
        yield from issues_with_reference(stage, reference, ("database", "api_key_secret"))


def _of_others(database: Database) -> Iterator[Issue]:
    for engine, keys in (("aurora", _OF_AURORA), ("neon", _OF_NEON)):
        for key in sorted(database.model_fields_set & set(keys)):
            message = f'Only the engine "{engine}" has {key}.'
            yield Issue(("database", key), f"only-{engine}", message, "Remove it.", (("database", "engine"),))


def _secret(stage: StageConfig, database: Database) -> Iterator[Issue]:
    """The issues with a database whose URL, or user and password, are in a secret."""
    if stage.database_reference is None:
        message = 'The engine "postgresql" needs the secret with the database\'s URL, or iam = true.'
        hint = 'Add for example secret = "{project}/{stage}/database-url".'
        yield Issue(("database",), "secret", message, hint, (_SECRET, ("database", "engine"), ("database", "iam")))
    else:
        yield from issues_with_reference(stage, stage.database_reference, _SECRET)
    for key in ("user", "owner", "resource_id"):
        if getattr(database, key) is not None:
            message = "Only a database with iam = true has this key."
            yield Issue(("database", key), "iam", message, "Remove it, or set iam = true.", (("database", "iam"),))
    if (database.host is None) != (database.name is None):
        missing, given = ("host", "name") if database.host is None else ("name", "host")
        message = f"A secret with a user and a password alone needs {missing} as well as {given}."
        yield Issue(
            ("database", given), "complete", message, f"Set {missing}, or remove {given}.", (("database", missing),)
        )


def _iam(database: Database) -> Iterator[Issue]:
    """The issues with a database that needs a token of IAM."""
    for key in ("host", "name", "user", "resource_id"):
        if getattr(database, key) is None:
            message = f"With iam = true, {key} is required."
            yield Issue(("database",), f"iam-{key}", message, _IAM_HINTS.get(key, ""), (("database", key),))
    if database.secret is not None:
        message = "With iam = true there is no password, and no secret."
        yield Issue(_SECRET, "iam-secret", message, "Remove secret, or iam.", (("database", "iam"),))


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
        for what, place, path in _places(stage):
            other = taken.setdefault(place, stage.name)
            if other != stage.name:
                message = f"The stages {other} and {stage.name} would share the database {what}."
                hint = "Set another one in each stage's own [STAGE.database]."
                if path in {_SECRET, _CLUSTER_KEY, ("database", "branch")}:
                    hint = "Add {stage} to its name, or set it in each stage's own [STAGE.database]."
                yield stage.name, Issue(path, "shared", message, hint, (("general", "region"),))


def _places(stage: StageConfig) -> Iterator[tuple[str, tuple[str, ...], KeyPath]]:
    """Which database the stage uses: in words, as a key, and where it is in the file."""
    found, reference = stage.database, stage.database_reference
    if found is not None and found.host is not None and found.name is not None:
        yield f"{found.name} at {found.host}", (found.host, str(found.port), found.name or ""), ("database", "name")
    elif found is not None and stage.branch_name is not None:
        name = stage.branch_name
        yield (
            f"of the Neon branch {name}",
            ("neon", found.project or "", name, found.name or ""),
            ("database", "branch"),
        )
    elif stage.cluster_name is not None:
        yield f"of the cluster {stage.cluster_name}", ("aurora", stage.region, stage.cluster_name), _CLUSTER_KEY
    elif reference is not None:
        store = reference.service or stage.secretsmanager.store
        place = (store, stage.region, reference.secret_id, reference.key or "")
        yield f"of the secret {reference.secret_id}", place, _SECRET
