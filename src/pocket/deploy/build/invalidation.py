"""Paths that a distribution has to ask the bucket for again, because their content changed.

They are recorded in the bucket before anything is uploaded, so that an interrupted deploy leaves none of them stale.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING
from urllib.parse import quote

from pocket.errors import AWSCallFailed

if TYPE_CHECKING:
    from collections.abc import Collection

    from mypy_boto3_s3 import S3Client

    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter

RECORD_KEY = ".pocket/invalidations.json"
"""The object that lists the keys of changed objects until they are invalidated."""

A_CALL = 3000
"""The paths that may be in progress at a time."""


def record(s3: S3Client, bucket: str, keys: Collection[str]) -> tuple[str, ...]:
    """Adds keys to the record; returns all that it has."""
    known = _read(s3, bucket)
    wanted = sorted({*known, *keys})
    if wanted != known:
        s3.put_object(Bucket=bucket, Key=RECORD_KEY, Body=json.dumps(wanted).encode(), ContentType="application/json")
    return tuple(wanted)


def invalidate(clients: Clients, bucket: str, distribution: str, keys: Collection[str], reporter: Reporter) -> None:
    """Has the distribution forget these objects, and empties the record."""
    paths = paths_of(keys)
    if paths:
        clients.cloudfront.create_invalidation(
            DistributionId=distribution,
            InvalidationBatch={
                "Paths": {"Quantity": len(paths), "Items": paths},
                "CallerReference": f"pocket-{uuid.uuid4().hex}",
            },
        )
        reporter.note(f"Invalidated in the distribution: {len(keys)} changed {'file' if len(keys) == 1 else 'files'}.")
    clients.s3.delete_object(Bucket=bucket, Key=RECORD_KEY)


def paths_of(keys: Collection[str]) -> list[str]:
    """The paths to invalidate, as CloudFront takes them; of more than it takes at a time, their folders."""
    if len(keys) > A_CALL:
        return sorted({f"/{quote(key.partition('/')[0])}/*" for key in keys})
    return [f"/{quote(key)}" for key in sorted(keys)]


def _read(s3: S3Client, bucket: str) -> list[str]:
    try:
        found = json.loads(s3.get_object(Bucket=bucket, Key=RECORD_KEY)["Body"].read())
    except AWSCallFailed as error:
        if error.code == "NoSuchKey":
            return []
        raise
    except ValueError:
        return []
    return [str(key) for key in found] if isinstance(found, list) else []
