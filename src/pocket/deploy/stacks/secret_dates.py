"""When a stage's secrets changed: a function's environment reads them once, so an older one has the old values.

Pocket reads dates only, never a value.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.errors import AWSCallFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pocket.config import StageConfig
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter

_PARAMETERS_A_CALL = 10

_ABSENT = frozenset({"ResourceNotFoundException"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})


def renewal(clients: Clients, stage: StageConfig, body: Mapping[str, Any], reporter: Reporter) -> str:
    """The value of SECRETS_CHANGED_KEY in the functions' environment.

    If a secret is newer than the live functions, its date: a new value makes new versions, whose environments read the
    secrets again. Otherwise the value in `body`, the deployed template; "" before the first release.
    """
    handler, written = _deployed(stage, body)
    if handler is None:
        return written
    since = _published(clients, stage.function_name(handler))
    if since is None:
        return written
    newer = {name: date for name, date in _dates(clients, stage, reporter) if date > since}
    if not newer:
        return written
    reporter.note(f"Changed since the live release: {', '.join(sorted(newer))}. The functions get new versions.")
    return text(max(newer.values()))


def text(date: datetime) -> str:
    """The date as the value of SECRETS_CHANGED_KEY."""
    return date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _deployed(stage: StageConfig, body: Mapping[str, Any]) -> tuple[str | None, str]:
    """A live handler, if any, and the value in the deployed functions' environment."""
    resources = body.get("Resources") or {}
    handlers = stage.awscontainer.handlers if stage.awscontainer else {}
    for handler in handlers:
        function = resources.get(naming.logical_id(handler, "Function"))
        alias = naming.logical_id(handler, "Alias") in resources
        if function is not None and alias:
            variables = function["Properties"].get("Environment", {}).get("Variables", {})
            return handler, str(variables.get(naming.SECRETS_CHANGED_KEY, ""))
    return None, ""


def _published(clients: Clients, function: str) -> datetime | None:
    """When AWS published the live version, by AWS's clock."""
    try:
        facts = clients.lambda_.get_function_configuration(FunctionName=function, Qualifier=naming.ALIAS)
    except AWSCallFailed as error:
        if error.code in _ABSENT:
            return None
        raise
    return datetime.strptime(facts["LastModified"], "%Y-%m-%dT%H:%M:%S.%f%z")


def _dates(clients: Clients, stage: StageConfig, reporter: Reporter) -> Iterator[tuple[str, datetime]]:
    """A description of each existing secret of the stage, and when its value last changed."""
    ids: dict[str, list[str]] = {"secretsmanager": [], "ssm": []}
    for variable in stage.secret_variables:
        if variable.secret_id not in ids[variable.service]:
            ids[variable.service].append(variable.secret_id)
    try:
        for name in ids["secretsmanager"]:
            date = _changed(clients, name)
            if date is not None:
                yield f"secret {name}", date
        for start in range(0, len(ids["ssm"]), _PARAMETERS_A_CALL):
            answer = clients.ssm.get_parameters(Names=ids["ssm"][start : start + _PARAMETERS_A_CALL])
            for item in answer["Parameters"]:
                yield f"parameter {item['Name']}", item["LastModifiedDate"]
    except AWSCallFailed as error:
        if error.code not in _DENIED:
            raise
        reporter.note(f"Pocket cannot tell which secrets changed since the live release: {error.message} {error.hint}")


def _changed(clients: Clients, secret: str) -> datetime | None:
    try:
        facts = clients.secretsmanager.describe_secret(SecretId=secret)
    except AWSCallFailed as error:
        if error.code in _ABSENT:
            return None
        raise
    return facts.get("LastChangedDate", facts.get("CreatedDate"))
