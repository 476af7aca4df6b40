"""Secrets: options that fit the type, references that the stage can reach."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pocket.config.faults import Fault
from pocket.config.overlay import KeyPath
from pocket.config.secret_references import NAMES, Reference
from pocket.config.stage import StageConfig
from pocket.config.suggestions import nearest

_OPTIONS = {
    "password": {"length"},
    "rsa_pem_base64": {"pem_base64_environ_suffix", "pub_base64_environ_suffix"},
}


def faults(stage: StageConfig) -> Iterator[Fault]:
    """The faults of `[awscontainer.secretsmanager]`."""
    table: KeyPath = ("awscontainer", "secretsmanager")
    for name, secret in stage.secretsmanager.pocket_secrets.items():
        path = (*table, "pocket_secrets", name)
        for option in sorted(secret.options.model_fields_set - _OPTIONS[secret.type]):
            message = f'A secret of the type "{secret.type}" has no such option.'
            hint = f"It has {', '.join(sorted(_OPTIONS[secret.type]))}."
            yield Fault((*path, "options", option), "option", message, hint, ((*path, "type"),))
    for name, text in stage.secretsmanager.secrets.items():
        path = (*table, "secrets", name)
        reference = Reference.parse(text)
        if reference.region is not None and reference.region != stage.region:
            message = f"The secret lies in {reference.region}, and the stage in {stage.region}, which cannot read it."
            hint = f"Replicate the secret to {stage.region}, and name that one."
            yield Fault(path, "region", message, hint, (("general", "region"),))
        bare_parameter = reference.service is None and stage.secretsmanager.store == "ssm"
        if bare_parameter and not re.fullmatch(NAMES["ssm"], reference.secret_id):
            message = "Expected the name of a parameter: letters, digits and _.-/ only."
            yield Fault(path, "parameter", message, "", ((*table, "store"),))


def idle_placeholders(stages: Sequence[StageConfig]) -> Iterator[tuple[str, Fault]]:
    """Placeholders of variables that no stage fills from a secret; those of one stage may stand in the common table."""
    names = [variable.name for stage in stages for variable in stage.secret_variables]
    table: KeyPath = ("awscontainer", "secretsmanager")
    for stage in stages:
        for name in stage.secretsmanager.placeholders:
            if name not in names:
                message = f"No secret fills the variable {name}."
                hint = nearest(name, names) or "Declare it in `secrets` or `pocket_secrets`, or remove this line."
                needs = ((*table, "secrets"), (*table, "pocket_secrets"))
                yield stage.name, Fault((*table, "placeholders", name), "placeholder", message, hint, needs)
