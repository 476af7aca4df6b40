"""Rules for secrets: options that fit the type, references that the stage can read, used placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.secret_references import NAMES, Reference
from pocket.config.stage import StageConfig
from pocket.config.suggestions import nearest

_OPTIONS = {
    "password": {"length"},
    "database_url": set(),
    "rsa_pem_base64": {"pem_base64_environ_suffix", "pub_base64_environ_suffix"},
}


def issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues in `[awscontainer.secretsmanager]`."""
    table: KeyPath = ("awscontainer", "secretsmanager")
    for name, secret in stage.secretsmanager.pocket_secrets.items():
        path = (*table, "pocket_secrets", name)
        for option in sorted(secret.options.model_fields_set - _OPTIONS[secret.type]):
            message = f'A secret of the type "{secret.type}" does not have this option.'
            known = ", ".join(sorted(_OPTIONS[secret.type]))
            hint = f"Expected one of: {known}." if known else "It has no options."
            yield Issue((*path, "options", option), "option", message, hint, ((*path, "type"),))
    for name, text in stage.secretsmanager.secrets.items():
        yield from issues_with_reference(stage, Reference.parse(text), (*table, "secrets", name))


def issues_with_reference(stage: StageConfig, reference: Reference, path: KeyPath) -> Iterator[Issue]:
    """The issues with a secret that the stage's functions read."""
    if reference.region is not None and reference.region != stage.region:
        message = f"The secret is in {reference.region}; the stage is in {stage.region} and cannot read it."
        hint = f"Replicate the secret to {stage.region}, and use that ARN."
        yield Issue(path, "region", message, hint, (("general", "region"),))
    bare_parameter = reference.service is None and stage.secretsmanager.store == "ssm"
    if bare_parameter and not re.fullmatch(NAMES["ssm"], reference.secret_id):
        message = "Expected the name of a parameter: letters, digits and _.-/."
        yield Issue(path, "parameter", message, "", (("awscontainer", "secretsmanager", "store"),))


def unused_placeholders(stages: Sequence[StageConfig]) -> Iterator[tuple[str, Issue]]:
    """The issues with placeholders for variables that are not secrets in any stage."""
    names = [variable.name for stage in stages for variable in stage.secret_variables]
    table: KeyPath = ("awscontainer", "secretsmanager")
    for stage in stages:
        for name in stage.secretsmanager.placeholders:
            if name not in names:
                message = f"There is no secret for the variable {name}."
                hint = nearest(name, names) or "Declare it in secrets or pocket_secrets, or remove this line."
                needs = ((*table, "secrets", name), (*table, "pocket_secrets", name))
                yield stage.name, Issue((*table, "placeholders", name), "placeholder", message, hint, needs)
