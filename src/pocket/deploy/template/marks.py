"""How Pocket marks what it makes: tags, which CloudFormation passes on to a stack's resources, and a description."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pocket.config import StageConfig

PROJECT, STAGE, ORIGIN = "pocket:project", "pocket:stage", "pocket:origin"
"""The tags: the project's name, the stage's, and the repository of the project."""

METADATA = "Pocket"
"""The key of a template's `Metadata` under which Pocket keeps what it records there."""

MADE = "made by Pocket"
"""How the description of every stack ends."""

_NOT_IN_TAGS = re.compile(r"[^\w +\-=.:/@]")


def marks(stage: StageConfig, origin: str = "") -> dict[str, str]:
    """The tags of what belongs to the stage; `origin` is "" where it is not known."""
    known = {ORIGIN: _NOT_IN_TAGS.sub("_", origin)[:256]} if origin else {}
    return {PROJECT: stage.project_name, STAGE: stage.name, **known}


def marked(stage: StageConfig, tags: Mapping[str, str]) -> bool:
    """Whether those tags are the stage's."""
    return marks(stage).items() <= tags.items()


def listed(tags: Mapping[str, str]) -> list[Any]:
    """Tags as most of AWS's APIs take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def by_key(tags: Iterable[Any]) -> dict[str, str]:
    """Tags as most of AWS's APIs return them, by their keys."""
    return {item.get("Key", ""): item.get("Value", "") for item in tags}


def description(stage: StageConfig, what: str) -> str:
    """The description of a stack of the stage; it begins with `what`."""
    return f"{what} {stage.name} of {stage.project_name}, {MADE}"
