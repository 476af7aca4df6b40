"""Uploads artifacts and static files to S3, and deletes old artifacts.

What an artifact has in common with an earlier one in the bucket, S3 copies itself: its packages, as long as the lock
does not change. Static files are never deleted: cached pages, and a rollback, need those of older releases.
"""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pocket.deploy.build import invalidation
from pocket.deploy.build.archive import Beginning, Changed
from pocket.deploy.build.static import UNTIL_INVALIDATED
from pocket.errors import AWSCallFailed, DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, CopySourceTypeDef

    from pocket.deploy.build.artifact import Artifact
    from pocket.deploy.build.static import StaticFile, StaticFiles
    from pocket.deploy.reporting import Reporter

ARTIFACT_PREFIX = "artifacts/"
INDEX_KEY = ".pocket/static-index.json"
"""The object that records the content of each static object, in a bucket of static files."""

BEGINNINGS = "beginnings"
"""The metadata of an artifact: its beginnings, as `length:sha256`, separated by spaces, longest last."""

SMALLEST_PART = 5 << 20
"""Bytes of each part of an upload but the last (AWS: "Amazon S3 multipart upload limits")."""

KEPT_ARTIFACTS = 5
"""The newest artifacts are kept, and those of kept releases."""

_PARALLEL = 8


@dataclass(frozen=True)
class Counts:
    """How many static files were uploaded, and how many existed already; `stale` has the keys to invalidate."""

    uploaded: int
    unchanged: int
    stale: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shared:
    """An artifact in the bucket, by its key, and a beginning of it that a new one has, too."""

    key: str
    beginning: Beginning


@dataclass(frozen=True)
class Held:
    """Pocket's index of a bucket, and S3's ETag of each object below a prefix.

    The index records Pocket's hash of each object and S3's ETag for it, so that an object that was removed or replaced
    is uploaded again.
    """

    index: Mapping[str, Any]
    present: Mapping[str, str]


@dataclass(frozen=True)
class StoredStatic:
    """A release's static files in the bucket of another stage, below `prefix`; `store` is the storage's.

    `hashed` is Django's map from names to hashed names; where it is empty, all files there are the release's.
    """

    s3: S3Client
    bucket: str
    prefix: str
    store: str
    hashed: Mapping[str, str]


def artifact_key(artifact: Artifact) -> str:
    """The key that the artifact has in the bucket of artifacts, whether it exists yet or not."""
    return f"{ARTIFACT_PREFIX}{artifact.sha256}.zip"


def put_artifact(s3: S3Client, bucket: str, artifact: Artifact) -> int:
    """Uploads the artifact under its content's hash, unless it exists; returns how many bytes were sent.

    Its metadata lists its beginnings, so that a later artifact can be made from one of them. Raises DeployError where
    other builds have removed it meanwhile.
    """
    key = artifact_key(artifact)
    present = _newest_first(s3, bucket)
    if key in present:
        return 0
    if not artifact.path.is_file():
        raise DeployError(f"{artifact.path} is no longer there: later builds replaced it.", "Deploy again.")
    more: dict[str, Any] = {"ContentType": "application/zip", "Metadata": {BEGINNINGS: _described(artifact)}}
    if (found := _common(s3, bucket, artifact, present)) is not None:
        sent = _with_copy(s3, bucket, artifact, found, more)
        if sent is not None:
            return sent
    s3.upload_file(str(artifact.path), bucket, key, ExtraArgs=more)
    return artifact.size


def _described(artifact: Artifact) -> str:
    return " ".join(f"{beginning.length}:{beginning.sha256}" for beginning in artifact.beginnings)


def beginnings(s3: S3Client, bucket: str, key: str) -> tuple[Beginning, ...]:
    """The beginnings of an artifact in the bucket."""
    described = s3.head_object(Bucket=bucket, Key=key)["Metadata"].get(BEGINNINGS, "")
    pairs = (text.partition(":") for text in described.split())
    return tuple(Beginning(int(length), digest) for length, _, digest in pairs)


def _common(s3: S3Client, bucket: str, artifact: Artifact, keys: Sequence[str]) -> Shared | None:
    """The longest beginning that S3 can copy from one of the newest artifacts, by their `keys`; None without one."""
    wanted = [each for each in artifact.beginnings if each.length >= SMALLEST_PART]
    best: Shared | None = None
    for key in keys[:KEPT_ARTIFACTS] if wanted else ():
        shared = [each for each in beginnings(s3, bucket, key) if each in wanted]
        if shared and (best is None or shared[-1].length > best.beginning.length):
            best = Shared(key, shared[-1])
    return best


def _with_copy(s3: S3Client, bucket: str, artifact: Artifact, shared: Shared, more: Mapping[str, Any]) -> int | None:
    """Makes the artifact from the shared beginning and the bytes that follow; returns how many were sent.

    None where the copy cannot be shown to have the right content: S3's ETag of a part is its MD5, unless the bucket
    encrypts with a key of its own.
    """
    place: dict[str, Any] = {"Bucket": bucket, "Key": artifact_key(artifact)}
    with artifact.path.open("rb") as file:
        beginning = file.read(shared.beginning.length)
        rest = file.read()
    place["UploadId"] = s3.create_multipart_upload(**place, **more)["UploadId"]
    try:
        with ThreadPoolExecutor(2) as pool:
            copying = pool.submit(
                s3.upload_part_copy,
                **place,
                PartNumber=1,
                CopySource={"Bucket": bucket, "Key": shared.key},
                CopySourceRange=f"bytes=0-{shared.beginning.length - 1}",
            )
            sending = pool.submit(s3.upload_part, **place, PartNumber=2, Body=rest)
            expected = hashlib.md5(beginning, usedforsecurity=False).hexdigest()
        copied, sent = copying.result()["CopyPartResult"]["ETag"], sending.result()["ETag"]
        if copied.strip('"') != expected:
            s3.abort_multipart_upload(**place)
            return None
        done: list[CompletedPartTypeDef] = [{"PartNumber": 1, "ETag": copied}, {"PartNumber": 2, "ETag": sent}]
        s3.complete_multipart_upload(**place, MultipartUpload={"Parts": done})
    except BaseException:
        # S3 charges for the parts of an upload that is not ended.
        with suppress(AWSCallFailed):
            s3.abort_multipart_upload(**place)
        raise
    return len(rest)


def held(s3: S3Client, bucket: str, prefix: str) -> Held:
    """What the bucket holds below `prefix`."""
    return Held(_read_index(s3, bucket), _listed(s3, bucket, prefix))


def put_static(
    s3: S3Client,
    bucket: str,
    static: StaticFiles | StoredStatic,
    reporter: Reporter,
    found: Callable[[], Held] | None = None,
) -> Counts:
    """Uploads the static files whose content or headers differ from what the bucket holds, which `found` returns."""
    with reporter.step("Upload static files"):
        there = held(s3, bucket, static.prefix) if found is None else found()
        index, present = dict(there.index), there.present
        wanted = _wanted(s3, bucket, static)
        changed = _changed(wanted, index, present)
        kept = [key for key, file in changed.items() if file.until_invalidated and key in present]
        stale = invalidation.record(s3, bucket, kept) if static.store == "cloudfront" else ()
        with ThreadPoolExecutor(_PARALLEL) as pool:
            tags = pool.map(lambda file: file.put(), changed.values())
            for (key, file), tag in zip(changed.items(), tags, strict=True):
                index[key] = [file.digest, tag]
        if changed:
            body = json.dumps(index, sort_keys=True).encode()
            s3.put_object(Bucket=bucket, Key=INDEX_KEY, Body=body, ContentType="application/json")
    counts = Counts(len(changed), len(wanted) - len(changed), stale)
    reporter.note(f"Static files: {counts.uploaded} uploaded, {counts.unchanged} unchanged.")
    return counts


def count_changed(s3: S3Client, bucket: str, static: StaticFiles) -> int:
    """How many of the static files `put_static` would upload. Raises AWSCallFailed for a bucket that does not exist."""
    there = held(s3, bucket, static.prefix)
    return len(_changed(_wanted(s3, bucket, static), there.index, there.present))


@dataclass(frozen=True)
class _Upload:
    """One object: the digest of its content and headers, and what stores it and returns its ETag."""

    digest: str
    until_invalidated: bool
    put: Callable[[], str]


def _wanted(s3: S3Client, bucket: str, static: StaticFiles | StoredStatic) -> dict[str, _Upload]:
    """The objects, by key."""
    if isinstance(static, StoredStatic):
        return dict(_copies(s3, bucket, static))
    return {
        (key := f"{static.prefix}{file.name}"): _Upload(
            _hash(file), file.cache_control == UNTIL_INVALIDATED, partial(_put, s3, bucket, key, file)
        )
        for file in static.files
    }


def _copies(s3: S3Client, bucket: str, static: StoredStatic) -> Iterator[tuple[str, _Upload]]:
    index = _read_index(static.s3, static.bucket)
    hashed = {f"{static.prefix}{name}" for name in static.hashed.values()}
    keys = {*hashed, *(f"{static.prefix}{name}" for name in static.hashed)}
    for key in sorted(keys or (key for key in index if key.startswith(static.prefix))):
        if key not in index:
            raise DeployError(
                f"The static file {key} of the release is no longer in bucket {static.bucket}.",
                "Deploy its stage again, which uploads it.",
            )
        plain = static.store == "cloudfront" and key not in hashed
        yield key, _Upload(str(index[key][0]), plain, partial(_copy, s3, bucket, key, static.bucket))


def _changed(wanted: Mapping[str, _Upload], index: Mapping[str, Any], present: Mapping[str, str]) -> dict[str, _Upload]:
    """The objects that differ from the bucket's."""
    return {key: file for key, file in wanted.items() if index.get(key) != [file.digest, present.get(key)]}


def _put(s3: S3Client, bucket: str, key: str, file: StaticFile) -> str:
    """Uploads one file; returns the ETag of the new object. Raises DeployError where another build has replaced it."""
    try:
        body = file.content.read()
    except (OSError, Changed) as error:
        raise DeployError(
            f"{file.content.source} was replaced by another build of the stage.", "Deploy again."
        ) from error
    done = s3.put_object(
        Bucket=bucket, Key=key, Body=body, ContentType=file.content_type, CacheControl=file.cache_control
    )
    return done["ETag"]


def _copy(s3: S3Client, bucket: str, key: str, source: str) -> str:
    """Copies one object with its headers from another bucket; returns the ETag of the new one."""
    place: CopySourceTypeDef = {"Bucket": source, "Key": key}
    # Without tags, whose copy needs a permission of its own.
    done = s3.copy_object(Bucket=bucket, Key=key, CopySource=place, TaggingDirective="REPLACE")
    return done["CopyObjectResult"]["ETag"]


def digest(static: StaticFiles) -> str:
    """The SHA-256 of all files with their names and headers: without a manifest, the artifact does not follow them."""
    listed = "\n".join(sorted(f"{static.prefix}{file.name}\0{_hash(file)}" for file in static.files))
    return hashlib.sha256(listed.encode()).hexdigest()


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
    old = [key for key in _newest_first(s3, bucket)[KEPT_ARTIFACTS:] if key not in used]
    for key in old:
        s3.delete_object(Bucket=bucket, Key=key)
    return len(old)


def _newest_first(s3: S3Client, bucket: str) -> list[str]:
    """The keys of all artifacts in the bucket."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=ARTIFACT_PREFIX)
    found = [item for page in pages for item in page.get("Contents", [])]
    return [item["Key"] for item in sorted(found, key=lambda item: item["LastModified"], reverse=True)]
