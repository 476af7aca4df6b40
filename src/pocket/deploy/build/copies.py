"""A project as its artifact would hold it, in a folder of its own: without what an artifact leaves out."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pocket import isolation
from pocket.deploy.build import patterns, source
from pocket.deploy.build.exclusions import SECRETS
from pocket.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.config import Project, StageConfig

_SMALL = 1 << 20


@contextmanager
def isolated(project: Project, stage: StageConfig) -> Iterator[Path]:
    """A folder with the files that the stage's artifact would hold, gone afterwards.

    Nothing of the project is above it, and the project's folder is not written to. Raises BuildFailed where it cannot
    be made.
    """
    exclude = stage.awscontainer.exclude if stage.awscontainer else []
    files = source.select(project.directory, exclude).files
    place = isolation.outside(project.directory)
    with tempfile.TemporaryDirectory(prefix="pocket-copy-", dir=place, ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve() / project.directory.name
        try:
            folder.mkdir()
            for path, origin in files.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                _copy(origin, folder / path)
        except OSError as error:
            raise BuildFailed(
                f"The project could not be copied to {folder}: {error.strerror or error}.",
                "Set TMPDIR to a folder with room for the project.",
            ) from error
        yield folder


def left_out(project: Project, folder: Path, said: str) -> str | None:
    """The path that an error `said` of the copy in `folder` and that only the project has; None without one.

    A secret is none: nothing packs it.
    """
    named = re.findall(rf"{re.escape(str(folder))}/([^'\"\n:]+)", said)
    there = (name for name in reversed(named) if not (folder / name).exists() and (project.directory / name).exists())
    return next((name for name in there if not patterns.matches(name, SECRETS, folder=False)), None)


def _copy(origin: Path, place: Path) -> None:
    """Copies what is small; a link serves for the rest, which is data rather than source."""
    if origin.stat().st_size > _SMALL:
        with suppress(OSError):
            os.link(origin, place)
            return
    shutil.copyfile(origin, place)
