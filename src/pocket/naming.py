"""Names that the deploy writes and the run time reads: resources, environment keys, outputs, files.

Pure functions of names in the configuration. Each name is spelled in this module only.
"""

import re
import sys
from typing import NamedTuple

DISTRIBUTION = "django-pocket"
"""Pocket's own name in requirements."""

MANIFEST_FILE = "pocket.manifest.json"
"""The manifest's name at the root of the artifact."""

MODULES_FILES = ("pocket.modules", "pocket.libraries.modules", "pocket.project.modules")
"""The names, at the root of the artifact, of the module bundles: of packages, of local packages, of the project."""

STATIC_MANIFEST_FILE = "staticfiles.json"
"""The name, at the root of the artifact, of Django's map from static files to their hashed names."""

MIGRATE_RUNS = 75
"""The exit status of a command that cannot run while another `migrate` of the same database runs: try again later."""

ALIAS = "live"
"""The Lambda alias that all traffic goes through."""

STAGE_KEY = "POCKET_STAGE"
PROJECT_KEY = "POCKET_PROJECT_NAME"
REGION_KEY = "POCKET_REGION"
HOSTS_KEY = "POCKET_HOSTS"
SECRETS_CHANGED_KEY = "POCKET_SECRETS_CHANGED"
"""When the newest secret changed. A deploy sets it so that functions start again with new secrets; nothing reads it."""
GIVEN_KEY = "POCKET_GIVEN"
"""In a rehearsal: the variables, separated by commas, that have their values already. Their secrets are not read."""
MANIFEST_KEY = "POCKET_MANIFEST"
"""The path of a manifest to read instead of the artifact's, for tools and tests."""
ORIGIN_KEY = "POCKET_COPY_OF"
"""In a process that runs in a copy of a project: the folder of the original."""
CALLABLE_KEY = "POCKET_CALLABLE"
"""In a function that runs a callable of the project: the callable's dotted path."""
PLACEHOLDER_KEY = "POCKET_PLACEHOLDER_SECRETS"
"""Set (to anything) to load a stage's settings without AWS: secrets become placeholders, no call is made."""

ORIGIN_SECRET = "POCKET_ORIGIN_SECRET"  # noqa: S105 - the variable's name
"""The variable with what a stage's distribution sends, so that its function answers nothing else."""
SIGNING_KEY = "POCKET_CLOUDFRONT"
"""The generated secret with the key pair of signed URLs: what the names of its two variables begin with."""
SIGNING_PRIVATE = f"{SIGNING_KEY}_PEM_BASE64"
SIGNING_PUBLIC = f"{SIGNING_KEY}_PUB_BASE64"
SIGNING_KEY_ID = f"{SIGNING_KEY}_KEY_ID"
"""The variable with CloudFront's id of the public key."""

ORIGIN_HEADER, HOST_HEADER, CLIENT_HEADER = "x-pocket-origin", "x-pocket-host", "x-pocket-client"
"""What a distribution adds to a request: the secret, the host that the viewer asked for, and the viewer's address."""

WSGI_HANDLER = "pocket.django.lambda_handlers.wsgi_handler"
ASGI_HANDLER = "pocket.django.lambda_handlers.asgi_handler"
FASTAPI_HANDLER = "pocket.fastapi.lambda_handlers.asgi_handler"
COMBINED_HANDLER = "pocket.fastapi.lambda_handlers.combined_handler"
MANAGEMENT_HANDLER = "pocket.django.lambda_handlers.management_command_handler"
SQS_MANAGEMENT_HANDLER = "pocket.django.lambda_handlers.sqs_management_command_handler"
EVENT_HANDLER = "pocket.django.lambda_handlers.event_handler"
"""The handler around a callable of the project. The deploy chooses it; no `command` names it."""


IAM_ENGINE = "pocket.django.databases.iam"
"""The ENGINE of Django that signs tokens of IAM; as the scheme of a URL, django-environ takes it."""


class HandlerKind(NamedTuple):
    """One of Pocket's own Lambda handlers.

    `fronts` are the keys of the handler's table that configure its callers. `commands` is true for a kind that runs
    management commands sent to it directly.
    """

    summary: str
    fronts: frozenset[str]
    pages: bool = False
    api: bool = False
    commands: bool = False


PROBE = {"pocket": "probe"}
"""The event with which a gate starts a function that runs a callable of the project; the callable does not get it."""

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
        "runs management commands and tasks from a queue: `pocket_call_command`, `TASKS`", frozenset({"sqs"})
    ),
}
"""Pocket's own handlers by dotted path; any other `command` of pocket.toml is a callable of the project."""

DEFAULT_QUEUE_KEY = "sqsmanagement"

DATABASE_SLEEPS = "does not answer yet; it may be waking up"
"""Part of the line in a function's log when a connection waits for a database that has scaled to zero."""

_POOLER, _NEON = "-pooler", ".neon.tech"
_RDS_PROXY = re.compile(r"\.proxy-[a-z0-9]+\.[a-z0-9-]+\.rds\.amazonaws\.com(\.cn)?$")

TASK_OBJECTS = "pocket-tasks/"
"""The prefix of the objects in the stage's bucket that hold a task's large arguments."""

SCHEDULER_ROLE_KEY = "POCKET_TASK_SCHEDULER_ROLE"
"""The ARN of the role with which EventBridge Scheduler sends a task's message later."""

LARGEST_ENVIRONMENT = 4096
"""Lambda's limit in bytes for the names and values of a function's environment together."""


def running_python() -> str:
    """The minor version of the running Python, such as `3.13`."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def resource_name(prefix: str, stage: str, project: str, *parts: str) -> str:
    """`{prefix}{stage}-{project}`, and `-part` for each of `parts`: the name of a stack, function or queue."""
    return "-".join((f"{prefix}{stage}-{project}", *parts))


def environment_key(handler: str, fact: str) -> str:
    """`POCKET_<HANDLER>_<FACT>`, such as `POCKET_WEB_HOST`; characters that a shell refuses become `_`."""
    return f"POCKET_{re.sub(r'[^A-Z0-9]', '_', handler.upper())}_{fact}"


def host_key(handler: str) -> str:
    """The variable with the host of the handler's address, and the port if it is not the scheme's default."""
    return environment_key(handler, "HOST")


def endpoint_key(handler: str) -> str:
    """The variable with the handler's address: scheme and host, without a trailing slash."""
    return environment_key(handler, "ENDPOINT")


def queue_url_key(handler: str) -> str:
    """The variable with the URL of the handler's SQS queue."""
    return environment_key(handler, "QUEUEURL")


def dead_letters(queue: str) -> str:
    """The name of a queue's dead-letter queue; the same of the queue's URL or ARN."""
    stem = queue.removesuffix(".fifo")
    return f"{stem}-dead-letters{queue[len(stem) :]}"


def logical_id(*parts: str) -> str:
    """A CloudFormation logical id of `parts` in CamelCase; CloudFormation accepts letters and digits only."""
    words = (word for part in parts for word in re.split(r"[^A-Za-z0-9]+", part) if word)
    return "".join(word[0].upper() + word[1:] for word in words)


def host_output(handler: str) -> str:
    """The stack output with the value of `host_key`."""
    return logical_id(handler, "Host")


def endpoint_output(handler: str) -> str:
    """The stack output with the value of `endpoint_key`."""
    return logical_id(handler, "Endpoint")


def failures_output(handler: str) -> str:
    """The stack output with the URL of the queue that has the handler's failed events."""
    return logical_id(handler, "FailuresUrl")


def queue_url_output(handler: str) -> str:
    """The stack output with the value of `queue_url_key`."""
    return logical_id(handler, "QueueUrl")


def key_prefix(location: str | None) -> str:
    """What the keys of a storage or a public directory begin with: `"static/"`, or nothing for the whole bucket."""
    trimmed = (location or "").strip("/")
    return f"{trimmed}/" if trimmed else ""


def direct_host(host: str) -> str:
    """The host of a Neon branch without its pooler, where a session is the client's own; any other host unchanged.

    https://neon.com/docs/connect/connection-pooling
    """
    first, dot, domain = host.partition(".")
    return first.removesuffix(_POOLER) + dot + domain if domain.endswith(_NEON) else host


def is_pooler(host: str) -> bool:
    """Whether the host is a pooler of Neon or a proxy of RDS, which takes more connections than its server."""
    return direct_host(host) != host or _RDS_PROXY.search(host) is not None
