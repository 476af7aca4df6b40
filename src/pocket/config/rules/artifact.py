"""Rules for the artifact: its files exist, and Lambda has its Python version."""

from __future__ import annotations

from collections.abc import Iterator

from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.stage import StageConfig
from pocket.config.tables.awscontainer import LAMBDA_PYTHONS

_FIRST_WITH_SNAPSTART = "3.12"


def issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues with the keys of `[awscontainer]` itself."""
    container = stage.awscontainer
    if container is None:
        return
    for key in ("dockerfile_path", "requirements"):
        name = getattr(container, key)
        if name is not None and not (stage.directory / name).is_file():
            message = f'There is no file "{name}" in the project.'
            yield Issue(("awscontainer", key), "file", message, "The path is relative to the directory of pocket.toml.")
    image = container.dockerfile_path is not None
    if not image and container.python_version not in LAMBDA_PYTHONS:
        message = f"Lambda does not have Python {container.python_version}, which runs this command."
        hint = f"Set python_version to one of {', '.join(LAMBDA_PYTHONS)}."
        yield Issue(("awscontainer", "python_version"), "python", message, hint)
    if container.snapstart:
        yield from _snapstart(image, container.python_version)


def _snapstart(image: bool, python_version: str) -> Iterator[Issue]:
    path: KeyPath = ("awscontainer", "snapstart")
    if image:
        message = "SnapStart needs a zip, but with dockerfile_path the artifact is an image."
        yield Issue(path, "image", message, "Remove one of the two.", (("awscontainer", "dockerfile_path"),))
    elif python_version in LAMBDA_PYTHONS[: LAMBDA_PYTHONS.index(_FIRST_WITH_SNAPSTART)]:
        message = f"SnapStart needs Python {_FIRST_WITH_SNAPSTART} or later; found {python_version}."
        hint = "Raise awscontainer.python_version, or remove snapstart."
        yield Issue(path, "python", message, hint, (("awscontainer", "python_version"),))
