"""`pocket local --watch`: deploys what is saved, and shows requests, functions' output and errors as they come."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pocket.cli import failure
from pocket.cli.console import PlainReporter
from pocket.deploy.aws import log_text
from pocket.deploy.gates import NAMES
from pocket.deploy.gates.gate import MIGRATIONS
from pocket.errors import PocketError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pocket.deploy.releases.deploy import Deployed
    from pocket.deploy.reporting import PlanRow, Reporter
    from pocket.local import LocalAWS

SKIPPED = tuple(name for name in NAMES if name != MIGRATIONS)
"""The gates that a saved file does not wait for: the next request shows what they would find."""

_IGNORED = frozenset({"node_modules", "__pycache__", "media"})
_WRITTEN_ENDINGS = (".sqlite3", ".sqlite3-journal", ".sqlite3-wal", ".sqlite3-shm", ".log", ".pyc", "~", ".swp")
"""The ends of names of files that a running project or an editor writes."""

_PAUSE = 0.2
"""Seconds between two looks at the files."""

Files = dict[str, tuple[int, int]]
"""Time of the last change in nanoseconds, and size, by path."""


class Quiet(PlainReporter):
    """Shows warnings, and questions that `--yes` does not answer; not the steps."""

    @contextmanager
    def step(self, _name: str) -> Iterator[None]:
        yield

    def note(self, text: str) -> None:
        if text.startswith("Warning: "):
            super().note(text)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None: ...

    def plan(self, rows: Sequence[PlanRow]) -> None: ...

    def event(self, text: str) -> None: ...


def watch(directory: Path, aws: LocalAWS, deploy: Callable[[Reporter], Deployed], *, quiet: str = "") -> None:
    """Deploys the project in `directory` whenever a file of it is saved, until the local AWS ends or Ctrl-C.

    An error is shown, and the release before stays live. `quiet` is the function whose output is not shown, since a
    deploy runs its own commands in it. Raises LocalAWSError if the local AWS fails.
    """
    with _showing(aws, quiet):
        known = files(directory)
        while not aws.ended:
            now = files(directory)
            if now == known:
                time.sleep(_PAUSE)
                continue
            # An editor may write several files, or one in several steps.
            time.sleep(_PAUSE / 4)
            while (later := files(directory)) != now:
                now = later
                time.sleep(_PAUSE / 4)
            _deploy(_named(known, now), deploy)
            known = now
    aws.wait()


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


def _named(before: Files, after: Files) -> str:
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return ", ".join(changed[:3]) + more


def _deploy(changed: str, deploy: Callable[[Reporter], Deployed]) -> None:
    begun = time.monotonic()
    try:
        done = deploy(Quiet(assume_yes=True))
    except PocketError as error:
        failure.report(error)
        sys.stderr.write(f"{changed}: not deployed; the release before stays live.\n")
        return
    seconds = time.monotonic() - begun
    what = f"release {done.history.live}" if done.changed else "nothing to change"
    sys.stderr.write(f"{changed}: {what}, {seconds:.1f} s\n")


@contextmanager
def _showing(aws: LocalAWS, quiet: str) -> Iterator[None]:
    """Shows requests and output as they come, also during a deploy."""
    ending = threading.Event()

    def show(file: TextIO) -> None:
        last, line = False, ""
        while True:
            for part in file:
                line += part
                if not line.endswith("\n"):  # the rest is still to be written
                    continue
                entry, line = json.loads(line), ""
                if text := _text(entry, quiet):
                    sys.stderr.write(f"{text}\n")
            if last:
                return
            last = ending.wait(_PAUSE / 2)

    with aws.activity() as file:
        thread = threading.Thread(target=show, args=(file,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()


def _text(entry: Mapping[str, Any], quiet: str) -> str:
    """A request as `runserver` shows it, or what a function wrote."""
    if "function" in entry:
        return "" if entry["function"] == quiet else "\n".join(log_text.readable(entry["text"].splitlines()))
    moment = time.strftime("%d/%b/%Y %H:%M:%S", time.localtime(entry["time"]))
    return f'[{moment}] "{entry["method"]} {entry["path"]}" {entry["status"]} {entry["milliseconds"]} ms'
