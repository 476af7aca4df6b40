"""What the artifact is made of: files that exist, a Python that Lambda has."""

from __future__ import annotations

from collections.abc import Iterator

from pocket.config.faults import Fault
from pocket.config.overlay import KeyPath
from pocket.config.stage import StageConfig
from pocket.config.tables.awscontainer import LAMBDA_PYTHONS

_FIRST_WITH_SNAPSTART = "3.12"


def faults(stage: StageConfig) -> Iterator[Fault]:
    """The faults of `[awscontainer]`'s own keys."""
    container = stage.awscontainer
    if container is None:
        return
    for key in ("dockerfile_path", "requirements"):
        name = getattr(container, key)
        if name is not None and not (stage.directory / name).is_file():
            message = f'There is no file "{name}" in the project\'s folder.'
            yield Fault(("awscontainer", key), "file", message, "The path is taken from the folder of pocket.toml.")
    image = container.dockerfile_path is not None
    if not image and container.python_version not in LAMBDA_PYTHONS:
        message = f"Lambda has no Python {container.python_version}, which runs this command."
        hint = f"Set python_version to one of {', '.join(LAMBDA_PYTHONS)}."
        yield Fault(("awscontainer", "python_version"), "python", message, hint)
    if container.snapstart:
        yield from _snapstart(image, container.python_version)


def _snapstart(image: bool, python_version: str) -> Iterator[Fault]:
    path: KeyPath = ("awscontainer", "snapstart")
    if image:
        message = "SnapStart needs a zip, and dockerfile_path makes the artifact an image."
        yield Fault(path, "image", message, "Remove one of the two.", (("awscontainer", "dockerfile_path"),))
    elif python_version in LAMBDA_PYTHONS[: LAMBDA_PYTHONS.index(_FIRST_WITH_SNAPSTART)]:
        message = f"SnapStart needs Python {_FIRST_WITH_SNAPSTART} or later, and the zip's is {python_version}."
        hint = "Set awscontainer.python_version, or leave SnapStart off."
        yield Fault(path, "python", message, hint, (("awscontainer", "python_version"),))
