"""The lock of a stage: an object in its artifact bucket, so that one command at a time changes the stage.

Writes are conditional (`If-None-Match`, `If-Match`), so of several writers one wins. The holder writes the object again
every PAUSE seconds; after LEASE seconds without a write its process counts as dead, and another command takes the lock
over. Times are those of S3's clock. On the holder's own machine a dead process is detected at once: it locks a file,
and the system releases that lock when a process ends.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import re
import socket
import tempfile
import threading
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from pocket.errors import AWSCallFailed, DeployError

if TYPE_CHECKING:
    from types import TracebackType

    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter

KEY = ".pocket/lock.json"
LEASE = 120.0
PAUSE = 20.0

_REFUSED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})
"""S3's error codes for a conditional write that came too late."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: `command` is the running one (`"deploy"`), `since` UTC as `2026-11-21T06:10:00Z`."""

    token: str
    command: str
    who: str
    since: str

    def __str__(self) -> str:
        return f"{self.who}, running `pocket {self.command}` since {self.since}"


@dataclass(frozen=True)
class Found:
    """A lock as read from the bucket; `etag` is "" if there is none, `age` the seconds since it was written."""

    etag: str = ""
    holder: Holder | None = None
    age: float = 0.0

    @property
    def dead(self) -> bool:
        """Whether its holder is known to have ended."""
        return self.holder is not None and (self.age > LEASE or _ended(self.holder.token))


class Lock:
    """The lock of one stage, as a context manager that releases it."""

    def __init__(self, clients: Clients, stage: str, command: str, reporter: Reporter) -> None:
        self._clients = clients
        self._stage = stage
        self._reporter = reporter
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._mine = Holder(uuid.uuid4().hex, command, _who(), now)
        self._bucket = ""
        self._etag = ""
        self._written = False
        self._write_lock = threading.Lock()
        self._ended = threading.Event()
        self._renewing = threading.Thread(target=self._renew, daemon=True)
        self._alive: IO[bytes] | None = None

    def refuse_held(self, bucket: str) -> None:
        """Raises DeployError if another command holds the lock; does not take it."""
        found = _read(self._clients, bucket)
        if found.holder is not None and not found.dead:
            raise self._held(found.holder)

    def take(self, bucket: str) -> None:
        """Takes the lock in the stage's bucket, also from a dead holder; does nothing if this command has it already.

        Raises DeployError if another command holds it.
        """
        if self._bucket:
            return
        # Locked before the object has its token, so that other processes never see the one without the other.
        self._alive = _file_of(self._mine.token).open("xb")
        fcntl.flock(self._alive, fcntl.LOCK_EX)
        self._bucket = bucket
        while not self._etag:
            found = _read(self._clients, bucket)
            if found.holder == self._mine:
                self._etag = found.etag
            elif found.holder is not None and not found.dead:
                raise self._held(found.holder)
            else:
                self._written = True
                self._etag = self._write(found.etag, self._mine)
                if self._etag and found.holder is not None:
                    self._reporter.note(f"Took over the lock of stage {self._stage}, left by {found.holder}.")
                    _file_of(found.holder.token).unlink(missing_ok=True)
        self._renewing.start()

    def check(self) -> None:
        """Renews the lock. Raises DeployError if it was lost, because it was not renewed in time."""
        if not self._etag:
            return
        with self._write_lock:
            etag = self._write(self._etag, self._mine)
            if not etag:
                found = _read(self._clients, self._bucket)
                if found.holder == self._mine:
                    etag = found.etag
                else:
                    raise DeployError(
                        f"The lock of stage {self._stage!r} was lost: this command did not reach S3 for {LEASE:.0f} s."
                        + (f" It is now held by {found.holder}." if found.holder is not None else ""),
                        "Try again: Pocket then plans from what is deployed.",
                    )
            self._etag = etag

    def release(self) -> None:
        """Releases the lock; does nothing if it is no longer held, or its bucket is gone."""
        self._ended.set()
        if self._renewing.ident is not None:
            self._renewing.join()
        stays = False
        if self._written:
            try:
                self._give_back()
            except AWSCallFailed as error:
                stays = error.code != "NoSuchBucket"
                if stays:
                    self._reporter.note(f"The lock of stage {self._stage} stays for {LEASE:.0f} s: {error.message}")
            self._etag, self._written = "", False
        if self._alive is not None:
            if not stays:
                _file_of(self._mine.token).unlink(missing_ok=True)
            # Without its lock, the file of one that stays tells this machine that its holder has ended.
            self._alive.close()
            self._alive = None

    def _give_back(self) -> None:
        if self._etag and self._write(self._etag, None):
            return
        # A write that was interrupted may have reached S3: then it is not known by which ETag.
        found = _read(self._clients, self._bucket)
        if found.holder == self._mine:
            self._write(found.etag, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _renew(self) -> None:
        while not self._ended.wait(PAUSE):
            try:
                self.check()
            except (AWSCallFailed, DeployError):
                # The next change calls `check` again, which raises then.
                continue

    def _write(self, etag: str, holder: Holder | None) -> str:
        """Writes the lock if it still has that ETag; returns the new ETag, or "" if it does not."""
        content = {"released": self._mine.token} if holder is None else asdict(holder)
        # S3 computes the ETag from the content, so the content must differ each time.
        body = json.dumps({**content, "written": uuid.uuid4().hex}).encode()
        try:
            if etag:
                answer = self._clients.s3.put_object(Bucket=self._bucket, Key=KEY, Body=body, IfMatch=etag)
            else:
                answer = self._clients.s3.put_object(Bucket=self._bucket, Key=KEY, Body=body, IfNoneMatch="*")
        except AWSCallFailed as error:
            if error.code in _REFUSED:
                return ""
            raise
        return answer["ETag"]

    def _held(self, holder: Holder) -> DeployError:
        return DeployError(
            f"Stage {self._stage!r} is locked by {holder}.",
            f"Wait for it to end. If its process has died, the lock expires {LEASE:.0f} s after its last renewal.",
        )


def holder(clients: Clients, bucket: str) -> Holder | None:
    """Who holds the lock in that bucket; None if no running command does, or there is no bucket."""
    try:
        found = _read(clients, bucket)
    except AWSCallFailed as error:
        if error.code == "NoSuchBucket":
            return None
        raise
    return None if found.dead else found.holder


def _read(clients: Clients, bucket: str) -> Found:
    try:
        answer = clients.s3.get_object(Bucket=bucket, Key=KEY)
    except AWSCallFailed as error:
        if error.code == "NoSuchKey":
            return Found()
        raise
    now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    age = (now - answer["LastModified"]).total_seconds()
    return Found(answer["ETag"], _holder(answer["Body"].read()), age)


def _holder(body: bytes) -> Holder | None:
    """The holder that a lock names; None for a released one and for content that Pocket did not write."""
    try:
        facts = json.loads(body)
        token, command, who, since = (str(facts[name]) for name in ("token", "command", "who", "since"))
    except (ValueError, KeyError, TypeError):
        return None
    return Holder(token, command, who, since)


def _file_of(token: str) -> Path:
    """The file that the process with that token keeps locked while it runs."""
    return Path(tempfile.gettempdir()) / f"pocket-{re.sub('[^0-9a-f]', '', token)[:32]}.lock"


def _ended(token: str) -> bool:
    """Whether the process with that token ran on this machine and has ended."""
    try:
        with _file_of(token).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        # It is still running, or ran on another machine or as another user.
        return False
    return True


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"user {os.getuid()}"
    return f"{user}@{socket.gethostname()} (process {os.getpid()})"
