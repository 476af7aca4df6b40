"""What a change would lose: messages of deleted queues, files in buckets no longer used, generated values."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from pocket.deploy.template.own_resources import is_own
from pocket.deploy.template.replacement import replacing
from pocket.deploy.template.storage_steps import buckets
from pocket.errors import AWSCallFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pocket.deploy.aws.session import Clients
    from pocket.deploy.stacks.secrets import Generation

QUEUE = "AWS::SQS::Queue"
STATEFUL = re.compile(
    r"AWS::("
    r"(DocDB|Neptune|RDS)::DB(Cluster|Instance)|DynamoDB::(Global)?Table|ElastiCache::(CacheCluster|ReplicationGroup)"
    r"|(EMR|Redshift)::Cluster|(Elasticsearch|OpenSearchService|SDB)::Domain|(EFS|FSx)::FileSystem|Backup::BackupVault"
    r"|Cognito::UserPool|EC2::Volume|KMS::Key|Kinesis::Stream|Logs::LogGroup|QLDB::Ledger|S3::Bucket|SQS::Queue"
    r"|SecretsManager::Secret)"
)
"""The types of resources that hold data, those of cfn-lint's rule I3011."""

COUNT_LIMIT = 100_000
"""The most objects of a bucket that are counted: each thousand takes a call."""

ABSENT_QUEUE = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})


def queued(clients: Clients, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each queue with messages that is deleted or replaced between two templates of a stage's stack."""
    deployed, wanted = before.get("Resources") or {}, after.get("Resources") or {}
    for name, resource in deployed.items():
        if resource["Type"] != QUEUE or is_own(resource) or (name in wanted and not replacing(resource, wanted[name])):
            continue
        queue = str(resource["Properties"]["QueueName"])
        if count := sum(depth(clients, queue)):
            yield f"Queue {queue} is deleted with {count} {'message' if count == 1 else 'messages'}."


def own_data(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each of the user's own resources with data that a change of templates removes or replaces."""
    wanted = after.get("Resources") or {}
    for name, resource in with_data(before):
        fixed = replacing(resource, wanted[name]) if name in wanted else []
        if name in wanted and not fixed:
            continue
        policy = resource.get("DeletionPolicy") if not fixed else wanted[name].get("UpdateReplacePolicy")
        why = f"is replaced by an empty one (changed: {', '.join(fixed)})" if fixed else "leaves the stack"
        yield f"{name} ({resource['Type']}) {why}: {_FATES.get(str(policy), 'it is deleted with what it holds')}."


def with_data(body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The user's own resources of a template that hold data, by logical id."""
    for name, resource in (body.get("Resources") or {}).items():
        if is_own(resource) and STATEFUL.fullmatch(resource["Type"]):
            yield name, resource


RETAINING = ("Retain", "RetainExceptOnCreate")
"""The deletion policies with which CloudFormation leaves a resource as it is."""

_FATES = {
    **dict.fromkeys(RETAINING, "the old one is kept, outside of the stack"),
    "Snapshot": "it is deleted, and AWS keeps a snapshot",
}


def left_behind(clients: Clients, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each bucket with objects that no function uses after the change of the storage stack."""
    wanted = set(buckets(after).values())
    new = next((name for name in buckets(after).values() if name not in buckets(before).values()), None)
    for bucket in buckets(before).values():
        if bucket in wanted or not (count := objects(clients, bucket)):
            continue
        copy = f" To copy them: aws s3 sync s3://{bucket} s3://{new}" if new is not None else ""
        yield f"Bucket {bucket} is kept with its objects ({count_text(count)}), but the stage no longer uses it.{copy}"


def generated_again(generation: Generation) -> Iterator[str]:
    """A sentence for values of the live release that would be replaced by others."""
    if generation.lost:
        yield (
            f"{', '.join(generation.lost)}: not found in {generation.place}, so new values are generated. What was"
            " signed or encrypted with the old values, such as sessions, becomes invalid."
        )


def depth(clients: Clients, queue: str) -> tuple[int, int]:
    """About how many messages of a queue wait, and how many are in flight; zeros if it does not exist."""
    try:
        url = clients.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        facts = clients.sqs.get_queue_attributes(
            QueueUrl=url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesDelayed",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )["Attributes"]
    except AWSCallFailed as error:
        if error.code in ABSENT_QUEUE:
            return 0, 0
        raise
    waiting = int(facts["ApproximateNumberOfMessages"]) + int(facts.get("ApproximateNumberOfMessagesDelayed", 0))
    return waiting, int(facts["ApproximateNumberOfMessagesNotVisible"])


def objects(clients: Clients, bucket: str) -> int:
    """How many objects the bucket has, COUNT_LIMIT at most; 0 if it does not exist."""
    pages = clients.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    try:
        return sum(1 for _ in islice((item for page in pages for item in page.get("Contents", ())), COUNT_LIMIT))
    except AWSCallFailed as error:
        if error.code == "NoSuchBucket":
            return 0
        raise


def count_text(count: int) -> str:
    """A number of objects as text."""
    return f"more than {COUNT_LIMIT:,}" if count >= COUNT_LIMIT else f"{count:,}"
