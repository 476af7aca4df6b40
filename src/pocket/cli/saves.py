"""What is saved while `pocket local --watch` runs: served at once where that is possible, then released.

Until its release is live, a saved file is served in place of that of the live release; static files are collected and
uploaded for that. What changes more, such as pocket.toml, the lock or a migration, waits for the release, and so does
everything that is saved with it. If the release fails, the release before is served again.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from pocket import naming
from pocket.cli import failure
from pocket.cli.quiet import Quiet
from pocket.deploy.aws.session import Clients
from pocket.deploy.build import parts, source, upload
from pocket.errors import PocketError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pocket.cli.project import Destination
    from pocket.cli.static_files import Collector
    from pocket.deploy.build.archive import Entry
    from pocket.deploy.releases.deploy import Deployed
    from pocket.local import LocalAWS

_IGNORED = frozenset({"node_modules", "__pycache__", "media"})
_WRITTEN_ENDINGS = (".sqlite3", ".sqlite3-journal", ".sqlite3-wal", ".sqlite3-shm", ".log", ".pyc", "~", ".swp")
"""The ends of names of files that a running project or an editor writes."""

_WAITING = ("pocket.toml", "*pyproject.toml", "*.lock", "*requirements*.txt", "*/migrations/*", "migrations/*")
"""Paths of files that change packages, resources or the database, which only a release does."""

_PAUSE = 0.1

_SETTLING = 2.0
"""Seconds that files may go on changing before they are served."""

Files = dict[str, tuple[int, int]]
"""Time of the last change in nanoseconds, and size, by path."""


class Outcome(Enum):
    """What became of saved files before their release."""

    SERVED = "served"
    UNTOUCHED = "untouched"  # no function has such a file
    WAITING = "waiting"
    FAILED = "failed"


class Server:
    """Serves saved files of the project in `directory` from the running `aws`, for the stage of `read`."""

    def __init__(self, directory: Path, aws: LocalAWS, read: Callable[[], Destination], static: Collector) -> None:
        self._directory = directory
        self._aws = aws
        self._read = read
        self._static = static
        self._mapped: Mapping[str, Entry] = {}

    def __call__(self, unreleased: Collection[str], changed: Collection[str]) -> Outcome:
        """Serves the `unreleased` files, of which those `changed` are not served yet. Raises PocketError."""
        place = self._read()
        stage = place.stage
        container = stage.awscontainer
        patterns = (*_WAITING, container.requirements or "") if container else ("*",)
        if container is None or any(fnmatchcase(name, pattern) for name in unreleased for pattern in patterns):
            return Outcome.WAITING
        if any(name.endswith(".py") for name in changed):
            self._static.stop()
        sources = self._static.sources(stage, {*unreleased, *changed})
        mapped = self._collected(place, sources & {*unreleased}, sources & {*changed})
        if mapped is None:
            return Outcome.WAITING
        files = self._packed(container.exclude, [name for name in unreleased if name not in sources])
        given = [name for name in changed if name not in sources and (name in files or name not in unreleased)]
        given += [name for name in {**self._mapped, **mapped} if mapped.get(name) != self._mapped.get(name)]
        files |= {name: entry.source for name, entry in mapped.items()}
        functions = [stage.function_name(name) for name in container.handlers]
        sites = [stage.function_name(name) for name in stage.sites]
        failed = self._aws.serve(self._directory, stage.region, functions, first=sites, files=files, changed=given)
        if failed is not None:
            failure.write("error", f"{failed.get('errorType', 'Error')}: {failed.get('errorMessage', '')}")
            return Outcome.FAILED
        self._mapped = mapped
        if not unreleased:
            self._static.start(place)
        return Outcome.SERVED if given else Outcome.UNTOUCHED

    def _packed(self, exclude: Sequence[str], names: Sequence[str]) -> dict[str, Path | None]:
        """Where those of the files are that the package has, None for those that were removed."""
        packed = source.select(self._directory, exclude).files if names else {}
        files: dict[str, Path | None] = {
            name: packed.get(name) for name in names if name in packed or not (self._directory / name).exists()
        }
        if any(name.endswith(".py") for name in files):
            # Modules are found beside it, then.
            files[naming.MODULES_FILES[-1]] = None
        return files

    def _collected(
        self, place: Destination, unreleased: Collection[str], changed: Collection[str]
    ) -> Mapping[str, Entry] | None:
        """The files of the package that are made of static files, uploaded where those are in the bucket.

        None if they have to wait for the release.
        """
        if not unreleased:
            return {}
        if not changed:
            return self._mapped
        found = self._static.collect(place.stage)
        if found is None:
            return None
        if found.in_bucket and place.stage.bucket_name is not None:
            upload.put_static(Clients(place.target).s3, place.stage.bucket_name, found, Quiet(assume_yes=True))
        mapped, served = parts.static_entries(found)
        return {**mapped, **served}


class Saves:
    """The saved files of a project: `look` and `release` run in threads of their own.

    `serve` is called with the files that differ from the live release, and those of them that differ from what is
    served. `deploy` is called with what says, once the artifact is made, whether it has to pass the gates that start
    functions.
    """

    def __init__(
        self,
        directory: Path,
        serve: Callable[[Collection[str], Collection[str]], Outcome],
        deploy: Callable[[Callable[[], bool]], Deployed],
        released: Files,
    ) -> None:
        self.pending = threading.Event()
        """Set while something is to be released."""
        self.ending = threading.Event()
        """To be set when nothing more is to be served."""
        self.pause = _PAUSE
        """Seconds between two looks: a large project is not looked at all the time."""
        self._directory = directory
        self._serve = serve
        self._deploy = deploy
        self._released = self._served = self._known = released
        self._doubtful = False
        self._lock = threading.Lock()
        self._tried()

    def look(self) -> None:
        """Serves what was saved since the last look."""
        begun = time.monotonic()
        now = files(self._directory)
        self.pause = max(_PAUSE, 10 * (time.monotonic() - begun))
        if now == self._known:
            return
        # An editor may write several files, or one in several steps.
        end, settled = time.monotonic() + _SETTLING, False
        while not settled and time.monotonic() < end:
            if self.ending.wait(_PAUSE / 2):
                return
            before, now = now, files(self._directory)
            settled = now == before
        with self._lock:
            saved, self._known = named(changed(self._known, now)), now
            begun = time.monotonic()
            outcome = self._tried()
            if outcome is Outcome.SERVED:
                sys.stderr.write(f"{saved}: served, {time.monotonic() - begun:.1f} s\n")
            elif outcome is Outcome.FAILED:
                sys.stderr.write(f"{saved}: not served; what was served before still is.\n")
            self.pending.set()

    def release(self) -> None:
        """Deploys what is saved. An error is shown, and the release before is served."""
        with self._lock:
            self.pending.clear()
            wanted, doubtful = self._known, self._doubtful
            saved = named(changed(self._released, wanted))
        begun = time.monotonic()
        try:
            # The artifact may have what was saved since.
            done = self._deploy(lambda: doubtful or files(self._directory) != wanted)
        except PocketError as error:
            failure.report(error)
            with self._lock:
                if not self.pending.is_set():
                    self._return()
            sys.stderr.write(f"{saved}: not deployed; the release before stays live.\n")
            return
        seconds = time.monotonic() - begun
        with self._lock:
            self._released = wanted
            self._tried()
        what = f"release {done.history.live}" if done.changed else "nothing to change"
        sys.stderr.write(f"{saved}: {what}, {seconds:.1f} s\n")

    def _tried(self) -> Outcome:
        """Serves what is known, as far as that is not released. An error is shown: the release is to come."""
        try:
            outcome = self._serve(changed(self._released, self._known), changed(self._served, self._known))
        except PocketError as error:
            failure.report(error)
            outcome = Outcome.WAITING
        self._doubtful = outcome not in (Outcome.SERVED, Outcome.UNTOUCHED)
        if not self._doubtful:
            self._served = self._known
        return outcome

    def _return(self) -> None:
        """Serves the live release."""
        try:
            if self._serve((), changed(self._released, self._served)) is not Outcome.FAILED:
                self._served = self._released
        except PocketError as error:
            failure.report(error)


def files(directory: Path) -> Files:
    """The project's files, without hidden ones, environments, and what a running project writes."""
    found: Files = {}
    for parent, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if not _is_ignored(Path(parent, name))]
        for name in names:
            if name.startswith(".") or name.endswith(_WRITTEN_ENDINGS):
                continue
            path = Path(parent, name)
            try:
                facts = path.stat()
            except OSError:
                continue
            found[path.relative_to(directory).as_posix()] = facts.st_mtime_ns, facts.st_size
    return found


def _is_ignored(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _IGNORED or (folder / "pyvenv.cfg").exists()


def changed(before: Files, after: Files) -> list[str]:
    """The paths of the files that differ."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def named(names: Collection[str]) -> str:
    """The first of the names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join([*names][:3]) + more
