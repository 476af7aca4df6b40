"""The Aurora cluster of a stage, against botocore's model of RDS: created once, waited for, kept, never taken over."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from deploying import SMALL, PlanRecorder, deployable, project
from rds import HOST, RDS, installed

from pocket.config import StageConfig
from pocket.deploy.aws.session import Clients
from pocket.deploy.operate import branches, database, destroy
from pocket.deploy.releases import deploy as release
from pocket.deploy.releases.plan import plan
from pocket.deploy.stacks import aurora
from pocket.deploy.target import Credentials, Target
from pocket.errors import AWSCallFailed, ConfigErrors, DeployError, PlanRefused
from pocket.local import LocalAWS

AURORA = f'[database]\nengine = "aurora"\n{SMALL}'
NAME = "pocket-dev-small-database"
TARGET = Target("eu-central-1", credentials=Credentials("AKIDEXAMPLE", "secret"))


@pytest.fixture
def rds(monkeypatch: pytest.MonkeyPatch) -> RDS:
    monkeypatch.setattr(aurora, "PAUSE", 0.0)
    return installed(monkeypatch)


@pytest.fixture
def stage(tmp_path: Path) -> StageConfig:
    return project(tmp_path, AURORA).stage("dev")


def ensure(stage: StageConfig, recorder: PlanRecorder | None = None, target: Target = TARGET, **more: Any) -> Any:
    return aurora.ensure(Clients(target), stage, recorder or PlanRecorder(), **more)


def refused(stage: StageConfig) -> DeployError:
    with pytest.raises(DeployError) as caught:
        ensure(stage)
    return caught.value


def test_it_is_created_in_one_call_with_the_stages_tags_and_found_again(rds: RDS, stage: StageConfig) -> None:
    recorder = PlanRecorder()
    access = ensure(stage, recorder)
    assert access.url == f"pocket.django.databases.iam://app@{HOST}:5432/postgres"
    assert access.owner == "postgres"
    assert access.resource_id == "cluster-ABC"
    (created,) = [given for operation, given in rds.calls if operation == "CreateDBCluster"]
    assert created == {
        "DBClusterIdentifier": NAME,
        "Engine": "aurora-postgresql",
        "WithExpressConfiguration": True,
        "Tags": [{"Key": "pocket:project", "Value": "small"}, {"Key": "pocket:stage", "Value": "dev"}],
    }
    assert len(recorder.questions) == 1
    again = PlanRecorder()
    assert ensure(stage, again) == access
    assert rds.changes == ["CreateDBCluster"]
    assert again.questions == []


def test_without_a_yes_nothing_is_created(rds: RDS, stage: StageConfig) -> None:
    with pytest.raises(PlanRefused, match="nothing was changed"):
        ensure(stage, PlanRecorder(agrees=False))
    assert rds.changes == []
    assert ensure(stage, PlanRecorder(agrees=False), assume_yes=True).host == HOST


def test_another_stages_cluster_is_not_taken_over(rds: RDS, stage: StageConfig, tmp_path: Path) -> None:
    ensure(stage)
    rds.clusters[NAME]["TagList"] = [{"Key": "pocket:project", "Value": "other"}]
    assert "Pocket did not create it for stage 'dev' of project 'small'" in refused(stage).message
    with pytest.raises(DeployError, match="Pocket did not create it"):
        database.access(stage, TARGET)
    assert rds.changes == ["CreateDBCluster"]


def test_an_interrupted_deploy_waits_for_the_same_cluster(rds: RDS, stage: StageConfig) -> None:
    rds.refusals["DescribeDBClusters"] = ("DBClusterNotFoundFault", "no")
    rds.later = ["creating", "configuring-iam-database-auth"]
    recorder = PlanRecorder()
    assert ensure(stage, recorder).host == HOST
    assert recorder.events == [f"{NAME} is creating", f"{NAME} is configuring-iam-database-auth"]
    rds.clusters[NAME] |= {"Status": "creating", "Endpoint": ""}
    assert ensure(stage).host == HOST
    assert rds.changes == ["CreateDBCluster"]


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        ("stopped", f"aws rds start-db-cluster --region eu-central-1 --db-cluster-identifier {NAME}"),
        ("deleting", "Wait"),
        ("failed", "Look"),
    ],
)
def test_a_cluster_that_does_not_come_by_itself_is_an_error(
    rds: RDS, stage: StageConfig, status: str, hint: str
) -> None:
    ensure(stage)
    rds.clusters[NAME]["Status"] = status
    error = refused(stage)
    assert error.message == f"The cluster {NAME} is {status}."
    assert hint in error.hint


def test_the_wait_has_an_end(rds: RDS, stage: StageConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure(stage)
    monkeypatch.setattr(aurora, "WAIT_SECONDS", -1.0)
    rds.later = ["upgrading"] * 5
    error = refused(stage)
    assert "still upgrading" in error.message
    assert error.hint == "Deploy again: it goes on waiting."


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("DBClusterQuotaExceededFault", "raise the quota"),
        ("DBClusterAlreadyExistsFault", "Deploy again"),
        ("InvalidParameterCombination", "may not exist in this region"),
    ],
)
def test_what_aws_refuses_has_a_hint(rds: RDS, stage: StageConfig, code: str, hint: str) -> None:
    rds.refusals["CreateDBCluster"] = (code, "AWS says no.")
    error = refused(stage)
    assert "AWS says no." in error.message
    assert hint in error.hint
    assert rds.clusters == {}


def test_a_missing_permission_is_named(rds: RDS, stage: StageConfig) -> None:
    rds.refusals["CreateDBCluster"] = ("AccessDenied", "not authorized to perform: rds:CreateDBCluster")
    with pytest.raises(AWSCallFailed, match="rds:CreateDBCluster"):
        ensure(stage)


def test_a_rehearsal_and_another_engine_have_no_cluster(rds: RDS, stage: StageConfig, tmp_path: Path) -> None:
    given = Target("eu-central-1", environment={"DATABASE_URL": "postgres://a@127.0.0.1/b"})
    assert ensure(stage, target=given) is None
    assert ensure(project(tmp_path, SMALL).stage("dev")) is None
    assert rds.calls == []


def test_an_operator_connects_with_a_token(rds: RDS, stage: StageConfig) -> None:
    with pytest.raises(DeployError, match="does not exist") as missing:
        database.access(stage, TARGET)
    assert missing.value.hint == "pocket deploy --stage dev"
    ensure(stage)
    found = database.access(stage, TARGET)
    assert (found.host, found.user, found.name) == (HOST, "postgres", "postgres")
    assert found.password.startswith(f"{HOST}:5432/?Action=connect&DBUser=postgres")


def test_a_deploy_gives_the_functions_the_cluster_and_destroy_keeps_it(
    rds: RDS, tmp_path: Path, target: Target, clients: Clients, local_aws: LocalAWS
) -> None:
    found = deployable(tmp_path, AURORA.replace('project_name = "small"', 'project_name = "aurora"'))
    stage = found.stage("dev")
    planned = plan(found, stage, target, PlanRecorder(), skip_gates=["project"])
    assert planned.early == ("pocket-dev-aurora-database",)
    assert any("for each hour of one ACU" in sentence for sentence in planned.changes.cost)
    assert rds.changes == [], "a plan creates no cluster"
    recorder = PlanRecorder()
    release.deploy(found, stage, target, recorder, skip_gates=["project"], published=local_aws.route)
    assert recorder.steps.index("Create the Aurora cluster pocket-dev-aurora-database") < recorder.steps.index(
        "Plan the changes"
    )
    for handler, user in (("web", "app"), ("management", "postgres")):
        function = clients.lambda_.get_function_configuration(FunctionName=f"pocket-dev-aurora-{handler}")
        url = function["Environment"]["Variables"]["DATABASE_URL"]
        assert url.startswith(f"pocket.django.databases.iam://{user}@{HOST}")
    again = release.deploy(found, stage, target, PlanRecorder(), skip_gates=["project"], published=local_aws.route)
    assert not again.changed
    name = "pocket-dev-aurora-database"
    made = branches.copy(stage, target, "try", PlanRecorder())
    moved = deployable(
        tmp_path, (tmp_path / "pocket.toml").read_text().replace('"aurora"\n', f'"aurora"\ncluster = "{made}"\n', 1)
    )
    for asked, live in ((stage, "is the database of stage 'dev'"), (moved.stage("dev"), "of the live release")):
        with pytest.raises(DeployError, match=live):
            branches.remove(asked, target, name, PlanRecorder())
    with pytest.raises(DeployError, match="There is no copy other"):
        branches.remove(stage, target, "other", PlanRecorder())
    rds.clusters[made]["DbClusterResourceId"] = "cluster-OTHER"
    assert f"cluster {made}" in branches.remove(stage, target, made, PlanRecorder())
    kept = destroy.destroy(stage, target, PlanRecorder()).kept
    assert [line for line in kept if "`--with-database pocket-dev-aurora-database`" in line]
    assert rds.changes == [
        *("CreateDBCluster", "RestoreDBClusterToPointInTime", "CreateDBInstance"),
        *("DeleteDBInstance", "DeleteDBCluster"),
    ]


def test_it_is_removed_by_its_name_after_a_last_snapshot(rds: RDS, stage: StageConfig, target: Target) -> None:
    ensure(stage)
    with pytest.raises(DeployError, match="is not the database of stage 'dev'") as refused:
        destroy.destroy(stage, target, PlanRecorder(), with_database="pocket-dev-other")
    assert NAME in refused.value.hint
    assert rds.changes == ["CreateDBCluster"]
    lines: list[str] = []

    def confirm(removal: destroy.Removal) -> bool:
        lines.extend(removal.lines())
        return True

    done = destroy.destroy(stage, target, PlanRecorder(), confirm=confirm, with_database=NAME)
    assert f"cluster {NAME} with its data, after a last snapshot" in lines
    assert rds.changes == ["CreateDBCluster", "DeleteDBInstance", "DeleteDBCluster"]
    last = rds.calls[-1][1]
    assert last["SkipFinalSnapshot"] is False
    assert re.fullmatch(rf"{NAME}-[0-9]{{8}}-[0-9]{{6}}", last["FinalDBSnapshotIdentifier"])
    assert last["FinalDBSnapshotIdentifier"] in done.removed[-1]
    repeated = destroy.destroy(stage, target, PlanRecorder(), whole=True)
    assert "already being deleted" in repeated.removed[-1]


@pytest.mark.parametrize("at", [datetime(2026, 11, 1, 9, 30, tzinfo=UTC), None])
def test_a_copy_has_the_data_of_a_time_and_the_same_network(
    rds: RDS, stage: StageConfig, at: datetime | None, tmp_path: Path
) -> None:
    with pytest.raises(DeployError, match=f"The cluster {NAME} does not exist"):
        branches.restore(stage, TARGET, at, PlanRecorder())
    ensure(stage)
    rds.instance_states = ["creating", "configuring-enhanced-monitoring"]
    recorder = PlanRecorder()
    made = branches.restore(stage, TARGET, at, recorder) if at else branches.copy(stage, TARGET, "try", recorder)
    assert re.fullmatch(rf"{NAME}-[0-9]{{8}}-[0-9]{{6}}" if at else f"{NAME}-try", made)
    assert recorder.events == [f"{made} is creating", f"{made} is configuring-enhanced-monitoring"]
    (asked,) = [given for operation, given in rds.calls if operation == "RestoreDBClusterToPointInTime"]
    assert asked["SourceDBClusterIdentifier"] == NAME
    assert (asked["EnableVPCNetworking"], asked["EnableInternetAccessGateway"]) == (False, True)
    assert asked["EnableIAMDatabaseAuthentication"]
    assert asked["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 0.0, "MaxCapacity": 16.0}
    assert asked.get("RestoreToTime") == at
    assert asked["RestoreType"] == ("full-copy" if at else "copy-on-write")
    switched = project(tmp_path, AURORA.replace('"aurora"', f'"aurora"\ncluster = "{made}"')).stage("dev")
    assert ensure(switched, PlanRecorder(agrees=False)).owner == "postgres"
    assert rds.changes == ["CreateDBCluster", "RestoreDBClusterToPointInTime", "CreateDBInstance"]
    rds.refusals["RestoreDBClusterToPointInTime"] = ("DBClusterAlreadyExistsFault", "It exists.")
    with pytest.raises(DeployError, match="exists already") as taken:
        branches.copy(stage, TARGET, "try", PlanRecorder())
    assert f"pocket db remove --stage dev {NAME}-try" in taken.value.hint


def test_a_copy_that_was_interrupted_gets_its_instance_from_the_deploy_that_uses_it(
    rds: RDS, stage: StageConfig, tmp_path: Path
) -> None:
    ensure(stage)
    rds.refusals["CreateDBInstance"] = ("InstanceQuotaExceeded", "no")
    with pytest.raises(AWSCallFailed):
        branches.copy(stage, TARGET, "try", PlanRecorder())
    switched = project(tmp_path, AURORA.replace('"aurora"', f'"aurora"\ncluster = "{NAME}-try"')).stage("dev")
    rds.instance_states = ["creating"]
    assert ensure(switched, PlanRecorder()).host == HOST
    assert rds.changes[-2:] == ["CreateDBInstance", "CreateDBInstance"]
    assert ensure(switched, PlanRecorder()).host == HOST
    assert rds.changes.count("CreateDBInstance") == 2


def test_an_instance_that_its_cluster_does_not_list_yet_is_waited_for(rds: RDS, stage: StageConfig) -> None:
    ensure(stage)
    members = rds.clusters[NAME]["DBClusterMembers"]
    rds.clusters[NAME]["DBClusterMembers"] = []
    rds.refusals["CreateDBInstance"] = ("DBInstanceAlreadyExists", "It exists.")
    later = [[], members]

    def answer(operation: str, given: dict[str, Any]) -> dict[str, Any]:
        if operation == "DescribeDBClusters" and later:
            rds.clusters[NAME]["DBClusterMembers"] = later.pop(0)
        return RDS.answer(rds, operation, given)

    rds.answer = answer  # type: ignore[method-assign]  # the double of this test
    assert ensure(stage).host == HOST


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (AURORA.replace('"aurora"', '"aurora"\ncluster = "one"'), "would share the database of the cluster one"),
        (AURORA.replace('"aurora"', '"aurora"\nhost = "a.example.com"'), 'The engine "aurora" has no host'),
        (AURORA.replace('"aurora"', '"aurora"\ncluster = "a--b"'), 'RDS does not allow the name "a--b"'),
        (AURORA.replace('"aurora"', '"postgresql"\ncluster = "a"'), 'Only the engine "aurora" has cluster'),
    ],
)
def test_keys_that_do_not_fit_are_errors_of_the_file(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigErrors) as caught:
        project(tmp_path, text.replace('["dev"]', '["dev", "prd"]') if "share" in expected else text)
    assert expected in str(caught.value)


def test_the_double_stands_behind_botocores_client(rds: RDS) -> None:
    client = boto3.client("rds", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    rds.connect(client)
    with pytest.raises(Exception, match="Missing required parameter"):
        client.create_db_cluster(DBClusterIdentifier="x")
