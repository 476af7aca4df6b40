"""Rules for the artifact: its files exist, and Lambda has its Python version."""

from __future__ import annotations

from collections.abc import Iterator

from pocket.config.issues import Issue
from pocket.config.stage import StageConfig
from pocket.config.tables.awscontainer import LAMBDA_PYTHONS, PLATFORMS

_FIRST_WITH_SNAPSTART = "3.12"


def issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues with the keys of `[awscontainer]` itself."""
    container = stage.awscontainer
    if container is None:
        return
    for key in ("dockerfile_path", "requirements", "resources"):
        name = getattr(container, key)
        if name is not None and not (stage.directory / name).is_file():
            message = f'There is no file "{name}" in the project.'
            yield Issue(("awscontainer", key), "file", message, "The path is relative to the directory of pocket.toml.")
    if container.platform is not None and PLATFORMS[container.platform] != container.architecture:
        message = (
            f'Its architecture is {PLATFORMS[container.platform]}, but architecture is "{container.architecture}".'
        )
        needs = (("awscontainer", "architecture"),)
        yield Issue(("awscontainer", "platform"), "architecture", message, "Remove one of the two keys.", needs)
    if container.resource_envs and container.resources is None:
        message = "The values are outputs of awscontainer.resources, which is not set."
        yield Issue(("awscontainer", "resource_envs"), "resources", message, "Set resources, or use envs.")
    image = container.dockerfile_path is not None
    if not image and container.python_version not in LAMBDA_PYTHONS:
        message = f"Lambda does not have Python {container.python_version}, which runs this command."
        hint = f"Set python_version to one of {', '.join(LAMBDA_PYTHONS)}."
        yield Issue(("awscontainer", "python_version"), "python", message, hint)
    too_old = LAMBDA_PYTHONS[: LAMBDA_PYTHONS.index(_FIRST_WITH_SNAPSTART)]
    if container.snapstart and not image and container.python_version in too_old:
        message = f"SnapStart needs Python {_FIRST_WITH_SNAPSTART} or later; found {container.python_version}."
        hint = "Raise awscontainer.python_version, or remove snapstart."
        needs = (("awscontainer", "python_version"),)
        yield Issue(("awscontainer", "snapstart"), "python", message, hint, needs)
