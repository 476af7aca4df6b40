"""Builds the artifact: the project, its packages, the manifest and the map of static files, in one zip.

Builds are kept below `.pocket/build/` and `.pocket/cache/` in the project's folder. The same input gives the same
bytes. Parts whose input has not changed since the last build are reused, if their hash shows that they are intact.

The zip begins with what changes least: the packages of the lock, then local packages, static files, the project.
"""

from __future__ import annotations

import fcntl
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pocket import naming, work_folder
from pocket.config import FILE_NAME, build_manifest
from pocket.deploy.build import (
    archive,
    cache,
    children,
    modules,
    packages,
    parts,
    platforms,
    ready,
    requirements,
    snapshot,
    source,
    static,
    trimming,
)
from pocket.deploy.build.archive import Entry
from pocket.deploy.build.entrypoints import check_handlers
from pocket.deploy.build.limits import django_version, megabytes, refuse_old_django, refuse_oversize
from pocket.deploy.build.signing import check_signing
from pocket.deploy.reporting import Notes
from pocket.errors import BuildFailed, DeployError
from pocket.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from pocket.config import Project, StageConfig
    from pocket.config.tables.awscontainer import AwsContainer
    from pocket.deploy.build.archive import Beginning
    from pocket.deploy.build.platforms import Platform
    from pocket.deploy.build.static import StaticFiles
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.target import Target

_SHOWN_PACKAGES = 5
_KEPT_ARCHIVES = 2
_KEPT_BUNDLES = 6

_ARTIFACTS = "artifacts"
"""The folder in the build folder with the last artifacts."""

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
    """Returns the artifact of `stage` for `target`. Raises as `begin` and `Build.finish`."""
    with begin(project, stage, target, reporter) as begun:
        return begun.finish()


@contextmanager
def begin(project: Project, stage: StageConfig, target: Target, reporter: Reporter) -> Iterator[Build]:
    """A build that has begun in the background, locked against others of the project until it is closed.

    What still runs in it when the block ends, is ended. Raises BuildFailed where the stage has nothing to build,
    DeployError where it needs a container image.
    """
    container = _buildable(stage)
    with ExitStack() as stack:
        with _failing(project.directory):
            folder = stack.enter_context(_locked_folder(project.directory, reporter))
        pool = stack.enter_context(_background())
        platform = platforms.choose(container, target)
        yield Build(project, stage, container, target, reporter, folder, pool, platform, stack.close)


@contextmanager
def _background() -> Iterator[ThreadPoolExecutor]:
    """Threads for a build; what they have not done when the block ends, they do not do."""
    running = children.Children()
    pool = ThreadPoolExecutor(3, initializer=running.adopt)
    try:
        yield pool
    finally:
        running.end()
        pool.shutdown(cancel_futures=True)


@contextmanager
def _failing(directory: Path) -> Iterator[None]:
    """Raises BuildFailed for an OSError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise BuildFailed(
            f"The artifact could not be built: {where}{error.strerror or error}.",
            f"Remove {directory / work_folder.NAME / 'build'} and build again.",
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


@dataclass
class Build:
    """One build, in `folder`, which no other build uses at the same time.

    Packages and the project's files, and beside them the static files, are looked at in the background from the
    beginning, and packed if no package has to be installed, while the caller does something else. Nothing is reported
    before `finish`.
    """

    project: Project
    stage: StageConfig
    container: AwsContainer
    target: Target
    reporter: Reporter
    folder: Path
    pool: ThreadPoolExecutor
    platform: Platform
    close: Callable[[], None]
    """Lets other builds use the folder."""
    _taken: Future[snapshot.Snapshot] = field(init=False)
    _ready: Future[ready.Ready] = field(init=False)
    _collected: Future[tuple[Entry, static.Collected]] = field(init=False)
    _packed: Future[tuple[Artifact, Notes] | None] = field(init=False)

    def __post_init__(self) -> None:
        self._begin()

    def taken(self) -> snapshot.Snapshot:
        """The project's files that go into the artifact: others, if it had to be built again. Raises BuildFailed."""
        with _failing(self.project.directory):
            return self._taken.result()

    def looks_changed(self) -> bool:
        """Whether a file of the project is newer than the last artifact; only a guess, to begin early what it needs."""
        directory = self.project.directory
        declared = (directory / name for name in (FILE_NAME, requirements.LOCK, "requirements.txt", "pyproject.toml"))
        files = [*self.taken().source.files.values(), *(path for path in declared if path.is_file())]
        built = [path.stat().st_mtime_ns for path in (self.folder / _ARTIFACTS).glob("*.zip")]
        return max((path.stat().st_mtime_ns for path in files), default=0) > max(built, default=0)

    def finish(self) -> Artifact:
        """The artifact.

        Raises BuildFailed where it cannot be built, ConfigErrors where a handler's `command` is not in it.
        """
        with _failing(self.project.directory):
            try:
                return self._finish()
            except archive.Changed as error:
                self.reporter.note(f"{error.message} It is built again.")
                packages.remove_layer(self.folder / "layers", error.path)
                self._begin()
                return self._finish()

    def _begin(self) -> None:
        directory = self.project.directory
        self._taken = self.pool.submit(self._take)
        self._ready = self.pool.submit(
            ready.get_ready, directory, self.container, self.platform, self.folder, self._taken.result
        )
        self._collected = self.pool.submit(self._collect)
        self._packed = self.pool.submit(self._pack_ready)

    def _take(self) -> snapshot.Snapshot:
        found = source.select(self.project.directory, self.container.exclude)
        return snapshot.make(found, self.folder / ready.SOURCE)

    def _collect(self) -> tuple[Entry, static.Collected]:
        """The manifest, and the static files."""
        manifest = write_manifest(build_manifest(self.project), self.folder / naming.MANIFEST_FILE)
        folder = self.folder / "static" / self.stage.name
        collected = static.collect(self.project, self.stage, self.target, manifest=manifest, folder=folder)
        return Entry.of(manifest), collected

    def _finish(self) -> Artifact:
        layers, own = self._packages()
        with self.reporter.step("Collect static files") if static.are_collected(self.stage) else nullcontext():
            self._collected.result()
        with self.reporter.step("Pack the project"):
            built, notes = self._packed.result() or self._pack(layers, own)
        for note in notes.texts:
            self.reporter.note(note)
        _report(built, self.reporter)
        return built

    def _pack_ready(self) -> tuple[Artifact, Notes] | None:
        """What is packed, where no package has to be installed for it."""
        found = self._ready.result()
        return None if found.layers is None else self._pack(found.layers, found.own)

    def _pack(self, layers: Sequence[packages.Layer], own: Mapping[str, Entry]) -> tuple[Artifact, Notes]:
        """The artifact of the packages and the project's own files, and what there is to say of it."""
        notes = Notes()
        django = django_version({name: entry for layer in layers for name, entry in layer.files.items()})
        refuse_old_django(django)
        layers = trimming.trim(layers, own, self.container.exclude, notes)
        files = parts.merge([*(layer.files for layer in layers), own], notes)
        check_handlers(self.project, self.stage, files)
        check_signing(self.stage, files)
        manifest, collected = self._collected.result()
        notes.texts += collected.notes(django)
        mapped, served = parts.static_entries(collected.files)
        own = {**own, naming.MANIFEST_FILE: manifest, **mapped}
        return self._written(layers, served, own, collected.files), notes

    def _packages(self) -> tuple[list[packages.Layer], Mapping[str, Entry]]:
        """The packages' layers, and the project's own files."""
        platform, directory = self.platform, self.project.directory
        with self.reporter.step(f"Install packages for Python {platform.python} on {platform.label}"):
            found = self._ready.result()
            for note in found.notes:
                self.reporter.note(note)
            layers = found.layers
            if layers is None:
                if platform.uv is None and (missing := ready.missing_wheels(directory, self.container, found)):
                    self.reporter.note(missing)
                layers = packages.install(found.wanted, platform, found.interpreter, self.folder / "layers")
        for note in found.of_source:
            self.reporter.note(note)
        return layers, found.own

    def _written(
        self,
        layers: Sequence[packages.Layer],
        served: Mapping[str, Entry],
        own: Mapping[str, Entry],
        collected: StaticFiles | None,
    ) -> Artifact:
        """The artifact of packages, static files that are served from it, and all else."""
        kept = work_folder.make(self.project.directory, CACHE)
        remote, local, served, own = parts.separate([*parts.by_change(layers), served, own])
        remote, local, own = modules.bundled([remote, local, own], own, kept)
        all_parts = [remote, local, served, own]
        unzipped = sum(entry.size for part in all_parts for entry in part.values())
        largest = _largest(layers)
        refuse_oversize(unzipped, largest)
        zipped = _write(all_parts, self.folder / _ARTIFACTS, kept)
        cache.prune(kept, "*.zip", _KEPT_ARCHIVES)
        cache.prune(kept, f"*{modules.SUFFIX}", _KEPT_BUNDLES)
        return Artifact(
            path=zipped.path,
            sha256=zipped.sha256,
            size=zipped.path.stat().st_size,
            unzipped=unzipped,
            packages=largest,
            static=collected if collected is not None and collected.in_bucket else None,
            beginnings=zipped.beginnings,
        )


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
