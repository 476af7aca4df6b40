"""An artifact as it is stored in a stage's bucket, and what its manifest says."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.build import cache
from pocket.deploy.template.setting_changes import manifest_changes
from pocket.errors import AWSCallFailed, ManifestError
from pocket.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from pocket.deploy.releases.run import Run
    from pocket.manifest import Stage

_READ = 1 << 16
"""The bytes of one request, at least: a zip's directory is at its end."""


def setting_changes(run: Run) -> Iterator[str]:
    """A sentence for each value of the manifest that differs from the live release's; none for the same artifact."""
    live = run.before.history.live_release
    if live is None or not live.artifact or live.artifact == run.inputs.code.key:
        return
    try:
        with _at_hand(run, live.artifact) as file:
            before = manifest_in(file).stages.get(run.stage.name)
    except (AWSCallFailed, ManifestError) as error:
        yield f"not compared with those of release {live.number}: {error.message}"
        return
    if before is not None:
        yield from manifest_changes(plain(before), plain(run.inputs.manifest))


def _at_hand(run: Run, key: str) -> IO[bytes]:
    """An artifact of the stage: as it was built on this machine, where it is kept, else in S3. Raises as `opened`."""
    built = cache.find_content(run.built.path.parent, "*.zip", PurePosixPath(key).stem)
    return opened(run.clients.s3, run.bucket, key) if built is None else built.open("rb")


def plain(stage: Stage) -> dict[str, Any]:
    """The stage in JSON's types, without what its deploy alone knows."""
    found: dict[str, Any] = json.loads(Manifest("", "", "", {"": stage}).to_json())["stages"][""]
    return found


def manifest_in(file: IO[bytes]) -> Manifest:
    """The manifest of an artifact. Raises ManifestError for a file without one."""
    try:
        with zipfile.ZipFile(file) as archive:
            text = archive.read(naming.MANIFEST_FILE).decode()
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError) as error:
        raise ManifestError(f"The artifact has no manifest: {error}.", "Deploy again.") from error
    return Manifest.from_json(text)


def opened(s3: S3Client, bucket: str, key: str) -> IO[bytes]:
    """An object in S3 as a file that reads only what is asked for. Raises AWSCallFailed, also while it is read."""
    size = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
    return io.BufferedReader(_Ranges(s3, bucket, key, size), _READ)


class _Ranges(io.RawIOBase):
    """Reads ranges of an object in S3."""

    def __init__(self, s3: S3Client, bucket: str, key: str, size: int) -> None:
        self._s3, self._bucket, self._key = s3, bucket, key
        self._size = size
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = start + offset
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any) -> int:
        end = min(self._place + len(buffer), self._size)
        if self._place >= end:
            return 0
        asked = f"bytes={self._place}-{end - 1}"
        body = self._s3.get_object(Bucket=self._bucket, Key=self._key, Range=asked)["Body"].read()
        buffer[: len(body)] = body
        self._place += len(body)
        return len(body)
