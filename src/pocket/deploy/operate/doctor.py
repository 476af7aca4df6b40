"""The start-up diagnosis on this machine, in the project's own Python; `gates.startup` has the one inside Lambda."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from pocket import naming
from pocket.config import build_manifest
from pocket.config.manage_file import settings_module_of
from pocket.deploy.build import copies, stage_environment, static
from pocket.deploy.reporting import last_lines
from pocket.doctor.report.model import Report
from pocket.errors import BuildFailed, CommandFailed, DeployError, PocketError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pocket.config import Project, StageConfig
    from pocket.deploy.build.static import StaticFiles
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.target import Target

_PURPOSE = "The project is started"


def examine(project: Project, *, path: str = "/") -> Report:
    """The report of the project with the settings of this machine, where POCKET_STAGE is unset.

    Raises BuildFailed if the project's Python is not found or lacks Pocket, DeployError if the settings module is
    unknown, CommandFailed if the project's process fails.
    """
    python, _ = static.find_python(project.directory, _PURPOSE)
    environ = {name: value for name, value in os.environ.items() if name not in {naming.STAGE_KEY, naming.MANIFEST_KEY}}
    named = environ.get("DJANGO_SETTINGS_MODULE") or settings_module_of(project.directory / "manage.py")
    return _run(python, project.directory, {**environ, "DJANGO_SETTINGS_MODULE": named or ""}, path)


def examine_stage(
    project: Project, stage: StageConfig, target: Target, reporter: Reporter, *, path: str = "/"
) -> Report:
    """The report of the project as it would be in the stage's artifact, with placeholders for the stage's secrets.

    Static files with hashed names are collected first: a release has the map of names, which the first request reads.
    Raises as `examine`.
    """
    python, _ = static.find_python(project.directory, _PURPOSE)
    with copies.isolated(project, stage) as directory:
        manifest = directory.parent / naming.MANIFEST_FILE
        manifest.write_text(build_manifest(project).to_json(), encoding="utf-8")
        folder = directory.parent / "static"
        try:
            files = _static_files(project, stage, target, reporter, manifest=manifest, folder=folder)
        except BuildFailed as error:
            reporter.note(f"{error.message}\nThe project is started without the map of hashed names.")
        else:
            if files is not None and files.manifest is not None:
                shutil.copy(files.manifest.source, directory.parent / naming.STATIC_MANIFEST_FILE)
        with reporter.step("Start the project in fresh processes"):
            environ = stage_environment.environment(stage, target, manifest)
            return _run(python, directory, {**environ, naming.ORIGIN_KEY: str(project.directory)}, path)


def _static_files(
    project: Project, stage: StageConfig, target: Target, reporter: Reporter, *, manifest: Path, folder: Path
) -> StaticFiles | None:
    if not static.are_collected(stage):
        return None
    with reporter.step("Collect static files"):
        collected = static.collect(project, stage, target, manifest=manifest, folder=folder)
    for note in collected.notes(None):
        reporter.note(note)
    return collected.files


def _run(python: str, directory: Path, environ: Mapping[str, str], path: str) -> Report:
    """Runs the diagnosis; Python may write bytecode, since an artifact has it, too."""
    if not environ.get("DJANGO_SETTINGS_MODULE"):
        raise DeployError(
            "The project's settings module is not known.",
            "Put manage.py beside pocket.toml, or set DJANGO_SETTINGS_MODULE.",
        )
    variables = {name: value for name, value in environ.items() if name != stage_environment.NO_BYTECODE}
    variables.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    done = subprocess.run(  # noqa: S603 - the project's own interpreter, arguments as a list
        [python, "-m", "pocket.doctor", "--path", path],
        cwd=directory,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        check=False,
    )
    if done.returncode == 0:
        try:
            return Report.from_json(done.stdout)
        except PocketError as error:
            raise CommandFailed(error.message, error.hint) from error
    stderr = done.stderr.strip()
    if "No module named" in stderr and "pocket" in stderr:
        raise BuildFailed(
            f"{python} has Django, but no django-pocket that can diagnose a start.",
            "Install the project's dependencies there, with the same django-pocket as this command: uv sync.",
        )
    raise CommandFailed(last_lines(stderr))
