"""A release goes from one stage to the next on the local AWS: the same bytes, gates again, and nothing built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from deploying import PlanRecorder
from gated_site import STAGE, Site

from pocket.config import Project
from pocket.deploy.operate import destroy
from pocket.deploy.releases.deploy import read
from pocket.deploy.releases.promotion import promote
from pocket.deploy.releases.run import Deployed
from pocket.deploy.target import Target
from pocket.errors import DeployError
from pocket.local import LocalAWS

BOTH = STAGE.replace('stages = ["dev"]', 'stages = ["dev", "prd"]')
OWN = '[prd.awscontainer]\nexclude = ["docs"]\n[prd.awscontainer.django.storages.staticfiles]\nstore = "filesystem"\n'


@pytest.fixture
def site(tmp_path: Path, target: Target, local_aws: LocalAWS) -> Iterator[Site]:
    found = Site(tmp_path, target, local_aws)
    yield found
    project = found.project(stage=BOTH)
    for name in ("dev", "prd"):
        destroy.destroy(project.stage(name), target, PlanRecorder())


def promoted(site: Site, project: Project, recorder: PlanRecorder | None = None) -> Deployed:
    return promote(
        project,
        (project.stage("dev"), project.stage("prd")),
        (site.target, site.target),
        recorder or PlanRecorder(),
        published=site.local.route,
    )


def test_the_same_artifact_goes_live_on_the_next_stage(site: Site) -> None:
    with pytest.raises(DeployError, match="'dev' has no live release to promote"):
        promoted(site, site.project(stage=BOTH))
    site.deploy(site.project("A", stage=BOTH))
    site.project("changed since", stage=BOTH)
    recorder = PlanRecorder()
    done = promoted(site, site.project("changed since", stage=BOTH), recorder)
    assert site.answer() == "A"
    dev, prd = (read(site.clients, site.project(stage=BOTH).stage(name)).history for name in ("dev", "prd"))
    assert dev.live_release is not None
    assert prd.live_release is not None
    assert prd.live_release.artifact == dev.live_release.artifact
    assert done.history.live == 1
    assert "Download the artifact" in recorder.steps
    assert not {"Pack the project", "Collect static files"} & {*recorder.steps}
    assert [step for step in recorder.steps if step.startswith("Gate checks")]

    renamed = BOTH + "[prd.awscontainer.django.settings]\nDEBUG = false\n"
    with pytest.raises(DeployError, match=r"pocket.toml has changed .* 'prd': django.settings.DEBUG: false"):
        promoted(site, site.project(stage=renamed))


def test_stages_that_ask_for_different_artifacts_are_refused(site: Site) -> None:
    project = site.project(stage=BOTH + OWN)
    with pytest.raises(DeployError, match=r"awscontainer.exclude, awscontainer.django.storages.staticfiles differ"):
        promoted(site, project)
    with pytest.raises(DeployError, match="has its own release already"):
        promote(project, (project.stage("dev"),) * 2, (site.target,) * 2, PlanRecorder())
