"""A stage's static files: collected by Django in the project's own interpreter, and described for upload."""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from mimetypes import MimeTypes
from typing import TYPE_CHECKING

from pocket import naming
from pocket.deploy.build import archive, children, contents, looked_at, path_patterns, requirements, stage_environment
from pocket.deploy.build.exclusions import SECRETS
from pocket.deploy.build.revision import work_tree
from pocket.deploy.reporting import last_lines
from pocket.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pocket.config import Project, StageConfig
    from pocket.config.tables.django import Storage
    from pocket.deploy.target import Target

ALIAS = "staticfiles"
"""The entry of Django's STORAGES that holds static files."""

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATED = "no-cache"
UNTIL_INVALIDATED = "public, max-age=0, s-maxage=31536000"
"""Browsers ask again each time, and a distribution answers them: a deploy invalidates there what has changed."""

_TYPES = MimeTypes()
for _type, _suffix in (
    ("text/javascript", ".js"),
    ("text/javascript", ".mjs"),
    ("application/json", ".map"),
    ("application/manifest+json", ".webmanifest"),
    ("application/wasm", ".wasm"),
    ("font/woff", ".woff"),
    ("font/woff2", ".woff2"),
    ("font/ttf", ".ttf"),
    ("font/otf", ".otf"),
    ("image/avif", ".avif"),
    ("image/webp", ".webp"),
    ("image/x-icon", ".ico"),
):
    _TYPES.add_type(_type, _suffix)


@dataclass(frozen=True)
class StaticFile:
    """One file to serve: `name` as Django knows it, and the headers it is served with."""

    name: str
    content: archive.Entry
    content_type: str
    cache_control: str


@dataclass(frozen=True)
class StaticFiles:
    """A stage's static files; `manifest` is Django's map to hashed names, None where names are not hashed.

    `store` and `location` are the storage's: files of `"filesystem"` are part of the artifact, all others are uploaded.
    """

    store: str
    location: str | None
    files: tuple[StaticFile, ...]
    manifest: archive.Entry | None = None

    @property
    def in_bucket(self) -> bool:
        """Whether the files are in the stage's bucket, and not in the artifact."""
        return self.store in {"s3", "cloudfront"}

    @property
    def prefix(self) -> str:
        """What the object keys, or the paths in the artifact, begin with."""
        return naming.key_prefix(self.location)


@dataclass(frozen=True)
class Collected:
    """The outcome of collecting: the files, None without any; the Python and its Django; the files with secrets."""

    files: StaticFiles | None
    python: str = ""
    django: str = ""
    secrets: tuple[str, ...] = ()

    def notes(self, django: str | None) -> Iterator[str]:
        """What the user should know; `django` is the artifact's version, None if that is not known."""
        if self.python and django not in (None, self.django):
            here = f"Django {self.django} of {self.python}"
            yield f"Static files were collected with {here}; the artifact has Django {django}."
        if self.secrets:
            yield f"Not served because they may hold secrets: {', '.join(self.secrets)}."


def are_collected(stage: StageConfig) -> bool:
    """Whether the stage has a static storage."""
    return storage_of(stage) is not None


def collect(project: Project, stage: StageConfig, target: Target, *, manifest: Path, folder: Path) -> Collected:
    """Collects the stage's static files into `folder`, where unchanged ones are kept; `manifest` is the stage's.

    Raises BuildFailed where the project's Python is not found or Django fails.
    """
    storage = storage_of(stage)
    if storage is None:
        return Collected(None)
    folder.mkdir(parents=True, exist_ok=True)
    python, django = find_python(project.directory)
    _run_django(python, project, stage, stage_environment.environment(stage, target, manifest), folder)
    found, secrets = collected_in(folder, storage)
    return Collected(found, python, django, secrets)


def collected_in(folder: Path, storage: Storage) -> tuple[StaticFiles | None, tuple[str, ...]]:
    """The static files that were collected into `folder`, and the names of removed ones, which may hold secrets."""
    found, secrets = looked_at.entries(folder, _is_secret)
    return describe(found, storage), tuple(secrets)


def storage_of(stage: StageConfig) -> Storage | None:
    """The stage's storage of static files that are collected."""
    storage = None if stage.awscontainer is None else stage.awscontainer.django.storages.get(ALIAS)
    return storage if storage is not None and storage.static else None


def _is_secret(path: Path, name: str) -> bool:
    """Whether a collected file may hold a secret: static files are public."""
    return path_patterns.matches(name, SECRETS, folder=False) or contents.look(path, name) == "secret"


def describe(collected: Mapping[str, archive.Entry], storage: Storage) -> StaticFiles | None:
    """The static files that were collected; None where there are none."""
    found = dict(collected)
    manifest = found.pop(naming.STATIC_MANIFEST_FILE, None) if storage.manifest else None
    hashed = set(json.loads(manifest.source.read_text())["paths"].values()) if manifest else set()
    plain = UNTIL_INVALIDATED if storage.store == "cloudfront" else REVALIDATED
    files = tuple(
        StaticFile(name, entry, content_type(name), IMMUTABLE if name in hashed else plain)
        for name, entry in found.items()
    )
    return StaticFiles(storage.store, storage.location, files, manifest) if files else None


def refuse_location(location: str | None) -> None:
    """Raises BuildFailed where the location of a `"filesystem"` storage is not a folder of the artifact."""
    if not naming.key_prefix(location) or (location or "").startswith("/"):
        raise BuildFailed(
            f'storages.{ALIAS} has store "filesystem" and location {location!r}, which is not a folder of the'
            " artifact.",
            'Set a folder relative to pocket.toml, such as location = "static-collected", or store = "s3".',
        )


def content_type(name: str) -> str:
    """The MIME type that a file of that name is served with; text is UTF-8, since Django's templates are."""
    guessed, encoding = _TYPES.guess_type(name)
    if encoding is not None:
        return {"gzip": "application/gzip", "br": "application/x-brotli"}.get(encoding, "application/octet-stream")
    if guessed is None:
        return "application/octet-stream"
    text = guessed.startswith("text/") or guessed in ("application/json", "application/manifest+json", "image/svg+xml")
    return f"{guessed}; charset=utf-8" if text else guessed


def find_python(directory: Path, purpose: str = "Static files are collected") -> tuple[str, str]:
    """The interpreter with the project's packages, and the version of its Django; `purpose` begins the error.

    That is the running one if it has Django, else that of the `.venv` in the folder or above it, up to the root of the
    workspace or the work tree. Raises BuildFailed where neither has Django.
    """
    with suppress(PackageNotFoundError):
        return sys.executable, version("django")
    own = _own_python(directory)
    if own and (found := _django_version(own, directory)):
        return own, found
    lacking = f"{own} has no Django either" if own else f"{directory} has no .venv"
    raise BuildFailed(
        f"{purpose} with the project's own Python, but {sys.executable} has no Django, and {lacking}.",
        "Run the command in the project's environment (uv run pocket ...), or create that environment: uv sync.",
    )


def _own_python(directory: Path) -> str | None:
    """The interpreter of the project's environment, None without one, and where another user made it."""
    lock, tree = requirements.workspace_lock(directory), work_tree(directory)
    root = lock.parent if lock else tree.root if tree else directory
    within = [folder for folder in (directory, *directory.parents) if folder.is_relative_to(root)]
    for environment in (folder / ".venv" for folder in within):
        python = environment / "bin" / "python"
        if python.exists() and environment.stat().st_uid in (os.getuid(), 0):
            return str(python)
    return None


def _django_version(python: str, directory: Path) -> str | None:
    code = "import django; print(django.get_version())"
    done = children.run([python, "-c", code], cwd=directory)
    return done.stdout.strip() or None


def command(python: str, folder: Path, *, repeat: bool = False) -> list[str]:
    """The command that collects into `folder`; with `repeat`, again for each line of its standard input."""
    return [python, "-m", "pocket.django.collectstatic", str(folder), *(["--repeat"] if repeat else [])]


def _run_django(
    python: str, project: Project, stage: StageConfig, environment: Mapping[str, str], folder: Path
) -> None:
    done = children.run(command(python, folder), cwd=project.directory, env=environment)
    if done.returncode == 0:
        return
    output = done.stderr.strip() or done.stdout.strip()
    if "No module named 'pocket'" in output:
        raise BuildFailed(
            f"{python} has Django, but not django-pocket, which collects the static files.",
            "Install the project's dependencies there: uv sync.",
        )
    hint = "The project's settings were loaded with this stage's values and placeholders for its secrets."
    if referring := re.findall(r"^Post-processing '(.+)' failed!$", output, re.MULTILINE):
        hint = (
            f"Correct the reference in {referring[-1]}. If its target is missing on purpose, use a class of your own"
            " for staticfiles in STORAGES, whose hashed_name() returns such a name unchanged."
        )
    raise BuildFailed(
        f"Static files could not be collected for stage {stage.name!r}"
        f"{f', while {referring[-1]} was processed' if referring else ''}:\n{last_lines(output)}",
        hint,
    )
