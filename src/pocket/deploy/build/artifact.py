"""Builds the artifact: the project, its packages, the manifest and the map of static files, in one zip.

Builds are kept below `.pocket/build/` and `.pocket/cache/` in the project's folder. The same input gives the same
bytes. Parts whose input has not changed since the last build are reused, if their hash shows that they are intact.

The zip begins with what changes least: the packages of the lock, then local packages, static files, the project.
"""

from __future__ import annotations

import fcntl
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocket import naming, work_folder
from pocket.config import build_manifest
from pocket.deploy.build import (
    archive,
    bytecode,
    cache,
    modules,
    packages,
    platforms,
    requirements,
    source,
    static,
    trimming,
    wheels,
)
from pocket.deploy.build.archive import Entry
from pocket.deploy.build.entrypoints import check_handlers
from pocket.deploy.build.signing import check_signing
from pocket.errors import BuildFailed, DeployError
from pocket.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pocket.config import Project, StageConfig
    from pocket.config.tables.awscontainer import AwsContainer
    from pocket.deploy.build.archive import Beginning
    from pocket.deploy.build.platforms import Platform
    from pocket.deploy.build.static import StaticFiles
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.target import Target

LIMIT = 262_144_000
"""The largest zip that Lambda accepts, in bytes unpacked (AWS: "Lambda quotas", 250 MB)."""

_OLDEST_DJANGO = (5, 2)
_SHOWN_PACKAGES = 5
_KEPT_ARCHIVES = 2
_KEPT_BUNDLES = 6

CACHE = "cache"
"""The folder, below `.pocket`, with zips of packages alone and bundles of modules."""

LOCK = "lock"
"""The file in the build folder that a build locks while it runs."""


@dataclass(frozen=True)
class Artifact:
    """A built zip: `size` and `unzipped` in bytes, `packages` the largest by name and bytes, largest first.

    `static` are the files that must be in the bucket before the release serves pages; None without files to upload.
    `beginnings` are those that another artifact may have in common.
    """

    path: Path
    sha256: str
    size: int
    unzipped: int
    packages: tuple[tuple[str, int], ...]
    static: StaticFiles | None = None
    beginnings: tuple[Beginning, ...] = ()


def build(project: Project, stage: StageConfig, target: Target, reporter: Reporter) -> Artifact:
    """Returns the artifact of `stage` for `target`.

    Raises BuildFailed where it cannot be built, ConfigErrors where a handler's `command` is not in it, DeployError
    where the stage needs a container image.
    """
    container = _buildable(stage)
    try:
        with _locked_folder(project.directory, reporter) as folder:
            made = _Build(project, stage, container, target, reporter, folder)
            try:
                return made.run()
            except archive.Changed as error:
                reporter.note(f"{error.message} It is built again.")
                packages.remove_layer(folder / "layers", error.path)
                return made.run()
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise BuildFailed(
            f"The artifact could not be built: {where}{error.strerror or error}.",
            f"Remove {project.directory / work_folder.NAME / 'build'} and build again.",
        ) from error


def discard(directory: Path, reporter: Reporter) -> int:
    """Removes what builds of the project in `directory` left; returns how many bytes that frees.

    Raises BuildFailed where it cannot be removed.
    """
    if not any((directory / work_folder.NAME / name).exists() for name in ("build", CACHE)):
        return 0
    try:
        with _locked_folder(directory, reporter) as folder:
            left = [
                *(path for path in folder.iterdir() if path.name != LOCK),
                *directory.glob(f"{work_folder.NAME}/{CACHE}"),
            ]
            size = work_folder.size(*left)
            for path in left:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except OSError as error:
        raise BuildFailed(f"{error.filename} cannot be removed: {error.strerror}.", "Remove it by hand.") from error
    return size


@dataclass(frozen=True)
class _Build:
    """One build, in `folder`, which no other build uses at the same time."""

    project: Project
    stage: StageConfig
    container: AwsContainer
    target: Target
    reporter: Reporter
    folder: Path

    def run(self) -> Artifact:
        platform = platforms.choose(self.container, self.target)
        interpreter = bytecode.find_interpreter(platform.python)
        if interpreter is None:
            effect = f"No Python {platform.python} on this machine, so functions compile their modules at each start."
            self.reporter.note(f"{effect} To compile them at build time: uv python install {platform.python}")
        layers = self._install(platform, interpreter)
        django = django_version({name: entry for layer in layers for name, entry in layer.files.items()})
        refuse_old_django(django)
        with self.reporter.step("Pack the project"):
            own = self._source(interpreter)
            layers = trimming.trim(layers, own, self.container.exclude, self.reporter)
            files = merge([*(layer.files for layer in layers), own], self.reporter)
            check_handlers(self.project, self.stage, files)
            check_signing(self.stage, files)
        manifest = write_manifest(build_manifest(self.project), self.folder / naming.MANIFEST_FILE)
        collected = static.collect(
            self.project,
            self.stage,
            self.target,
            self.reporter,
            manifest=manifest,
            folder=self.folder / "static" / self.stage.name,
            django=django,
        )
        mapped, served = static_entries(collected)
        own = {**own, naming.MANIFEST_FILE: Entry.of(manifest), **mapped}
        return self._written(layers, served, own, collected)

    def _written(
        self,
        layers: Sequence[packages.Layer],
        served: Mapping[str, Entry],
        own: Mapping[str, Entry],
        collected: StaticFiles | None,
    ) -> Artifact:
        """The artifact of packages, static files that are served from it, and all else."""
        kept = work_folder.make(self.project.directory, CACHE)
        remote, local, served, own = separate([*_by_change(layers), served, own])
        remote, local, own = modules.bundled([remote, local, own], own, kept)
        parts = [remote, local, served, own]
        unzipped = sum(entry.size for part in parts for entry in part.values())
        largest = _largest(layers)
        refuse_oversize(unzipped, largest)
        with self.reporter.step("Write the zip"):
            zipped = _write(parts, self.folder / "artifacts", kept)
        cache.prune(kept, "*.zip", _KEPT_ARCHIVES)
        cache.prune(kept, f"*{modules.SUFFIX}", _KEPT_BUNDLES)
        built = Artifact(
            path=zipped.path,
            sha256=zipped.sha256,
            size=zipped.path.stat().st_size,
            unzipped=unzipped,
            packages=largest,
            static=collected if collected is not None and collected.in_bucket else None,
            beginnings=zipped.beginnings,
        )
        _report(built, self.reporter)
        return built

    def _install(self, platform: Platform, interpreter: str | None) -> list[packages.Layer]:
        directory = self.project.directory
        with self.reporter.step(f"Install packages for Python {platform.python} on {platform.label}"):
            place = requirements.locate(directory, self.container.requirements)
            options = requirements.selection(self.container, place)
            wanted = requirements.resolve(directory, place, platform, options=options)
            if wanted.dropped:
                self.reporter.note(f"Left out, not needed in functions: {', '.join(wanted.dropped)}.")
            if platform.uv is None and not packages.are_made(wanted, platform, interpreter, self.folder / "layers"):
                self._note_missing_wheels(place, options)
            return packages.install(wanted, platform, interpreter, self.folder / "layers")

    def _note_missing_wheels(self, place: Path, options: Sequence[str]) -> None:
        """Notes which packages, about to be built for this machine, may not build for Lambda."""
        there = platforms.lambda_platform(self.container.python_version, self.container.architecture)
        try:
            wanted = requirements.resolve(self.project.directory, place, there, options=options)
        except BuildFailed as error:
            self.reporter.note(f"This build would fail for {there.label}. {error}")
            return
        if found := wheels.lacking(wanted.packages, there):
            names = ", ".join(found)
            hint = "A deploy refuses what has to be compiled. Use a package with a wheel: psycopg[binary] for psycopg2."
            self.reporter.note(f"No wheel for Python {there.python} on {there.label}, only source: {names}. {hint}")

    def _source(self, interpreter: str | None) -> dict[str, Entry]:
        """The project's files, copied and compiled in the build folder."""
        chosen = source.select(self.project.directory, self.container.exclude)
        for note in chosen.notes:
            self.reporter.note(note)
        place = self.folder / "source"
        shutil.rmtree(place, ignore_errors=True)
        for name, path in chosen.files.items():
            copy = place / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            copy.chmod(0o700 if path.stat().st_mode & 0o100 else 0o600)
        invalid = bytecode.compile_tree(interpreter, place) if interpreter is not None else []
        if invalid:
            self.reporter.note(f"Not valid Python: {', '.join(invalid)}.")
        return archive.scan(place)


def write_manifest(manifest: Manifest, path: Path) -> Path:
    """Writes the manifest to `path` and returns it. Raises BuildFailed where JSON cannot hold one of its values."""
    hint = "Keep dates and times in `settings` as strings."
    try:
        text = manifest.to_json()
    except (TypeError, ValueError) as error:
        raise BuildFailed(f"The manifest has a value that JSON cannot hold: {error}.", hint) from error
    if Manifest.from_json(text) != manifest:
        raise BuildFailed("The manifest does not read back as it was written.", hint)
    path.write_text(text, encoding="utf-8")
    return path


def merge(trees: Sequence[Mapping[str, Entry]], reporter: Reporter) -> dict[str, Entry]:
    """All files of `trees` by name, where a later tree wins; different files with the same name are noted."""
    files: dict[str, Entry] = {}
    for tree in trees:
        replaced = [
            name
            for name, entry in tree.items()
            if name in files and files[name].sha256 != entry.sha256 and not name.endswith(".pyc")
        ]
        if replaced:
            more = f" and {len(replaced) - 3} more" if len(replaced) > 3 else ""
            reporter.note(
                f"Different files with the same name, of which the later is used: {', '.join(replaced[:3])}{more}."
            )
        files.update(tree)
    return files


def separate(trees: Sequence[Mapping[str, Entry]]) -> list[dict[str, Entry]]:
    """The trees without files that a later one replaces, so that each name is in one of them."""
    later: set[str] = set()
    parts: list[dict[str, Entry]] = []
    for tree in reversed(trees):
        parts.append({name: entry for name, entry in tree.items() if name not in later})
        later |= tree.keys()
    return parts[::-1]


def static_entries(collected: StaticFiles | None) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """The static files in the artifact: the map of hashed names, and all others where they are served from it.

    Raises BuildFailed where the location of a `"filesystem"` storage is not in the artifact.
    """
    if collected is None:
        return {}, {}
    mapped = {} if collected.manifest is None else {naming.STATIC_MANIFEST_FILE: collected.manifest}
    if collected.in_bucket:
        return mapped, {}
    static.refuse_location(collected.location)
    mapped = {f"{collected.prefix}{name}": entry for name, entry in mapped.items()}
    return mapped, {f"{collected.prefix}{file.name}": file.content for file in collected.files}


def django_version(files: Mapping[str, Entry]) -> str | None:
    """The version of Django among `files`, None where there is none."""
    found = (re.match(r"django-([^/]+)\.dist-info/", name) for name in files)
    return next((match[1] for match in found if match), None)


def refuse_old_django(version: str | None) -> None:
    """Raises BuildFailed where Pocket does not support `version`; None, no Django, passes."""
    found = re.match(r"(\d+)\.(\d+)", version or "")
    if found and (int(found[1]), int(found[2])) < _OLDEST_DJANGO:
        oldest = ".".join(map(str, _OLDEST_DJANGO))
        raise BuildFailed(
            f"The project's requirements resolve to Django {version}; Pocket supports Django {oldest} and later.",
            f'Raise the requirement: "django>={oldest}".',
        )


def refuse_oversize(unzipped: int, largest: Sequence[tuple[str, int]], what: str = "packages") -> None:
    """Raises BuildFailed where `unzipped` bytes exceed Lambda's limit; `what` are the `largest` parts."""
    if unzipped > LIMIT:
        names = ", ".join(f"{name} ({megabytes(size)})" for name, size in largest)
        raise BuildFailed(
            f"The artifact is {megabytes(unzipped)} unpacked; Lambda's limit is {megabytes(LIMIT)}."
            f" The largest {what}: {names}.",
            "Remove packages from the project's dependencies, or exclude files with [awscontainer] exclude.",
        )


def megabytes(size: int) -> str:
    """`size` in bytes as text, in units of 1024 x 1024 bytes, as AWS counts them."""
    return f"{size / 1048576:.1f} MB"


def _buildable(stage: StageConfig) -> AwsContainer:
    container = stage.awscontainer
    if container is None:
        raise BuildFailed(
            f"Stage {stage.name!r} has no [awscontainer] table, so there is nothing to build.",
            "Declare at least one handler: [awscontainer.handlers.NAME].",
        )
    if container.dockerfile_path is not None:
        raise DeployError(
            f'awscontainer.dockerfile_path = "{container.dockerfile_path}": Pocket does not build images yet.',
            "Remove dockerfile_path to deploy a zip.",
        )
    return container


def _by_change(layers: Sequence[packages.Layer]) -> list[dict[str, Entry]]:
    """The files of the packages that change with the lock, and those of local packages."""
    trees: list[dict[str, Entry]] = [{}, {}]
    for layer in layers:
        trees[layer.local].update(layer.files)
    return trees


def _write(parts: Sequence[Mapping[str, Entry]], folder: Path, kept: Path) -> archive.Zip:
    """The zip of `parts` below `folder`; an existing zip with the same content is reused."""
    folder.mkdir(exist_ok=True)
    zipped = archive.write(parts, folder / f"{archive.digest(parts)[:32]}.zip", kept)
    cache.prune(folder, "*.zip", _KEPT_ARCHIVES)
    return zipped


def _largest(layers: Sequence[packages.Layer]) -> tuple[tuple[str, int], ...]:
    sizes = {name: size for layer in layers for name, size in layer.sizes.items()}
    return tuple(sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN_PACKAGES])


def _report(built: Artifact, reporter: Reporter) -> None:
    reporter.note(f"Artifact: {megabytes(built.size)} zipped, {megabytes(built.unzipped)} unpacked.")
    rows = [[name, megabytes(size)] for name, size in built.packages]
    reporter.table(["Largest packages", "Unpacked"], rows)


@contextmanager
def _locked_folder(directory: Path, reporter: Reporter) -> Iterator[Path]:
    """The project's build folder, locked against other builds, without the unfinished parts of a killed one."""
    folder = work_folder.make(directory, "build")
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            reporter.note("Another build of this project is running; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for unfinished in folder.glob("*/*.part"):
            shutil.rmtree(unfinished) if unfinished.is_dir() else unfinished.unlink()
        yield folder
