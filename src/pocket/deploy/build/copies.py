"""Copies a project into a folder of its own, with only the files that its artifact would hold."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pocket import isolation, naming
from pocket.config import build_manifest
from pocket.deploy.build import path_patterns, source, stage_environment
from pocket.deploy.build.exclusions import SECRETS
from pocket.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pocket.config import Project, StageConfig
    from pocket.deploy.target import Target


@contextmanager
def isolated(project: Project, stage: StageConfig, files: Mapping[str, Path] | None = None) -> Iterator[Path]:
    """A temporary folder with the files that the stage's artifact would hold; `files`, where they are known already.

    It is outside the project, whose folder is not written to. Raises BuildFailed where the project cannot be copied.
    """
    if files is None:
        files = source.select(project.directory, stage.awscontainer.exclude if stage.awscontainer else []).files
    place = isolation.outside(project.directory)
    with tempfile.TemporaryDirectory(prefix="pocket-copy-", dir=place, ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve() / project.directory.name
        try:
            folder.mkdir()
            for parent in {(folder / path).parent for path in files}:
                parent.mkdir(parents=True, exist_ok=True)
            for path, origin in files.items():
                # No link: what the project's code writes to the copy must not reach the project.
                (folder / path).write_bytes(origin.read_bytes())
        except OSError as error:
            raise BuildFailed(
                f"The project could not be copied to {folder}: {error.strerror or error}.",
                "Set TMPDIR to a folder with enough space for the project.",
            ) from error
        yield folder


def run(
    python: str,
    arguments: Sequence[str],
    folder: Path,
    *,
    project: Project,
    stage: StageConfig,
    target: Target,
    environ: Mapping[str, str] = MappingProxyType({}),
    captured: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Runs the project's Python in the copy `folder`, with the environment of the stage's settings and `environ`.

    Its output is in the result or, unless it is `captured`, goes to this process's.
    """
    manifest = folder.parent / naming.MANIFEST_FILE
    manifest.write_text(build_manifest(project).to_json(), encoding="utf-8")
    variables = stage_environment.environment(stage, target, manifest)
    if not {stage_environment.NO_BYTECODE, "PYTHONPYCACHEPREFIX"} & os.environ.keys():
        # Nothing of the copy stays, and packages that uv installed have no bytecode before.
        del variables[stage_environment.NO_BYTECODE]
    return subprocess.run(  # noqa: S603 - the project's own interpreter, arguments as a list
        [python, *arguments],
        cwd=folder,
        env={**variables, naming.ORIGIN_KEY: str(project.directory), **environ},
        capture_output=captured,
        encoding="utf-8",
        errors="backslashreplace",
        check=False,
    )


def left_out(project: Project, folder: Path, stderr: str) -> str | None:
    """The path in the copy `folder` that `stderr` mentions and that only the project has; None without one.

    Secrets do not count, since they are never packed.
    """
    named = re.findall(rf"{re.escape(str(folder))}/([^'\"\n:]+)", stderr)
    there = (name for name in reversed(named) if not (folder / name).exists() and (project.directory / name).exists())
    return next((name for name in there if not path_patterns.matches(name, SECRETS, folder=False)), None)
