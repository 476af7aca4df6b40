"""Names that the deploy writes and the run time reads: resources, environment keys, outputs, files.

Pure functions of the configuration's words; a name is spelled here once and nowhere else.
"""

import re
import sys
from typing import NamedTuple

MANIFEST_FILE = "pocket.manifest.json"
"""The manifest's name at the root of the artifact."""

MODULES_FILE = "pocket.modules"
"""The bundle of the modules that a start imports, at the root of the artifact."""

STATIC_MANIFEST_FILE = "staticfiles.json"
"""Django's map from a static file's name to its hashed one, at the root of the artifact."""

MIGRATE_RUNS = 75
"""The exit status of a command that another `migrate` of the same database keeps from running: try again later."""

ALIAS = "live"
"""The Lambda alias that all traffic goes through."""

STAGE_KEY = "POCKET_STAGE"
PROJECT_KEY = "POCKET_PROJECT_NAME"
REGION_KEY = "POCKET_REGION"
HOSTS_KEY = "POCKET_HOSTS"
SECRETS_CHANGED_KEY = "POCKET_SECRETS_CHANGED"
"""When the newest secret changed, where a deploy renewed the functions because of it: nothing reads it there."""
MANIFEST_KEY = "POCKET_MANIFEST"
"""The path of a manifest that is read instead of the baked one, for tools and tests."""
ORIGIN_KEY = "POCKET_COPY_OF"
"""The folder that the copy which a process runs in was made from."""
PLACEHOLDER_KEY = "POCKET_PLACEHOLDER_SECRETS"
"""Set (to anything) where a stage's settings are loaded on a laptop: secrets become placeholders, no call is made."""

WSGI_HANDLER = "pocket.django.lambda_handlers.wsgi_handler"
ASGI_HANDLER = "pocket.django.lambda_handlers.asgi_handler"
FASTAPI_HANDLER = "pocket.fastapi.lambda_handlers.asgi_handler"
COMBINED_HANDLER = "pocket.fastapi.lambda_handlers.combined_handler"
MANAGEMENT_HANDLER = "pocket.django.lambda_handlers.management_command_handler"
SQS_MANAGEMENT_HANDLER = "pocket.django.lambda_handlers.sqs_management_command_handler"


class HandlerKind(NamedTuple):
    """One of Pocket's own Lambda handlers, as a `command` of pocket.toml names it.

    `fronts` are the keys of the handler's table that it takes for its callers. A kind that does not name `commands`
    runs no management commands that are sent to it.
    """

    summary: str
    fronts: frozenset[str]
    pages: bool = False
    api: bool = False
    commands: bool = False

    @property
    def answers_http(self) -> bool:
        """Whether it answers HTTP requests: pages, an API or both."""
        return self.pages or self.api


_HTTP = frozenset({"apigateway", "function_url"})

HANDLERS = {
    WSGI_HANDLER: HandlerKind("answers HTTP; best for synchronous views", _HTTP, pages=True),
    ASGI_HANDLER: HandlerKind("answers HTTP; best for asynchronous views", _HTTP, pages=True),
    FASTAPI_HANDLER: HandlerKind("answers HTTP with the FastAPI application alone", _HTTP, api=True),
    COMBINED_HANDLER: HandlerKind(
        "answers HTTP: the FastAPI application under its prefix, Django elsewhere", _HTTP, pages=True, api=True
    ),
    MANAGEMENT_HANDLER: HandlerKind(
        "runs management commands that are sent to it directly: `pocket manage`, schedules",
        frozenset({"schedule"}),
        commands=True,
    ),
    SQS_MANAGEMENT_HANDLER: HandlerKind(
        "runs management commands from a queue: `pocket_call_command`", frozenset({"sqs"})
    ),
}
"""Pocket's own handlers by their dotted path; any other command is a callable of the project's."""

DEFAULT_QUEUE_KEY = "sqsmanagement"

LARGEST_ENVIRONMENT = 4096
"""Bytes that Lambda allows for the names and values of a function's environment together."""


def running_python() -> str:
    """The minor version of the running Python, such as `3.13`."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def resource_name(prefix: str, stage: str, project: str, *parts: str) -> str:
    """`{prefix}{stage}-{project}`, and `-part` for each of `parts`: the name of a stack, function or queue."""
    return "-".join((f"{prefix}{stage}-{project}", *parts))


def environment_key(handler: str, fact: str) -> str:
    """`POCKET_<HANDLER>_<FACT>`, for instance `POCKET_WEB_HOST`; every character that a shell refuses becomes `_`."""
    return f"POCKET_{re.sub(r'[^A-Z0-9]', '_', handler.upper())}_{fact}"


def host_key(handler: str) -> str:
    """The variable with the host, and the port where it is not the scheme's own, of the handler's address."""
    return environment_key(handler, "HOST")


def endpoint_key(handler: str) -> str:
    """The variable with the handler's address: scheme and host, without a trailing slash."""
    return environment_key(handler, "ENDPOINT")


def queue_url_key(handler: str) -> str:
    """The variable with the URL of the handler's SQS queue."""
    return environment_key(handler, "QUEUEURL")


def logical_id(*parts: str) -> str:
    """A CloudFormation logical id of `parts` in CamelCase; CloudFormation takes letters and digits only."""
    words = (word for part in parts for word in re.split(r"[^A-Za-z0-9]+", part) if word)
    return "".join(word[0].upper() + word[1:] for word in words)


def host_output(handler: str) -> str:
    """The stack output that holds what `host_key` names."""
    return logical_id(handler, "Host")


def endpoint_output(handler: str) -> str:
    """The stack output that holds what `endpoint_key` names."""
    return logical_id(handler, "Endpoint")


def queue_url_output(handler: str) -> str:
    """The stack output that holds what `queue_url_key` names."""
    return logical_id(handler, "QueueUrl")
