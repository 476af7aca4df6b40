"""Previews on the local AWS: one deployed without an entry of its own, and those that are too many or too old."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deploying import PlanRecorder
from gated_site import STAGE, Site

from pocket.config import Project
from pocket.deploy.aws.account import account_id
from pocket.deploy.operate import destroy
from pocket.deploy.releases import deploy as release
from pocket.deploy.stacks import previews
from pocket.deploy.stacks.stack import find
from pocket.deploy.target import Target
from pocket.deploy.template.storage import artifact_bucket_name
from pocket.errors import DeployError
from pocket.local import LocalAWS

TABLE = '[previews]\npattern = "pr-*"\nfrom = "dev"\nexpire_after = "2 hours"\nlimit = 1\n'


@pytest.fixture
def site(tmp_path: Path, target: Target, local_aws: LocalAWS) -> Iterator[Site]:
    found = Site(tmp_path, target, local_aws)
    yield found
    project = found.project(stage=STAGE + TABLE)
    for name in ("pr-1", "pr-2"):
        stage = project.with_stage(name).stage(name)
        destroy.destroy(stage, target, PlanRecorder(), whole=True)
    assert previews.existing(found.clients, project) == {}


def deployed(site: Site, project: Project, name: str) -> None:
    release.deploy(
        project.with_stage(name),
        project.with_stage(name).stage(name),
        site.target,
        PlanRecorder(),
        skip_gates=["project"],
        published=site.local.route,
    )


def test_a_preview_is_deployed_counted_and_expires(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    project = site.project("P", stage=STAGE + TABLE)
    assert previews.existing(site.clients, project) == {}
    deployed(site, project, "pr-1")
    assert site.answer() == "P"
    assert find(site.clients, "pocket-pr-1-gated") is not None
    assert find(site.clients, "pocket-dev-gated") is None, "the stage that it is made from is not touched"
    now = datetime.now(UTC)
    assert previews.existing(site.clients, project).keys() == {"pr-1"}
    account = account_id(site.clients)
    assert previews.expired(site.clients, project, account, now) == {}
    assert previews.expired(site.clients, project, account, now + timedelta(hours=3)).keys() == {"pr-1"}
    with monkeypatch.context() as patched:
        patched.setattr(previews, "existing", lambda *_: {"pr-1": now - timedelta(hours=3)})
        assert previews.expired(site.clients, project, account, now) == {}, "a deploy counts that changes no stack"
        bucket = artifact_bucket_name(project.with_stage("pr-1").stage("pr-1"), account)
        site.clients.s3.delete_object(Bucket=bucket, Key=previews.DEPLOYED)
        assert previews.expired(site.clients, project, account, now).keys() == {"pr-1"}
    with pytest.raises(DeployError, match=r"There are 1 previews already, and previews.limit is 1: pr-1."):
        deployed(site, project, "pr-2")
    forever = site.project(stage=STAGE + TABLE.replace('expire_after = "2 hours"\n', ""))
    with pytest.raises(DeployError, match="No preview ever expires"):
        previews.expired(site.clients, forever, account, now)
