"""A bucket of this account: whether it exists, how much it holds, and its deletion with every object version."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pocket.deploy.stacks.losses import COUNT_LIMIT
from pocket.errors import AWSCallFailed, DeployError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

    from pocket.deploy.aws.session import Clients


def exists(clients: Clients, name: str) -> bool:
    """Whether the bucket exists, in this account or another."""
    try:
        clients.s3.head_bucket(Bucket=name)
    except AWSCallFailed as error:
        # Bucket names are global: 301 and 403 mean a bucket of another account.
        return error.code not in {"404", "NoSuchBucket"}
    return True


def count(clients: Clients, name: str, account: str) -> int:
    """How many object versions the bucket has, COUNT_LIMIT at most; 0 if it does not exist."""
    try:
        return sum(1 for _ in islice((item for page in _pages(clients, name, account) for item in page), COUNT_LIMIT))
    except AWSCallFailed as error:
        if error.code == "NoSuchBucket":
            return 0
        raise


def delete(clients: Clients, name: str, account: str) -> str:
    """Deletes the bucket with every version of every object, if this account owns it; returns a description of it."""
    number = 0
    try:
        for page in _pages(clients, name, account):
            number += _delete_objects(clients, name, account, page)
        clients.s3.delete_bucket(Bucket=name, ExpectedBucketOwner=account)
    except AWSCallFailed as error:
        if error.code == "NoSuchBucket":
            return f"bucket {name}, already deleted"
        raise
    return f"bucket {name} with {number} objects"


def _pages(clients: Clients, name: str, account: str) -> Iterator[list[ObjectIdentifierTypeDef]]:
    """Every version of every object, in lists of as many as S3 deletes in one call."""
    pages = clients.s3.get_paginator("list_object_versions").paginate(Bucket=name, ExpectedBucketOwner=account)
    for page in pages:
        yield [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for item in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ]


def _delete_objects(clients: Clients, name: str, account: str, batch: list[ObjectIdentifierTypeDef]) -> int:
    if not batch:
        return 0
    answer = clients.s3.delete_objects(
        Bucket=name, Delete={"Objects": batch, "Quiet": True}, ExpectedBucketOwner=account
    )
    if errors := answer.get("Errors"):
        first = errors[0]
        raise DeployError(f"{first.get('Key')} in bucket {name} could not be deleted: {first.get('Message')}")
    return len(batch)
