"""The previews of a project that exist: stages that are not declared, found by the tags of their stacks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pocket.config.previews import preview_of
from pocket.deploy.stacks.stack import every
from pocket.deploy.template.marks import PROJECT, STAGE
from pocket.deploy.template.storage import artifact_bucket_name
from pocket.errors import AWSCallFailed, DeployError

if TYPE_CHECKING:
    from pocket.config import Project, StageConfig
    from pocket.deploy.aws.session import Clients

DEPLOYED = ".pocket/deployed"
"""The key of an empty object, written at each deploy of a preview."""


def existing(clients: Clients, project: Project) -> dict[str, datetime]:
    """The previews in the region of `clients`, by name, with the time when a stack of theirs changed last."""
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


def record(clients: Clients, bucket: str) -> None:
    """Records a deploy, which may have changed nothing, in the artifact bucket."""
    clients.s3.put_object(Bucket=bucket, Key=DEPLOYED)


def expired(clients: Clients, project: Project, account: str, now: datetime) -> dict[str, datetime]:
    """The previews that were not deployed within `previews.expire_after`, with the times of their last deploys.

    Raises DeployError without such a time.
    """
    lifetime = project.previews.lifetime if project.previews is not None else None
    if project.previews is None or lifetime is None:
        raise DeployError("No preview ever expires.", 'Set expire_after = "7 days" in [previews].')
    source = project.stage(project.previews.source)
    found = {}
    for name, changed in existing(clients, project).items():
        if now - changed > lifetime:
            found[name] = max(changed, _recorded(clients, artifact_bucket_name(preview_of(source, name), account)))
    return {name: deployed for name, deployed in found.items() if now - deployed > lifetime}


def _recorded(clients: Clients, bucket: str) -> datetime:
    """When `record` was called last; long ago if never."""
    try:
        return clients.s3.get_object(Bucket=bucket, Key=DEPLOYED)["LastModified"]
    except AWSCallFailed as error:
        if error.code in {"NoSuchBucket", "NoSuchKey"}:
            return datetime.fromtimestamp(0, UTC)
        raise


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
