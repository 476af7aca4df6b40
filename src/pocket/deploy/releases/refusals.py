"""What a deploy of a stage would refuse because of its files, found for `pocket check` without AWS and without a build.

A deploy finds the same on its way: it reads the same files and renders the same templates.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pocket.config import build_manifest
from pocket.deploy.build import own_resources, requirements, static
from pocket.deploy.template import Inputs, render, render_storage, validate
from pocket.deploy.template.own_refusals import UNBUILT
from pocket.deploy.template.storage import storage_stack_name
from pocket.errors import BuildFailed, ConfigError, ConfigErrors, DeployError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.config import Project, StageConfig
    from pocket.errors import PocketError

ANY_ACCOUNT = "123456789012"
"""Stands for the account of a stage whose file names none."""


def refusals(project: Project, stage: StageConfig, *, lint: bool) -> Iterator[PocketError]:
    """Each reason, as the deploy's error.

    With `lint`, cfn-lint checks the templates in any case, which takes seconds; else only with the user's resources.
    """
    try:
        validate.refuse_unsupported(project, stage)
    except ConfigErrors as errors:
        yield from errors.errors
    except (ConfigError, DeployError) as error:
        yield error
    else:
        yield from _templates(project, stage, lint=lint)
    yield from _build(project, stage)


def _templates(project: Project, stage: StageConfig, *, lint: bool) -> Iterator[PocketError]:
    try:
        own = json.loads(json.dumps(own_resources.read(stage), default=str))
        inputs = Inputs(stage, build_manifest(project).stages[stage.name], UNBUILT, own=own)
        templates = {
            stage.stack_name: render(inputs).to_json(),
            storage_stack_name(stage): render_storage(stage, stage.general.account or ANY_ACCOUNT).to_json(),
        }
        if lint:
            validate.check(templates, stage.region)
    except DeployError as error:
        yield error


def _build(project: Project, stage: StageConfig) -> Iterator[PocketError]:
    container = stage.awscontainer
    if container is None or container.dockerfile_path is not None:
        return
    try:
        source = requirements.locate(project.directory, container.requirements)
        requirements.selection(container, source)
        for file in () if source.suffix in (".lock", ".toml") else (source,):
            requirements.refuse_loose_hashes(file)
    except BuildFailed as error:
        yield error
    storage = container.django.storages.get(static.ALIAS)
    if storage is not None and storage.static and storage.store == "filesystem":
        try:
            static.refuse_location(storage.location)
        except BuildFailed as error:
            yield error
