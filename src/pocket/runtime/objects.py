"""Writes, reads and deletes an object in an S3 bucket.

A key has only letters, digits and `/-_.~`, and so needs no encoding.
"""

from __future__ import annotations

from pocket.runtime import aws


def put(bucket: str, key: str, body: bytes, *, region: str) -> None:
    """Writes the object; raises AWSCallFailed."""
    aws.call_rest("s3", "PutObject", "PUT", f"/{bucket}/{key}", body, region=region)


def get(bucket: str, key: str, *, region: str) -> bytes:
    """The object's content; raises AWSCallFailed, with the code `NoSuchKey` where there is none."""
    return aws.call_rest("s3", "GetObject", "GET", f"/{bucket}/{key}", region=region)


def delete(bucket: str, key: str, *, region: str) -> None:
    """Deletes the object, if there is one; raises AWSCallFailed."""
    aws.call_rest("s3", "DeleteObject", "DELETE", f"/{bucket}/{key}", region=region)
