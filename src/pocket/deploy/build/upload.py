"""Uploads artifacts and static files to S3, and deletes old artifacts.

Static files are never deleted: cached pages, and a rollback, need those of older releases.
"""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pocket.deploy.build import invalidation
from pocket.deploy.build.static import UNTIL_INVALIDATED

if TYPE_CHECKING:
    from collections.abc import Collection

    from mypy_boto3_s3 import S3Client

    from pocket.deploy.build.artifact import Artifact
    from pocket.deploy.build.static import StaticFile, StaticFiles
    from pocket.deploy.reporting import Reporter

ARTIFACT_PREFIX = "artifacts/"
INDEX_KEY = ".pocket/static-index.json"
"""The object that records the content of each static object, in a bucket of static files."""

KEPT_ARTIFACTS = 5
"""The newest artifacts are kept, and those of kept releases."""

_PARALLEL = 8


@dataclass(frozen=True)
class Counts:
    """How many static files were uploaded, and how many existed already; `stale` has the keys to invalidate."""

    uploaded: int
    unchanged: int
    stale: tuple[str, ...] = ()


def artifact_key(artifact: Artifact) -> str:
    """The key that the artifact has in the bucket of artifacts, whether it exists yet or not."""
    return f"{ARTIFACT_PREFIX}{artifact.sha256}.zip"


def put_artifact(s3: S3Client, bucket: str, artifact: Artifact) -> str:
    """Uploads the artifact under its content's hash, unless it exists; returns its key."""
    key = artifact_key(artifact)
    if key not in _listed(s3, bucket, key):
        s3.upload_file(str(artifact.path), bucket, key, ExtraArgs={"ContentType": "application/zip"})
    return key


def put_static(s3: S3Client, bucket: str, static: StaticFiles, reporter: Reporter) -> Counts:
    """Uploads the static files whose content or headers differ from what the bucket holds.

    An index in the bucket records Pocket's hash of each object and S3's ETag for it, so that an object that was removed
    or replaced is uploaded again.
    """
    with reporter.step("Upload static files"):
        index = _read_index(s3, bucket)
        present = _listed(s3, bucket, static.prefix)
        wanted = {f"{static.prefix}{file.name}": file for file in static.files}
        changed = {key: file for key, file in wanted.items() if index.get(key) != [_hash(file), present.get(key)]}
        kept = [key for key, file in changed.items() if file.cache_control == UNTIL_INVALIDATED and key in present]
        stale = invalidation.record(s3, bucket, kept) if static.store == "cloudfront" else ()
        with ThreadPoolExecutor(_PARALLEL) as pool:
            tags = pool.map(lambda item: _put(s3, bucket, *item), changed.items())
            for (key, file), tag in zip(changed.items(), tags, strict=True):
                index[key] = [_hash(file), tag]
        if changed:
            body = json.dumps(index, sort_keys=True).encode()
            s3.put_object(Bucket=bucket, Key=INDEX_KEY, Body=body, ContentType="application/json")
    counts = Counts(len(changed), len(wanted) - len(changed), stale)
    reporter.note(f"Static files: {counts.uploaded} uploaded, {counts.unchanged} unchanged.")
    return counts


def _put(s3: S3Client, bucket: str, key: str, file: StaticFile) -> str:
    """Uploads one file; returns the ETag of the new object."""
    with file.content.source.open("rb") as body:
        done = s3.put_object(
            Bucket=bucket, Key=key, Body=body, ContentType=file.content_type, CacheControl=file.cache_control
        )
    return done["ETag"]


def _hash(file: StaticFile) -> str:
    text = f"{file.content.sha256}\0{file.content_type}\0{file.cache_control}"
    return hashlib.sha256(text.encode()).hexdigest()


def _listed(s3: S3Client, bucket: str, prefix: str) -> dict[str, str]:
    """The ETag of every object whose key begins with `prefix`."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", ())}


def _read_index(s3: S3Client, bucket: str) -> dict[str, Any]:
    """The index; empty if it is missing or not Pocket's. Listing it first distinguishes missing from denied."""
    if INDEX_KEY not in _listed(s3, bucket, INDEX_KEY):
        return {}
    try:
        index = json.loads(s3.get_object(Bucket=bucket, Key=INDEX_KEY)["Body"].read())
    except ValueError:
        return {}
    return index if isinstance(index, dict) else {}


def prune_artifacts(s3: S3Client, bucket: str, used: Collection[str]) -> int:
    """Deletes all artifacts except the last KEPT_ARTIFACTS and those with keys in `used`; returns how many.

    Artifacts have no expiry date: to roll back an update, CloudFormation fetches the old one again, whatever its age.
    """
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=ARTIFACT_PREFIX)
    found = [item for page in pages for item in page.get("Contents", [])]
    newest_first = sorted(found, key=lambda item: item["LastModified"], reverse=True)
    old = [item["Key"] for item in newest_first[KEPT_ARTIFACTS:] if item["Key"] not in used]
    for key in old:
        s3.delete_object(Bucket=bucket, Key=key)
    return len(old)
