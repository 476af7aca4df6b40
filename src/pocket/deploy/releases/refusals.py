"""What a deploy of a stage would refuse because of its files, found for `pocket check` without AWS and without a build.

A deploy finds the same on its way: it reads the same files and renders the same templates. Only a build knows which
versions an index has for requirements without a lock, whether each package installs on Lambda, and how large it is.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pocket import naming
from pocket.config import build_manifest
from pocket.deploy.build import (
    artifact,
    limits,
    own_resources,
    platforms,
    requirements,
    signing,
    source,
    static,
    wheels,
)
from pocket.deploy.template import Inputs, render, render_storage, validate
from pocket.deploy.template.own_refusals import UNBUILT
from pocket.deploy.template.reference_refusals import refers
from pocket.deploy.template.storage import storage_stack_name
from pocket.errors import BuildFailed, ConfigError, ConfigErrors, DeployError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pocket.config import Project, StageConfig
    from pocket.config.tables.awscontainer import AwsContainer
    from pocket.deploy.build.platforms import Platform
    from pocket.deploy.build.requirements import Requirements
    from pocket.deploy.target import Target
    from pocket.errors import PocketError

ANY_ACCOUNT = "123456789012"
"""Stands for the account of a stage whose file names none."""

_SHOWN_FILES = 5


@dataclass
class Refusals:
    """What a deploy of the project's stages would refuse. Stages share what is read of the same files.

    With `lint`, cfn-lint checks the templates in any case, which takes seconds; else only with resources of the user's,
    or if a permission refers to a resource.
    """

    project: Project
    lint: bool
    _known: dict[tuple[object, ...], Requirements | BuildFailed] = field(default_factory=dict)

    def of(self, stage: StageConfig) -> Iterator[PocketError]:
        """Each reason, as the deploy's error."""
        try:
            validate.refuse_unsupported(self.project, stage)
        except ConfigErrors as errors:
            yield from errors.errors
        except (ConfigError, DeployError) as error:
            yield error
        else:
            yield from self._templates(stage)
        container = stage.awscontainer
        if container is not None and container.dockerfile_path is None:
            yield from self._build(stage, container)

    def _templates(self, stage: StageConfig) -> Iterator[PocketError]:
        try:
            own = json.loads(json.dumps(own_resources.read(stage), default=str))
            inputs = Inputs(stage, build_manifest(self.project).stages[stage.name], UNBUILT, own=own)
            templates = {
                stage.stack_name: render(inputs).to_json(),
                storage_stack_name(stage): render_storage(stage, stage.general.account or ANY_ACCOUNT).to_json(),
            }
            if self.lint or (own_resources.path_of(stage) is None and refers(stage)):
                validate.check(templates, stage.region)
        except DeployError as error:
            yield error

    def _build(self, stage: StageConfig, container: AwsContainer) -> Iterator[PocketError]:
        files: Sequence[str] = ()
        try:
            files = self._files(container)
        except BuildFailed as error:
            yield error
        try:
            self._packages(stage, container, files)
        except BuildFailed as error:
            yield error
        storage = container.django.storages.get(static.ALIAS)
        if storage is not None and storage.static and storage.store == "filesystem":
            try:
                static.refuse_location(storage.location)
            except BuildFailed as error:
                yield error

    def _files(self, container: AwsContainer) -> list[str]:
        """The names of the project's files that would be packed. Raises BuildFailed where they cannot be."""
        files = source.select(self.project.directory, container.exclude).files
        sizes = {name: path.stat().st_size for name, path in files.items()}
        largest = sorted(sizes.items(), key=lambda item: -item[1])[:_SHOWN_FILES]
        limits.refuse_oversize(sum(sizes.values()), largest, "files")
        return list(files)

    def _packages(self, stage: StageConfig, container: AwsContainer, files: Sequence[str]) -> None:
        """Raises BuildFailed where the requirements do not resolve to what a function needs."""
        place = requirements.locate(self.project.directory, container.requirements)
        options = requirements.selection(container, place)
        if place.name != requirements.LOCK:
            if place.suffix != ".toml":
                requirements.refuse_loose_hashes(place)
            return
        platform = platforms.lambda_platform(container.python_version, container.architecture)
        wanted = self._locked(place, platform, options)
        limits.refuse_old_django(wheels.version_of("django", wanted.packages, platform))
        signing.check_signing(stage, [*files, *(f"{package.name}/" for package in wanted.packages)])

    def _locked(self, place: Path, platform: Platform, options: Sequence[str]) -> Requirements:
        key = (place, *options)
        if key not in self._known:
            try:
                # A lock holds the packages of every platform, so it is read once.
                self._known[key] = requirements.resolve(self.project.directory, place, platform, options=options)
            except BuildFailed as error:
                self._known[key] = error
        known = self._known[key]
        if isinstance(known, BuildFailed):
            raise known
        return known


def of_static_files(project: Project, stage: StageConfig, target: Target) -> Iterator[PocketError]:
    """Why the stage's static files cannot be collected, from a project that starts; they are collected and removed."""
    with tempfile.TemporaryDirectory(prefix="pocket-static-") as name:
        folder = Path(name)
        manifest = artifact.write_manifest(build_manifest(project), folder / naming.MANIFEST_FILE)
        try:
            static.collect(project, stage, target, manifest=manifest, folder=folder / "static")
        except BuildFailed as error:
            yield error
