"""Static files that are saved while `pocket local --watch` runs, collected in one process of the project's Python.

To set Django up takes most of the time, so the process does it once. What it cannot collect, the release does, which
shows the error, too.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from pocket import naming, work_folder
from pocket.config import build_manifest
from pocket.deploy.build import artifact, stage_environment, static

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pocket.cli.project import Destination
    from pocket.config import StageConfig
    from pocket.deploy.build.static import StaticFiles

LIMIT = 10.0
"""Seconds that one collection may take: nothing else is served or released meanwhile."""

FOLDER = ("local", "static")
"""In `.pocket`: the collected files, kept from one run to the next."""


class Collector:
    """Collects the static files of the project in `directory`, of one stage at a time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False

    def start(self, place: Destination) -> None:
        """Begin the process, unless it runs; it collects for the first time in the background. Raises PocketError."""
        if self._process is not None or not static.are_collected(place.stage):
            return
        folder = work_folder.make(self._directory, *FOLDER)
        manifest = artifact.write_manifest(build_manifest(place.project), folder / naming.MANIFEST_FILE)
        python, _ = static.find_python(self._directory)
        self._process = subprocess.Popen(  # noqa: S603 - the project's own interpreter, arguments as a list
            static.command(python, folder / place.stage.name, repeat=True),
            cwd=self._directory,
            env=stage_environment.environment(place.stage, place.target, manifest),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            process_group=0,
        )
        self._ready = False

    def stop(self) -> None:
        """End the process, and the fork that collects: the project's modules have changed, or it does not answer."""
        process, self._process = self._process, None
        if process is None:
            return
        # macOS refuses to signal a group whose processes have all ended.
        with process, suppress(PermissionError):
            os.killpg(process.pid, signal.SIGKILL)

    def sources(self, stage: StageConfig, names: Iterable[str]) -> set[str]:
        """Those of the project's files that are sources of static files, or new in a folder of such."""
        if not static.are_collected(stage):
            return set()
        record = self._directory / work_folder.NAME / "build" / "static" / f"{stage.name}.json"
        try:
            known = {name: each["source"] for name, each in json.loads(record.read_text())["files"].items()}
        except (OSError, ValueError, KeyError, TypeError):
            return set()
        folders = {source.removesuffix(name) for name, source in known.items() if source.endswith(f"/{name}")}
        sources = set(known.values())
        paths = {name: str(self._directory / name) for name in names}
        return {
            name
            for name, path in paths.items()
            if path in sources or any(path.startswith(folder) for folder in folders)
        }

    def collect(self, stage: StageConfig) -> StaticFiles | None:
        """The static files as they are now; None if they cannot be collected here and now."""
        process, storage = self._process, static.storage_of(stage)
        if process is None or storage is None or process.stdin is None or process.stdout is None:
            return None
        if not self._ready and not _is_written(process.stdout, 0):
            return None
        # If the first collection failed, what is saved now may mend it.
        status = 0 if self._ready else _status(process.stdout)
        self._ready = True
        if status is not None:
            with suppress(BrokenPipeError):
                process.stdin.write(b"\n")
            status = _status(process.stdout)
        if status != 0:
            self.stop()
            return None
        return static.collected_in(self._directory.joinpath(work_folder.NAME, *FOLDER, stage.name), storage)[0]


def _is_written(output: IO[bytes], seconds: float) -> bool:
    """Whether there is something to read within that time; also if the process has ended."""
    return bool(select.select([output], [], [], seconds)[0])


def _status(output: IO[bytes]) -> int | None:
    """The exit status of a collection; None where the process does not write one in time."""
    if not _is_written(output, LIMIT):
        return None
    try:
        return int(os.read(output.fileno(), 100))
    except ValueError:
        return None
