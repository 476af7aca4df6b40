"""What a handler's role may do, statement by statement.

The secrets are `manifest.Stage.secret_ids`, the same that the run time reads. The objects are those of the stage's
storages, without writing those that call the handler. Every handler may send to the stage's queues; only a queue's own
handler may receive from it, and send to its dead-letter queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.failed_events import failures_id
from pocket.deploy.template.inputs import log_group_name, queue_id
from pocket.deploy.template.intrinsics import arn, attribute, bucket_arn, substituted
from pocket.deploy.template.tasks import task_statements
from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pocket.config.tables.permissions import Permission
    from pocket.deploy.template.inputs import Inputs
    from pocket.manifest import Storage

Statement = dict[str, Any]

DECLARED = "Declared"
"""What the ids of statements begin with that come from the file's `permissions`."""

TAKING = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
"""What a function does with its own queue, and Lambda for it."""

BY_LAMBDA = frozenset(
    {"WriteLogs", "TakeJobs", "KeepFailures", "ReadStreams", "AttachToNetwork", "DetachFromNetwork", "SeeNetwork"}
)
"""The statements for what Lambda itself does as the role, outside of the function's network."""

_INTERFACES = "network-interface/*"
_OF_INTERFACES = ["ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"]
OWN_CODE = "NoNetworkByOwnCode"

_READ_ACTIONS = {
    "secretsmanager": ["secretsmanager:GetSecretValue"],
    "ssm": ["ssm:GetParameters"],
    "kms": ["kms:Decrypt"],
}
"""The services of `extra_resources`, and the actions that read from them."""


def statements(inputs: Inputs, handler: str) -> list[Statement]:
    """The statements of the handler's role."""
    return [
        *_logs(inputs, handler),
        *_secrets(inputs),
        *_parameters(inputs),
        *_extra_resources(inputs),
        *_database(inputs, handler),
        *_network(inputs, handler),
        *_objects(inputs),
        *_queues(inputs, handler),
        *_mail(inputs),
        *_failures(inputs, handler),
        *_streams(inputs, handler),
        *_recursion(inputs, handler),
        *task_statements(inputs),
        *_declared(inputs, handler),
    ]


def _allow(sid: str, actions: Sequence[str], resources: Sequence[Any], **conditions: Any) -> Statement:
    condition = {"Condition": conditions} if conditions else {}
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources), **condition}


def _declared(inputs: Inputs, handler: str) -> list[Statement]:
    """The file's own statements: those of every function, then the handler's."""
    own = inputs.handlers[handler].permissions
    named = [(f"{DECLARED}{number}", item) for number, item in enumerate(inputs.container.permissions, 1)]
    named += [(f"{DECLARED}{number}{naming.logical_id(handler)}", item) for number, item in enumerate(own, 1)]
    return [_statement(sid, item) for sid, item in named]


def _statement(sid: str, item: Permission) -> Statement:
    conditions = {
        operator: {key: [substituted(value) for value in values] for key, values in keys.items()}
        for operator, keys in item.conditions.items()
    }
    return _allow(sid, item.actions, [substituted(resource) for resource in item.resources], **conditions)


def _logs(inputs: Inputs, handler: str) -> list[Statement]:
    group = arn("logs", f"log-group:{log_group_name(inputs.config, handler)}:*")
    return [_allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [group])]


def _secrets(inputs: Inputs) -> list[Statement]:
    found: list[Statement] = []
    if names := inputs.manifest.secret_ids("secretsmanager"):
        # A secret's ARN ends with six characters that AWS adds to its name.
        resources = [
            name if name.startswith("arn:") else arn("secretsmanager", f"secret:{name}-??????") for name in names
        ]
        found.append(_allow("ReadSecrets", ["secretsmanager:GetSecretValue"], resources))
        # AWS has no narrower resource for this action; each value still needs GetSecretValue.
        found.append(_allow("ReadSecretsAtOnce", ["secretsmanager:BatchGetSecretValue"], ["*"]))
    if inputs.container.secretsmanager.require_list_secrets:
        found.append(_allow("ListSecrets", ["secretsmanager:ListSecrets"], ["*"]))
    return found


def _parameters(inputs: Inputs) -> list[Statement]:
    names = inputs.manifest.secret_ids("ssm")
    resources = [
        name if name.startswith("arn:") else arn("ssm", f"parameter/{name.removeprefix('/')}") for name in names
    ]
    return [_allow("ReadParameters", ["ssm:GetParameters"], resources)] if resources else []


def _extra_resources(inputs: Inputs) -> list[Statement]:
    by_service: dict[str, list[str]] = {}
    for resource in inputs.container.secretsmanager.extra_resources:
        by_service.setdefault(resource.split(":")[2], []).append(resource)
    for service, resources in by_service.items():
        if service not in _READ_ACTIONS:
            raise PlanRefused(
                f"awscontainer.secretsmanager.extra_resources: {resources[0]!r} belongs to {service}; "
                f"expected an ARN of {', '.join(_READ_ACTIONS)}."
            )
    return [
        _allow(naming.logical_id("Read", "Extra", service), _READ_ACTIONS[service], resources)
        for service, resources in by_service.items()
    ]


def _database(inputs: Inputs, handler: str) -> list[Statement]:
    """To connect as one user of one cluster, instance or proxy."""
    found = inputs.iam_access
    if found is None:
        return []
    user = f"dbuser:{found.resource_id}/{inputs.database_user(handler)}"
    return [_allow("ConnectToDatabase", ["rds-db:connect"], [arn("rds-db", user)])]


def _network(inputs: Inputs, handler: str) -> list[Statement]:
    """Lambda attaches a function to a network as the function's role; the function's own code may not.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    """
    vpc = inputs.config.vpc
    if vpc is None:
        return []
    used = [f"subnet/{name}" for name in vpc.subnet_ids] + [f"security-group/{name}" for name in vpc.security_group_ids]
    function = arn("lambda", f"function:{inputs.config.function_name(handler)}")
    found = [
        _allow("AttachToNetwork", ["ec2:CreateNetworkInterface"], [arn("ec2", name) for name in (*used, _INTERFACES)]),
        # With fewer resources, Lambda may not be able to delete an interface.
        _allow("DetachFromNetwork", _OF_INTERFACES, [arn("ec2", "*/*")]),
        _allow("SeeNetwork", ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"], ["*"]),
    ]
    actions = [action for statement in found for action in statement["Action"]]
    denied = _allow(OWN_CODE, actions, ["*"], ArnEquals={"lambda:SourceFunctionArn": [function]})
    return [*found, {**denied, "Effect": "Deny"}]


def _objects(inputs: Inputs) -> list[Statement]:
    bucket = inputs.manifest.bucket_name
    storages = [item for item in inputs.manifest.django.storages.values() if item.in_bucket]
    if bucket is None or not storages:
        return []
    # Django's static files are written by the deploy alone; the functions only look them up.
    written = [storage for storage in storages if not storage.static]
    found = [
        _allow("ListObjects", ["s3:ListBucket"], [bucket_arn(bucket)], StringLike={"s3:prefix": _listed(storages)}),
        _allow("ReadObjects", ["s3:GetObject"], [bucket_arn(bucket, keys) for keys in _keys(storages)]),
    ]
    if written:
        actions = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
        found.append(_allow("WriteObjects", actions, [bucket_arn(bucket, keys) for keys in _keys(written)]))
    return found


def _keys(storages: Sequence[Storage]) -> list[str]:
    return list(dict.fromkeys(f"{naming.key_prefix(storage.location)}*" for storage in storages))


def _listed(storages: Sequence[Storage]) -> list[str]:
    directories = (naming.key_prefix(storage.location).rstrip("/") for storage in storages)
    return list(dict.fromkeys(pattern for name in directories for pattern in ((name, f"{name}/*") if name else ("*",))))


def _queues(inputs: Inputs, handler: str) -> list[Statement]:
    with_queue = [name for name, declared in inputs.handlers.items() if declared.sqs is not None]
    if not with_queue:
        return []
    queues = [attribute(queue_id(inputs, name), "Arn") for name in with_queue]
    if handler not in with_queue:
        return [_allow("SendJobs", ["sqs:SendMessage"], queues)]
    own, dead = (attribute(queue_id(inputs, handler, part), "Arn") for part in ("Queue", "DeadLetters"))
    return [_allow("SendJobs", ["sqs:SendMessage"], [*queues, dead]), _allow("TakeJobs", TAKING, [own])]


def _mail(inputs: Inputs) -> list[Statement]:
    """Sending from the stage's address alone.

    The identity may be the address or a domain above it. In the sandbox SES asks for permission on the recipients'
    identities, too, so that the sender is the condition and not the resource.
    """
    ses = inputs.config.ses
    if ses is None:
        return []
    region = ses.region or inputs.config.region
    names = ["identity/*", *([f"configuration-set/{ses.configuration_set}"] if ses.configuration_set else [])]
    resources = [substituted(f"arn:${{AWS::Partition}}:ses:{region}:${{AWS::AccountId}}:{name}") for name in names]
    actions = ["ses:SendEmail", "ses:SendRawEmail"]
    return [_allow("SendMail", actions, resources, StringEquals={"ses:FromAddress": [ses.address]})]


def _failures(inputs: Inputs, handler: str) -> list[Statement]:
    """Lambda sends failed events as the function's role."""
    if not inputs.handlers[handler].keeps_failures:
        return []
    return [_allow("KeepFailures", ["sqs:SendMessage"], [attribute(failures_id(handler), "Arn")])]


def _streams(inputs: Inputs, handler: str) -> list[Statement]:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html"""
    streams = [event.dynamodb.stream for event in inputs.handlers[handler].events if event.dynamodb is not None]
    if not streams:
        return []
    actions = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
    return [_allow("ReadStreams", actions, streams)]


CAUSES = {
    "s3:ObjectCreated": ["s3:PutObject"],
    "s3:ObjectRemoved": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
    "s3:ObjectRestore": ["s3:RestoreObject"],
    "s3:ObjectTagging": [f"s3:{verb}Object{what}Tagging" for verb in ("Put", "Delete") for what in ("", "Version")],
    "s3:ObjectAcl": ["s3:PutObjectAcl", "s3:PutObjectVersionAcl"],
}
"""The actions that cause S3's events, by the beginning of the event's name."""


def _recursion(inputs: Inputs, handler: str) -> list[Statement]:
    """Denies what would call the function again: a function that writes where it listens never ends."""
    bucket = inputs.config.bucket_name
    found = []
    for number, event in enumerate(inputs.handlers[handler].events, 1):
        if event.s3 is None or event.s3.allow_recursion or bucket is None:
            continue
        kinds = dict.fromkeys(":".join(name.split(":")[:2]) for name in event.s3.events)
        if actions := [action for kind in kinds for action in CAUSES.get(kind, [])]:
            keys = [bucket_arn(bucket, key) for key in keys_of_events(event.s3.prefix, event.s3.suffix)]
            found.append({**_allow(f"NoRecursion{number}", actions, keys), "Effect": "Deny"})
    return found


def keys_of_events(prefix: str, suffix: str) -> Iterator[str]:
    """Patterns of the keys that begin with the prefix and end with the suffix, also where the two overlap."""
    yield f"{prefix}*{suffix}"
    for length in range(1, min(len(prefix), len(suffix)) + 1):
        if prefix.endswith(suffix[:length]):
            yield prefix + suffix[length:]
