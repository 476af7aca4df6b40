"""Removes a stage: functions first, then the buckets with their content, then the generated secrets.

Each part may be gone already, so that an interrupted removal can be started again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocket.deploy.aws.account import account_id, place
from pocket.deploy.aws.session import Clients
from pocket.deploy.stacks import secrets
from pocket.deploy.stacks.stack import delete, find
from pocket.deploy.template.storage import artifact_bucket_name, storage_stack_name
from pocket.errors import AWSCallFailed, DeployError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

    from pocket.config import StageConfig
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.target import Target

_A_CALL = 1000
"""Objects that S3 deletes in one call."""


@dataclass(frozen=True)
class Removed:
    """What was removed and what was not, in words."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]


def destroy(stage: StageConfig, target: Target, reporter: Reporter) -> Removed:
    """Removes all of the stage, files and queued messages with it; whoever calls has asked the user before.

    Nothing can be taken back. Raises StackFailed where CloudFormation cannot delete a resource, DeployError while
    something else is changing the stack.
    """
    clients = Clients(target)
    with reporter.step("Check the credentials"):
        account = account_id(clients)
    reporter.note(f"Stage {stage.name} is removed from {place(clients, account)}.")
    removed: list[str] = []
    with reporter.step(f"Delete stack {stage.stack_name}"):
        removed += _delete_stack(clients, stage.stack_name, reporter)
    buckets = [artifact_bucket_name(stage, account), *([stage.bucket_name] if stage.bucket_name else [])]
    storage = storage_stack_name(stage)
    # Only a storage stack says that a bucket of that name is the stage's.
    if find(clients, storage) is not None:
        with reporter.step("Delete the buckets with their content"):
            for bucket in buckets:
                removed += _delete_bucket(clients, bucket, account)
        with reporter.step(f"Delete stack {storage}"):
            removed += _delete_stack(clients, storage, reporter)
    with reporter.step("Delete the generated secrets"):
        removed += secrets.remove(clients, stage)
    for item in removed:
        reporter.note(f"Removed {item}.")
    return Removed(tuple(removed), tuple(_kept(stage)))


def _delete_stack(clients: Clients, name: str, reporter: Reporter) -> list[str]:
    stack = find(clients, name)
    if stack is None:
        return []
    if stack.busy and stack.status != "DELETE_IN_PROGRESS":
        raise DeployError(
            f"Stack {name} is in {stack.status}: something else is changing it.", "Wait for it to end, then try again."
        )
    delete(clients, stack, reporter)
    return [f"stack {name}"]


def _delete_bucket(clients: Clients, bucket: str, account: str) -> list[str]:
    """Deletes the bucket with every version of every object, if this account has it."""
    try:
        count = _empty(clients, bucket, account)
        clients.s3.delete_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except AWSCallFailed as error:
        if error.code == "NoSuchBucket":
            return []
        raise
    return [f"bucket {bucket} with {count} objects"]


def _empty(clients: Clients, bucket: str, account: str) -> int:
    pages = clients.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, ExpectedBucketOwner=account)
    count = 0
    for page in pages:
        batch: list[ObjectIdentifierTypeDef] = [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for item in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ]
        if not batch:
            continue
        answer = clients.s3.delete_objects(
            Bucket=bucket, Delete={"Objects": batch, "Quiet": True}, ExpectedBucketOwner=account
        )
        if errors := answer.get("Errors"):
            first = errors[0]
            raise DeployError(f"{first.get('Key')} in bucket {bucket} could not be deleted: {first.get('Message')}")
        count += len(batch)
    return count


def _kept(stage: StageConfig) -> Iterable[str]:
    generated = {item.secret_id for item in stage.generated_variables}
    for item in stage.secret_variables:
        if item.secret_id not in generated:
            yield f"secret {item.secret_id}, which is your own"
