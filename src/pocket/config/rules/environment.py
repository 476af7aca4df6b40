"""Rules for the functions' environment: reserved names, its size, and names that are declared twice."""

from __future__ import annotations

from collections.abc import Iterator

from pocket import naming
from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.stage import StageConfig

_RESERVED = {
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
}
_RESERVED_PREFIXES = ("AWS_LAMBDA_", "LAMBDA_", "POCKET_")
_OPEN = {"AWS_LAMBDA_EXEC_WRAPPER"}
_RESOURCE_ROOM = 64
"""The bytes assumed for the value of a variable in `resource_envs`, such as a name or a short ARN."""


def is_reserved(name: str) -> bool:
    """Whether the variable is reserved by Lambda or Pocket."""
    return name in _RESERVED or (name.startswith(_RESERVED_PREFIXES) and name not in _OPEN)


def issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues with the variables in `envs`, `pocket_secrets` and `secrets`."""
    declared: dict[str, KeyPath] = {}
    for name, path in _variables(stage):
        yield from _variable(name, path, declared.get(name))
        declared.setdefault(name, path)
    yield from _sizes(stage, None, ("awscontainer", "envs"))
    for handler, table in (stage.awscontainer.handlers if stage.awscontainer else {}).items():
        own: KeyPath = ("awscontainer", "handlers", handler, "envs")
        for name in table.envs:
            # A variable of `awscontainer.envs` may have another value here.
            elsewhere = declared.get(name, ())
            yield from _variable(
                name, (*own, name), elsewhere if {"secretsmanager", "resource_envs"} & {*elsewhere} else None
            )
            if name == "DJANGO_SETTINGS_MODULE":
                message = "All handlers have the same settings module: checks, migrations and static files use it, too."
                yield Issue((*own, name), "settings", message, "Set it in awscontainer.envs.")
        if table.envs:
            yield from _sizes(stage, handler, own)


def _variable(name: str, path: KeyPath, elsewhere: KeyPath | None) -> Iterator[Issue]:
    if is_reserved(name):
        owner = "Pocket" if name.startswith("POCKET_") else "Lambda"
        message = f"The variable {name} is reserved by {owner}."
        yield Issue(path, "reserved", message, "Rename the variable.")
    elif elsewhere is not None:
        message = f"The variable {name} is also declared by {'.'.join(map(str, elsewhere))}."
        yield Issue(path, f"twice-{name}", message, "Remove one of the two.", (elsewhere,))


def _sizes(stage: StageConfig, handler: str | None, path: KeyPath) -> Iterator[Issue]:
    size = estimated_size(stage, handler)
    if size > naming.LARGEST_ENVIRONMENT:
        whose = "The functions' environment" if handler is None else f'The environment of handler "{handler}"'
        message = f"{whose} takes about {size} bytes; Lambda allows {naming.LARGEST_ENVIRONMENT}."
        hint = "Move long values to awscontainer.secretsmanager or awscontainer.django.settings."
        yield Issue(path, "size", message, hint, (("awscontainer", "envs"),))


def _variables(stage: StageConfig) -> Iterator[tuple[str, KeyPath]]:
    """Each variable that the stage declares for all functions, with the path of its key."""
    if stage.awscontainer is None:
        return
    for name in stage.awscontainer.envs:
        yield name, ("awscontainer", "envs", name)
    for name in stage.awscontainer.resource_envs:
        yield name, ("awscontainer", "resource_envs", name)
    table: KeyPath = ("awscontainer", "secretsmanager")
    for name, secret in stage.secretsmanager.pocket_secrets.items():
        for variable in secret.variables(name):
            yield variable, (*table, "pocket_secrets", name)
    for name in stage.secretsmanager.secrets:
        yield name, (*table, "secrets", name)
    if stage.database_variable is not None and not stage.secretsmanager.database_variables:
        yield stage.database_variable, ("database",)


def estimated_size(stage: StageConfig, handler: str | None = None) -> int:
    """The bytes of a function's environment: names and values, of `envs` and of the variables that the deploy adds.

    Without `handler`, of a function that has no variables of its own.
    """
    if stage.awscontainer is None:
        return 0
    host = f"0123456789.execute-api.{stage.region}.amazonaws.com"
    variables = {
        naming.STAGE_KEY: stage.name,
        naming.PROJECT_KEY: stage.project_name,
        naming.REGION_KEY: stage.region,
        "DJANGO_SETTINGS_MODULE": stage.settings_module or "",
    }
    hosts = []
    for name, declared in stage.awscontainer.handlers.items():
        if declared.has_address:
            domain = declared.apigateway.domain if declared.apigateway is not None else None
            if name == stage.cdn_handler and stage.cdn_names:
                domain = stage.cdn_names[0]
            hosts += [host] if domain is None else [domain, host]
            variables |= {naming.host_key(name): domain or host, naming.endpoint_key(name): f"https://{domain or host}"}
        if declared.sqs is not None:
            queue = stage.queue_name(name, fifo=declared.sqs.fifo)
            url = f"https://sqs.{stage.region}.amazonaws.com/123456789012/{queue}"
            variables[naming.queue_url_key(name)] = url
    variables |= dict.fromkeys(stage.awscontainer.resource_envs, "x" * _RESOURCE_ROOM)
    variables |= stage.database_environment
    variables |= {naming.HOSTS_KEY: ",".join(hosts), **stage.envs(handler)}
    return sum(len(name.encode()) + len(value.encode()) for name, value in variables.items())
