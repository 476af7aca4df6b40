"""A plan on the local AWS: what it shows, that it changes nothing, and that exactly it is applied."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from deploying import PlanRecorder
from gated_site import STAGE, WORKER, Site

from pocket.cli.plan import markdown
from pocket.config import Project
from pocket.deploy.operate import destroy
from pocket.deploy.releases import saved_plan
from pocket.deploy.releases.changes import Changes, show
from pocket.deploy.releases.plan import plan
from pocket.deploy.releases.saved_plan import SavedPlan
from pocket.deploy.reporting import PlanRow
from pocket.deploy.stacks.stack import find, state
from pocket.deploy.target import Target
from pocket.errors import PlanRefused
from pocket.local import LocalAWS


@pytest.fixture
def site(tmp_path: Path, target: Target, local_aws: LocalAWS) -> Iterator[Site]:
    found = Site(tmp_path, target, local_aws)
    yield found
    destroy.destroy(found.project().stage("dev"), target, PlanRecorder())


def planned(site: Site, project: Project) -> SavedPlan:
    return plan(project, project.stage("dev"), site.target, PlanRecorder(), skip_gates=["project"])


def test_a_plan_leaves_no_trace_and_is_applied_without_a_question(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = planned(site, site.project("A"))
    assert {row.action for row in first.changes.rows} == {"add"}
    assert first.live is None
    for stack in ("pocket-dev-gated", "pocket-dev-gated-storage"):
        assert find(site.clients, stack) is None, "not even one that waits for its change set"
    kept = tmp_path_factory.mktemp("plans") / "plan.json"
    kept.write_text(first.to_json())
    assert saved_plan.read(kept) == first
    recorder = PlanRecorder()
    assert site.deploy(site.project("A"), recorder, plan=first).changed
    assert recorder.questions == []

    before = state(site.clients, "pocket-dev-gated")
    envs = '[awscontainer.envs]\nMOOD = "glad"\nAPI_TOKEN = "0123456789"\n'
    changed = planned(site, site.project("B", stage=STAGE + WORKER + envs))
    assert ("add", "WorkerQueue") in {(row.action, row.name) for row in changed.changes.rows}
    assert changed.changes.settings == ("API_TOKEN: added (management, web)", "MOOD: glad (management, web)")
    assert changed.changes.cost == ("1 polled queue more: +0.26 a month; free within SQS's first million.",)
    assert changed.changes.migrations[0].startswith("not known: The project's migrations could not be listed:")
    assert state(site.clients, "pocket-dev-gated") == before
    left = site.clients.cloudformation.list_change_sets(StackName="pocket-dev-gated")["Summaries"]
    assert "AVAILABLE" not in {item["ExecutionStatus"] for item in left}

    with pytest.raises(PlanRefused, match="the deployed stage has changed since it was made"):
        site.deploy(site.project("B", stage=STAGE + WORKER + envs), plan=first)
    assert state(site.clients, "pocket-dev-gated") == before


CHANGES = Changes(
    rows=(PlanRow("change", "WebFunction", "AWS::Lambda::Function", "Code | <b>"),),
    settings=("MOOD: *glad*",),
    cost=("1 secret more: +0.40 a month.",),
)
PLAN = SavedPlan(
    "1", "shop", "dev", "123456789012", "eu-central-1", "a" * 64, "b" * 64, "c" * 64, CHANGES, 4, git="d" * 40 + "+"
)


def test_markdown_has_a_table_and_harmless_text() -> None:
    lines = list(markdown(PLAN))
    assert lines[0] == "### Plan of stage `dev` of `shop` in account 123456789012, eu-central-1"
    assert "commit `dddddddddddd+`, artifact `aaaaaaaaaaaa`, release 4 is live." in lines
    assert r"| change | `WebFunction` | AWS::Lambda::Function | Code \| \<b\> |" in lines
    assert r"- MOOD: \*glad\*" in lines
    assert "Nothing would change." in list(markdown(replace(PLAN, changes=Changes())))


def test_a_deploy_says_what_the_plan_says() -> None:
    recorder = PlanRecorder()
    show(CHANGES, recorder)
    assert recorder.plans == [CHANGES.rows]
    assert recorder.notes == ["Setting: MOOD: *glad*", "Cost: 1 secret more: +0.40 a month."]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("pocket", "Pocket 1 made it, and this is other"),
        ("stage", "it is of stage dev, not other"),
        ("account", "it is of account 123456789012, not other"),
        ("artifact", "the artifact is another one"),
        ("static", "the static files are others"),
        ("templates", "the templates are others"),
    ],
)
def test_another_plan_is_refused_with_the_reason(name: str, reason: str) -> None:
    PLAN.refuse_other(replace(PLAN, changes=Changes(), made="later", git="other"))
    with pytest.raises(PlanRefused, match=f"The plan was not applied: {reason}") as caught:
        PLAN.refuse_other(replace(PLAN, **{name: "other"}))  # type: ignore[arg-type] # each of these is a text
    assert caught.value.hint.startswith("Make another one and look at it: pocket plan --stage ")


def test_a_plan_is_not_applied_where_something_has_to_be_made_before() -> None:
    branch = PlanRow("add", "pocket-dev-shop", "Neon::Branch", early=True)
    with pytest.raises(PlanRefused, match="pocket-dev-shop has to be made or changed before") as caught:
        PLAN.refuse_other(replace(PLAN, changes=Changes(rows=(branch,))))
    assert caught.value.hint == "Begin with a deploy without a plan: pocket deploy --stage dev"


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({**json.loads(PLAN.to_json()), "format": 0})])
def test_a_file_without_a_plan_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(PlanRefused, match=r"has no plan of this version of Pocket"):
        saved_plan.read(tmp_path / "plan.json")


def test_a_plan_with_placeholders_is_not_for_a_file() -> None:
    cluster = PlanRow("add", "shop-database", "AWS::RDS::DBCluster", early=True)
    assert replace(PLAN, changes=Changes(rows=(cluster,))).early == ("shop-database",)
