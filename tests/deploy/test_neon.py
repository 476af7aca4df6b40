"""The branch of a stage on Neon: created once, found again, never taken over; the API refuses in each of its ways."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from deploying import SMALL, PlanRecorder, deployable, inputs, project
from neon_double import KEY, PROJECT, NeonDouble

from pocket.config import StageConfig
from pocket.deploy.aws.session import Clients
from pocket.deploy.operate import branches, database, destroy, stage_secrets
from pocket.deploy.releases import deploy as release
from pocket.deploy.releases import planning
from pocket.deploy.releases.history import Release
from pocket.deploy.releases.run import Options
from pocket.deploy.stacks import neon, neon_api, secret_stores, secrets
from pocket.deploy.target import Credentials, Target
from pocket.deploy.template.deployer import deployer_policy
from pocket.deploy.template.permissions import statements
from pocket.errors import ConfigErrors, DeployError, PlanRefused
from pocket.local import LocalAWS
from pocket.naming import direct_host

DATABASE = f'[database]\nengine = "neon"\nproject = "{PROJECT}"\n'
NAME = "pocket-dev-small"
MARKS = {"pocket:project": "small", "pocket:stage": "dev"}
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
TARGET = Target("eu-central-1", credentials=Credentials("AKIDEXAMPLE", "secret"))


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[NeonDouble]:
    served = NeonDouble()
    monkeypatch.setattr(neon_api, "BASE", served.url)
    for module in (neon, neon_api):
        monkeypatch.setattr(module, "PAUSE", 0.0)
    monkeypatch.setenv("NEON_API_KEY", KEY)
    yield served
    served.close()
    assert served.problems == []


@pytest.fixture
def stage(tmp_path: Path) -> StageConfig:
    return project(tmp_path, DATABASE + SMALL).stage("dev")


def ensure(stage: StageConfig, recorder: PlanRecorder | None = None, existing: Any = None, **more: Any) -> Any:
    return neon.ensure(Clients(TARGET), stage, existing or {}, recorder or PlanRecorder(), **more)


def refused(stage: StageConfig) -> DeployError:
    with pytest.raises(DeployError) as caught:
        ensure(stage)
    assert KEY not in f"{caught.value.message}{caught.value.hint}"
    return caught.value


def test_a_branch_is_created_once_with_a_password_of_its_own(double: NeonDouble, stage: StageConfig) -> None:
    recorder = PlanRecorder()
    double.running = 2
    made = ensure(stage, recorder)
    assert made == {
        "DATABASE_URL": "postgres://app_owner:p%40ss%2Fbr-1%2F02@ep-br-1-1-pooler.eu-central-1.aws.neon.tech/app"
        "?sslmode=require&channel_binding=require&disable_server_side_cursors=true"
    }
    body = next(item for item in double.bodies if item)
    assert body == {
        "branch": {"name": NAME, "parent_id": "br-0"},
        "endpoints": [{"type": "read_write"}],
        "annotation_value": MARKS,
    }
    assert recorder.questions == [f"Create the branch {NAME} of the Neon project {PROJECT}, with the data of main?"]
    again = PlanRecorder()
    assert ensure(stage, again, made) == {}
    assert again.questions == []
    assert double.changes == ["POST branches", "POST branches/br-1/roles/app_owner/reset_password"]


def test_a_plan_shows_what_a_deploy_would_do_to_the_branch_and_refuses_what_it_would(
    double: NeonDouble, stage: StageConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def expected(existing: Any = None, wanted: StageConfig = stage) -> tuple[str, str] | None:
        row = neon.expected(Clients(TARGET), wanted, existing or {})
        return None if row is None else (row.action, row.detail)

    origin = "created before the stack, with the data of main; its URL is not known yet"
    assert expected() == ("add", origin)
    assert double.changes == []
    made = ensure(stage)
    changes = list(double.changes)
    assert expected(made) is None
    again = ("change", "DATABASE_URL gets its URL before the stack")
    assert expected() == again, "the branch is there, and its URL is lost"
    assert expected({"DATABASE_URL": made["DATABASE_URL"].replace("-pooler", "")}) == again
    double.add("restored", annotation=MARKS)
    switched = project(tmp_path, f'{DATABASE}branch = "restored"\n{SMALL}').stage("dev")
    assert expected(made, switched) == again
    assert double.changes == changes
    orphan = project(tmp_path, f'{DATABASE}branch = "new"\nparent_branch = "none"\n{SMALL}').stage("dev")
    for act in (ensure, lambda one: expected(None, one)):
        with pytest.raises(DeployError, match="has no branch none") as caught:
            act(orphan)
        assert caught.value.hint.startswith("For a preview, deploy the stage that it is made from first.")
    monkeypatch.delenv("NEON_API_KEY")
    with pytest.raises(DeployError, match="There is no API key of Neon"):
        expected()


@pytest.mark.parametrize("plan", [None, "a plan"])
def test_a_url_that_moves_to_another_store_is_not_rotated(
    double: NeonDouble, stage: StageConfig, tmp_path: Path, clients: Clients, plan: Any
) -> None:
    made = ensure(stage)
    changes = list(double.changes)
    before, values = secret_stores.place_of(stage), {**dict.fromkeys(generated(stage), "x"), **made}
    secret_stores.store_at(clients, stage, before).put(values, PlanRecorder())
    moved = project(tmp_path, DATABASE + SMALL + '[awscontainer.secretsmanager]\nstore = "ssm"\n').stage("dev")
    generation = secrets.plan(clients, moved, Release(1, {}, secrets=before, generated=generated(stage)))
    assert made.items() <= generation.fresh.items()
    assert planning._branch(clients, moved, generation, PlanRecorder(), Options(plan=plan)) == ({}, ())
    assert double.changes == changes
    clients.secretsmanager.delete_secret(SecretId=before.key, ForceDeleteWithoutRecovery=True)


def generated(stage: StageConfig) -> tuple[str, ...]:
    return tuple(item.name for item in stage.generated_variables)


def test_a_branch_that_is_made_again_does_not_keep_its_parents_password(double: NeonDouble, stage: StageConfig) -> None:
    made = ensure(stage)
    double.branches.pop(next(key for key, item in double.branches.items() if item["name"] == NAME))
    double.add("takes-the-next-id")
    again = ensure(stage, existing=made)
    assert again["DATABASE_URL"] != made["DATABASE_URL"]
    assert double.changes[-2:] == [
        "POST branches",
        f"POST branches/{list(double.branches)[-1]}/roles/app_owner/reset_password",
    ]
    assert ensure(stage, existing=again) == {}
    changes = list(double.changes)
    direct = {"DATABASE_URL": again["DATABASE_URL"].replace("-pooler", "")}
    assert ensure(stage, existing=direct) == again
    assert double.changes == changes, "another host of the same endpoint has the same password"
    assert "p%40ss" in ensure(stage, existing={"DATABASE_URL": "postgres://[not a url"})["DATABASE_URL"]


def test_without_a_yes_nothing_is_created(double: NeonDouble, stage: StageConfig) -> None:
    with pytest.raises(PlanRefused, match="nothing was changed"):
        ensure(stage, PlanRecorder(agrees=False))
    assert double.changes == []


def test_a_deploy_that_was_killed_goes_on_with_its_branch(double: NeonDouble, stage: StageConfig) -> None:
    double.add(NAME, parent="br-0", annotation=MARKS)
    double.failures.extend([None, None, None, (423, "", "project already has running operations")])
    assert "br-1" in ensure(stage)["DATABASE_URL"]
    assert double.changes == ["POST branches/br-1/roles/app_owner/reset_password"] * 2


def test_another_branch_of_that_name_is_not_taken_over(double: NeonDouble, stage: StageConfig) -> None:
    double.add(NAME, annotation={**MARKS, "pocket:stage": "prd"})
    assert "Pocket did not create it for stage 'dev'" in refused(stage).message
    assert double.changes == []


def test_a_longer_name_is_another_branch(double: NeonDouble, stage: StageConfig) -> None:
    double.add(f"{NAME}-2")
    assert "br-2" in ensure(stage)["DATABASE_URL"]


@pytest.mark.parametrize(
    ("failure", "message", "hint"),
    [
        ((403, "", "no"), "Neon refused the API key from NEON_API_KEY", "Create an API key"),
        ((404, "", "project not found"), "Neon has nothing for GET branches", "Compare database.project"),
        ((422, "BRANCHES_LIMIT_EXCEEDED", "branches limit exceeded"), "branches limit exceeded", "Delete branches"),
        ((400, "", "bad"), r"Neon refused GET branches (400): bad", "Try again"),
    ],
)
def test_what_neon_refuses_has_a_hint(
    double: NeonDouble, stage: StageConfig, failure: tuple[int, str, str], message: str, hint: str
) -> None:
    double.failures.append(failure)
    error = refused(stage)
    assert message in error.message
    assert hint in error.hint
    assert len(double.calls) == 1


def test_a_refused_key_and_an_unknown_project(
    double: NeonDouble, stage: StageConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = project(tmp_path, DATABASE.replace(PROJECT, "other-1") + SMALL).stage("dev")
    assert "in the project other-1" in refused(other).message
    monkeypatch.setenv("NEON_API_KEY", "wrong")
    assert "Neon refused the API key" in refused(stage).message
    monkeypatch.delenv("NEON_API_KEY")
    assert refused(stage).message == "There is no API key of Neon: NEON_API_KEY is not set."


@pytest.mark.parametrize("status", [429, 503, 502])
def test_a_read_is_repeated_while_neon_is_busy(double: NeonDouble, stage: StageConfig, status: int) -> None:
    double.failures.extend([(status, "", "busy")] * 2)
    assert ensure(stage)
    assert double.calls[:3] == ["GET branches"] * 3


def test_a_creation_that_may_have_happened_is_not_repeated(double: NeonDouble, stage: StageConfig) -> None:
    double.failures.extend([None, None, (500, "", "internal error")])
    assert "Neon refused POST branches (500)" in refused(stage).message
    assert double.changes == ["POST branches"]


def test_patience_has_an_end(double: NeonDouble, stage: StageConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neon_api, "PATIENCE", -1.0)
    double.failures.append((423, "", "locked"))
    assert "(423): locked" in refused(stage).message
    monkeypatch.setattr(neon_api, "BASE", "http://127.0.0.1:1")
    assert "Neon did not answer to GET branches" in refused(stage).message


@pytest.mark.parametrize("outcome", ["failed", "error"])
def test_an_operation_that_failed_is_an_error(double: NeonDouble, stage: StageConfig, outcome: str) -> None:
    double.outcome = outcome
    assert refused(stage).message == f"Neon's operation create_branch has {outcome}."


def test_the_database_must_be_clear(double: NeonDouble, stage: StageConfig, tmp_path: Path) -> None:
    double.databases["other"] = "someone"
    error = refused(stage)
    assert "there is app, other" in error.message
    assert error.hint == "Set database.name."
    named = project(tmp_path, f'{DATABASE}name = "other"\nuser = "reader"\n{SMALL}').stage("dev")
    assert ensure(named)["DATABASE_URL"].startswith("postgres://reader:")


def test_a_project_without_stored_passwords_needs_a_rotation(double: NeonDouble, stage: StageConfig) -> None:
    double.keeps_passwords = False
    made = ensure(stage)
    assert "p%40ss" in made["DATABASE_URL"]
    with pytest.raises(DeployError, match="does not keep the password"):
        ensure(stage, existing=made)


def test_a_parent_that_does_not_exist_is_an_error(double: NeonDouble, tmp_path: Path) -> None:
    found = project(tmp_path, f'{DATABASE}parent_branch = "stging"\n{SMALL}').stage("dev")
    assert "has no branch stging" in refused(found).message


def test_a_rehearsal_has_no_branch(double: NeonDouble, stage: StageConfig) -> None:
    given = Target("eu-central-1", environment={"DATABASE_URL": "postgres://a@127.0.0.1/b"})
    assert neon.ensure(Clients(given), stage, {}, PlanRecorder()) == {}
    assert double.calls == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[database]\nengine = "neon"\n', "needs the id of the project"),
        (f'{DATABASE}host = "db.example.com"\n', 'The engine "neon" has no host'),
        ('[database]\nengine = "postgresql"\nsecret = "a"\nproject = "b"\n', 'Only the engine "neon" has project'),
        (f'{DATABASE}branch = "{{x}}"\n', "branch"),
        (f"{DATABASE.replace(PROJECT, 'A B')}", "the id of a project on Neon"),
        (f'{DATABASE}branch = "one"\n[prd]\n', "would share the database of the Neon branch one"),
    ],
)
def test_keys_that_do_not_fit_are_errors_of_the_file(tmp_path: Path, text: str, expected: str) -> None:
    stages = SMALL.replace('["dev"]', '["dev", "prd"]') if "[prd]" in text else SMALL
    with pytest.raises(ConfigErrors) as caught:
        project(tmp_path, text.replace("[prd]\n", "") + stages)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("secret", "action", "resource"),
    [
        (
            "neon/{stage}",
            "secretsmanager:GetSecretValue",
            "arn:aws:secretsmanager:eu-central-1:*:secret:neon/dev-??????",
        ),
        ("arn:aws:ssm:eu-central-1:123456789012:parameter/neon", "ssm:GetParameters", None),
    ],
)
def test_the_deployer_reads_the_key_and_the_functions_do_not(
    tmp_path: Path, secret: str, action: str, resource: str | None
) -> None:
    table = f'{DATABASE}api_key_secret = "{secret}"\n'
    bounded = SMALL.replace("[awscontainer]\n", f'[awscontainer]\npermissions_boundary = "{BOUNDARY}"\n', 1)
    found = project(tmp_path, table + bounded)
    (statement,) = [item for item in deployer_policy(found.stage("dev"))["Statement"] if item["Sid"] == "KeyOfNeon"]
    place = resource or secret
    assert (statement["Action"], statement["Resource"]) == ([action], place.replace("*", "123456789012"))
    assert "neon/dev" not in str(statements(inputs(found), "web"))
    assert "parameter/neon" not in str(statements(inputs(found), "web"))


def test_a_key_that_its_secret_does_not_have_is_named(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEON_API_KEY", raising=False)
    arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/neon/none"
    clients.secretsmanager.create_secret(Name="neon/json", SecretString='{"other": "x"}')
    clients.secretsmanager.create_secret(Name="neon/text", SecretString="x")
    for reference, expected in (
        ("neon/none", "The secret neon/none with the API key of Neon does not exist, or is empty."),
        ("neon/json#key", "The secret neon/json#key with the API key of Neon does not exist, or is empty."),
        ("neon/text#key", "The secret neon/text is not a JSON object, so it has no key key."),
        (arn, f"The parameter {arn} with the API key of Neon does not exist, or is empty."),
    ):
        found = project(tmp_path, f'{DATABASE}api_key_secret = "{reference}"\n{SMALL}').stage("dev")
        with pytest.raises(DeployError) as caught:
            neon.connect(clients, found)
        assert caught.value.message == expected
    for name in ("neon/json", "neon/text"):
        clients.secretsmanager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("ep-a-1-pooler.eu-central-1.aws.neon.tech", "ep-a-1.eu-central-1.aws.neon.tech"),
        ("ep-a-1.eu-central-1.aws.neon.tech", "ep-a-1.eu-central-1.aws.neon.tech"),
        ("a-pooler.example.com", "a-pooler.example.com"),
        ("", ""),
    ],
)
def test_a_direct_host_has_no_pooler(host: str, expected: str) -> None:
    assert direct_host(host) == expected


def test_a_deploy_keeps_the_url_in_the_stages_secret_and_destroy_keeps_the_branch(
    double: NeonDouble, tmp_path: Path, target: Target, clients: Clients, local_aws: LocalAWS
) -> None:
    key = clients.secretsmanager.create_secret(Name="neon/key", SecretString=json.dumps({"key": KEY}))
    text = f'{DATABASE}api_key_secret = "neon/key#key"\n{SMALL}'.replace('"small"', '"leafy"')
    found = deployable(tmp_path, text)
    stage = found.stage("dev")
    release.deploy(found, stage, target, PlanRecorder(), skip_gates=["project"], published=local_aws.route)
    assert database.access(stage, target).host == "ep-br-1-1.eu-central-1.aws.neon.tech"
    before = stage_secrets.values(stage, target)["DATABASE_URL"]
    with pytest.raises(DeployError) as hinted:
        stage_secrets.rotate(stage, target, stage_secrets.variable(stage, "DATABASE_URL"), PlanRecorder())
    assert hinted.value.hint == "For another password: pocket db rotate --stage dev"
    branches.rotate(stage, target, PlanRecorder())
    assert stage_secrets.values(stage, target)["DATABASE_URL"] != before
    restored = branches.restore(stage, target, datetime(2026, 11, 1, 9, 30, tzinfo=UTC), PlanRecorder())
    assert double.bodies[-1]["branch"] == {
        "name": restored,
        "parent_id": "br-1",
        "parent_timestamp": "2026-11-01T09:30:00Z",
    }
    branches.copy(stage, target, "try", PlanRecorder())
    with pytest.raises(DeployError, match="has a branch try already"):
        branches.copy(stage, target, "try", PlanRecorder())
    moved = deployable(tmp_path, text.replace("api_key_secret", 'branch = "try"\napi_key_secret')).stage("dev")
    for asked, live in ((stage, "is the database of stage 'dev'"), (moved, "of the live release")):
        with pytest.raises(DeployError, match=live):
            branches.remove(asked, target, stage.branch_name or "", PlanRecorder())
    assert "Neon branch try" in branches.remove(stage, target, "try", PlanRecorder())
    switched = deployable(tmp_path, text.replace("api_key_secret", f'branch = "{restored}"\napi_key_secret'))
    after = release.deploy(
        switched, switched.stage("dev"), target, PlanRecorder(), skip_gates=["project"], published=local_aws.route
    )
    assert after.changed
    assert "ep-br-2-1-pooler" in stage_secrets.values(switched.stage("dev"), target)["DATABASE_URL"]
    with pytest.raises(DeployError, match="is not the database of stage 'dev'"):
        destroy.destroy(stage, target, PlanRecorder(), with_database="pocket-prd-leafy")
    double.failures.extend([None, None, (422, "", "cannot delete a branch that has children")])
    with pytest.raises(DeployError, match="was not deleted"):
        destroy.destroy(stage, target, PlanRecorder(), with_database="pocket-dev-leafy")
    kept = destroy.destroy(stage, target, PlanRecorder()).kept
    assert "branch pocket-dev-leafy with its data; `--with-database pocket-dev-leafy` removes it" in kept
    removed = destroy.destroy(stage, target, PlanRecorder(), with_database="pocket-dev-leafy").removed
    assert removed[-1] == "Neon branch pocket-dev-leafy; Neon can restore it for 7 days"
    left = branches.remove(stage, target, restored, PlanRecorder())
    assert left == f"Neon branch {restored}; Neon can restore it for 7 days", "also without the stage's secret"
    clients.secretsmanager.delete_secret(SecretId=key["ARN"], ForceDeleteWithoutRecovery=True)
