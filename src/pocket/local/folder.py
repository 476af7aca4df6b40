"""The state folder of a project's local AWS, `.pocket/local`: its files, and the lock of the running emulator.

The kernel releases the lock however the process ends, so files that a killed process left are recognized.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pocket import isolation, work_folder
from pocket.errors import LocalAWSError
from pocket.local.launcher.unpacked import remove_tree
from pocket.local.postgresql.cluster import home_of

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(work_folder.NAME) / "local"

ENDING_SECONDS = 3.0


@dataclass(frozen=True)
class StateFolder:
    """Paths under `path`, which is absolute."""

    path: Path

    @classmethod
    def of(cls, project_dir: Path) -> StateFolder:
        return cls(project_dir.resolve() / FOLDER)

    @property
    def log(self) -> Path:
        return self.path / "ministack.log"

    @property
    def running(self) -> Path:
        """The file that `launcher.server` writes about the running emulator; holds its credentials."""
        return self.path / "running.json"

    @property
    def activity(self) -> Path:
        """The file of `launcher.activity`, which is there while something reads it."""
        return self.path / "activity.jsonl"

    @property
    def temporary(self) -> Path:
        return self.path / "tmp"

    def make_packages(self) -> Path:
        """The folder that functions' packages are unpacked in: as on AWS, outside the project.

        Folders of this user's projects that no longer exist are removed. Raises PocketError where it cannot be made.
        """
        folder = isolation.lasting_folder(self.path)
        mark = folder / "project"
        try:
            folder.mkdir(exist_ok=True)
            with contextlib.suppress(FileExistsError):
                mark.symlink_to(self.path)
        except OSError as error:
            raise LocalAWSError(
                f"Functions' packages cannot be unpacked in {folder}: {error.strerror}.", "Make it writable."
            ) from error
        for other in folder.parent.iterdir():
            if (other / mark.name).is_symlink() and not (other / mark.name).exists():
                # Renamed first: if its project is created again meanwhile, it gets a folder of its own.
                removed = other.with_name(f"removed-{uuid.uuid4().hex[:12]}")
                with contextlib.suppress(FileNotFoundError):
                    other.rename(removed)
                    remove_tree(removed)
        return folder

    def create(self) -> None:
        """Make the folder, readable only by its owner; its parent is ignored by git."""
        try:
            work_folder.make(self.path.parent.parent, self.path.name)
        except OSError as error:
            raise LocalAWSError(
                f"The folder of the local AWS cannot be created: {self.path}: {error.strerror}.",
                "Make the project's directory writable.",
            ) from error

    def take(self) -> IO[bytes]:
        """The lock, held by this file object and by every process that inherits it; raises where another does.

        Raises LocalAWSError. Waits up to `ENDING_SECONDS` for an emulator that is about to end.
        """
        lock = self._open_lock()
        deadline = time.monotonic() + ENDING_SECONDS
        while not _locked(lock):
            if self.running.exists() or time.monotonic() > deadline:
                lock.close()
                raise LocalAWSError(
                    f"The local AWS of this project is running already{self._where()}.",
                    "Use it with --local, or stop the `pocket local` that started it.",
                )
            time.sleep(0.02)
        # Left by a killed emulator: another process that waits for this lock must not read it.
        self.running.unlink(missing_ok=True)
        return lock

    def clean(self) -> None:
        """Remove what a killed emulator leaves; does nothing while one is running."""
        with self._open_lock() as lock:
            if _locked(lock):
                remove_tree(self.temporary)
                self.running.unlink(missing_ok=True)

    def empty(self) -> int:
        """Remove everything, packages and databases too; returns the bytes freed. Raises while an emulator runs."""
        with self.take():
            left = [path for path in self.path.iterdir() if path.name != "lock"]
            packages = isolation.lasting_folder(self.path)
            left += [path for path in (packages, home_of(self.path)) if path.exists() and path not in left]
            size = work_folder.size(*left)
            for path in left:
                if path.is_dir() and not path.is_symlink():
                    remove_tree(path)
                else:
                    path.unlink(missing_ok=True)
        return size

    def is_taken(self) -> bool:
        """Whether a living process holds the lock."""
        try:
            with (self.path / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def wait_until_free(self) -> None:
        """Block until no process holds the lock."""
        with contextlib.suppress(FileNotFoundError), (self.path / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)

    def read_running(self) -> dict[str, Any] | None:
        """The content of `running`; None where it does not exist yet."""
        try:
            running: dict[str, Any] = json.loads(self.running.read_text())
        except (OSError, ValueError):
            return None
        return running

    @contextlib.contextmanager
    def open_log(self) -> Iterator[IO[bytes]]:
        """The log, emptied; the last run's is kept beside it."""
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as log:
            yield log

    def last_log_lines(self, count: int = 15) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])
        except OSError:
            return ""

    def _open_lock(self) -> IO[bytes]:
        return os.fdopen(os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600), "r+b")

    def _where(self) -> str:
        running = self.read_running()
        return f": process {running['pid']} at {running['endpoint_url']}" if running else ""


def _locked(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
