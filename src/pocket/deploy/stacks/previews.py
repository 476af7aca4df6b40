"""The previews of a project that exist: stages that are not declared, found by the tags of their stacks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pocket.deploy.stacks.stack import every
from pocket.deploy.template.marks import PROJECT, STAGE
from pocket.errors import DeployError

if TYPE_CHECKING:
    from pocket.config import Project, StageConfig
    from pocket.deploy.aws.session import Clients


def existing(clients: Clients, project: Project) -> dict[str, datetime]:
    """The previews in the region of `clients`, by name, with the time of the last change of their stacks."""
    if project.previews is None:
        return {}
    source = project.stage(project.previews.source)
    found: dict[str, datetime] = {}
    for stack in every(clients):
        name = stack.tags.get(STAGE, "")
        if stack.tags.get(PROJECT) == source.project_name and project.is_preview(name) and not stack.absent:
            changed = stack.changed or datetime.now(UTC)
            found[name] = max(found.get(name, changed), changed)
    return found


def expired(clients: Clients, project: Project, now: datetime) -> dict[str, datetime]:
    """The previews that were not deployed within `previews.expire_after`. Raises DeployError without such a time."""
    lifetime = project.previews.lifetime if project.previews is not None else None
    if lifetime is None:
        raise DeployError("No preview ever expires.", 'Set expire_after = "7 days" in [previews].')
    return {name: changed for name, changed in existing(clients, project).items() if now - changed > lifetime}


def refuse_beyond_limit(clients: Clients, project: Project, stage: StageConfig) -> None:
    """Raises DeployError for a new preview if there are as many as `previews.limit` allows."""
    limit = project.previews.limit if project.previews is not None else None
    if limit is None or not project.is_preview(stage.name):
        return
    others = existing(clients, project).keys() - {stage.name}
    if len(others) >= limit:
        raise DeployError(
            f"There are {len(others)} previews already, and previews.limit is {limit}: {', '.join(sorted(others))}.",
            "Remove one: pocket destroy --stage NAME, or those that are too old: pocket destroy --expired",
        )
