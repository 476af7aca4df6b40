"""A stage's whole life on the local AWS, without Django: deployed, looked at, changed, broken, removed."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from deploying import APP, SMALL, PlanRecorder, deployable, project

from pocket.config import Project
from pocket.deploy.aws import invoke
from pocket.deploy.aws.account import account_id
from pocket.deploy.aws.session import Clients
from pocket.deploy.gates.smoke import Answer
from pocket.deploy.operate import destroy, logs, status
from pocket.deploy.releases import deploy as release
from pocket.deploy.releases.deploy import Deployed, read
from pocket.deploy.stacks import secret_dates
from pocket.deploy.stacks.stack import find
from pocket.deploy.target import Target
from pocket.deploy.template.storage import artifact_bucket_name
from pocket.errors import AWSCallFailed, CommandFailed, ConfigError, DeployError, GateRefused, PlanRefused
from pocket.local import LocalAWS

NAMES = ("Web", "Open", "Worker", "Management")


class Site:
    """The small project, deployed once for the tests below."""

    def __init__(self, folder: Path, target: Target, local: LocalAWS) -> None:
        self.folder = folder
        self.target = target
        self.local = local
        self.recorder = PlanRecorder()

    @property
    def project(self) -> Project:
        return deployable(self.folder)

    def deploy(
        self,
        project: Project | None = None,
        recorder: PlanRecorder | None = None,
        target: Target | None = None,
        *,
        skip: Sequence[str] = (),
        required: Sequence[str] = (),
    ) -> Deployed:
        """Deploys a project, which is none of Django's, so that the gate for its checks here is left out."""
        found = project or self.project
        place = target or self.target
        return release.deploy(
            found,
            found.stage("dev"),
            place,
            recorder or self.recorder,
            skip_gates=["project", *skip],
            required=lambda: required,
            published=self.local.route,
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, target: Target, local_aws: LocalAWS) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("small"), target, local_aws)
    site.deploy()
    yield site
    destroy.destroy(site.project.stage("dev"), target, PlanRecorder())


def get(address: str) -> dict[str, str]:
    with urllib.request.urlopen(f"{address}/page/", timeout=30) as response:
        return dict(json.load(response))


def version(site: Site) -> str:
    functions = status.read(site.project.stage("dev"), site.target).functions
    return next(item.version for item in functions if item.name == "pocket-dev-small-web")


def test_a_deployed_stage_answers_at_its_addresses(site: Site) -> None:
    for handler in ("web", "open"):
        seen = get(site.local.addresses[handler])
        assert seen["POCKET_STAGE"] == "dev"
        hosts = [address.removeprefix("http://") for address in site.local.addresses.values()]
        assert seen["POCKET_HOSTS"].split(",") == hosts


def test_the_plan_is_shown_and_confirmed_before_anything_is_made(site: Site) -> None:
    assert len(site.recorder.plans[0]) > 20
    assert site.recorder.questions[0] == "Apply these changes to stage dev?"
    steps = site.recorder.steps
    assert steps.index("Plan the changes") < steps.index("Create stack pocket-dev-small-storage")
    assert steps.index("Upload the artifact") < steps.index("Create stack pocket-dev-small")


def test_deploying_the_same_again_changes_nothing_with_a_note(site: Site) -> None:
    site.deploy()
    before = version(site)
    recorder = PlanRecorder()
    done = site.deploy(recorder=recorder)
    assert not done.changed
    assert recorder.plans == recorder.questions == recorder.events == []
    assert recorder.notes[-1] == "Stage dev is up to date; nothing was changed."
    assert version(site) == before
    assert done.addresses == dict(site.local.addresses)


def test_a_changed_view_is_live_after_the_next_deploy(site: Site) -> None:
    changed = APP.replace('"statusCode": 200', '"statusCode": 201')
    recorder = PlanRecorder()
    done = site.deploy(deployable(site.folder, app=changed), recorder)
    assert done.changed
    changed_names = {row.name for row in recorder.plans[0] if row.action == "change"}
    assert changed_names == {f"{name}{kind}" for name in NAMES for kind in ("Function", "Alias")}
    with urllib.request.urlopen(f"{site.local.addresses['web']}/", timeout=30) as response:
        assert response.status == 201


def test_declining_the_plan_changes_nothing(site: Site, clients: Clients) -> None:
    before = find(clients, "pocket-dev-small")
    changed = deployable(site.folder, SMALL.replace("sqs = {}", "sqs = { batch_size = 3 }"))
    with pytest.raises(PlanRefused, match="nothing was changed"):
        site.deploy(changed, PlanRecorder(agrees=False))
    assert find(clients, "pocket-dev-small") == before


def test_ctrl_c_at_the_question_leaves_no_change_set(
    site: Site, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(self: PlanRecorder, question: str, *, grave: bool = False) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(PlanRecorder, "confirm", pressed)
    changed = deployable(site.folder, SMALL.replace("sqs = {}", "sqs = { batch_size = 4 }"))
    with pytest.raises(KeyboardInterrupt):
        site.deploy(changed)
    left = clients.cloudformation.list_change_sets(StackName="pocket-dev-small")["Summaries"]
    assert "AVAILABLE" not in {item["ExecutionStatus"] for item in left}


def test_a_function_that_does_not_start_is_shown_with_its_last_log_lines(site: Site) -> None:
    broken = deployable(site.folder, app=f'raise RuntimeError("a broken start")\n{APP}')
    with pytest.raises(GateRefused, match="'worker' did not start: RuntimeError: a broken start") as caught:
        site.deploy(broken)
    assert caught.value.gate == "startup"
    assert "Duration" not in caught.value.message
    with pytest.raises(GateRefused, match="a broken start") as caught:
        site.deploy(broken, skip=["startup", "request"], required=["startup"])
    assert caught.value.gate == "startup"
    site.deploy()


def test_a_live_release_that_no_longer_starts_is_shown_with_its_last_log_lines(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    get(site.local.addresses["web"])
    monkeypatch.setattr("pocket.deploy.gates.smoke.get", lambda *_, **__: Answer(502, "Bad Gateway"))
    with pytest.raises(DeployError, match="'web' is deployed but fails at GET /") as caught:
        site.deploy()
    assert "answered with status 502.\n" in caught.value.message
    assert "asked for /page/" in caught.value.message
    assert "RequestId" not in caught.value.message


def test_an_error_response_of_the_live_release_is_a_failed_deploy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocket.deploy.gates.smoke.get", lambda *_, **__: Answer(500, "<h1>Server Error (500)</h1>"))
    with pytest.raises(DeployError, match="answered with status 500"):
        site.deploy()


def test_a_secret_that_is_newer_than_the_live_release_renews_the_functions_once(site: Site, clients: Clients) -> None:
    before = site.deploy().history.live
    time.sleep(1)  # MiniStack rounds the dates of secrets down to whole seconds
    clients.secretsmanager.put_secret_value(SecretId="pocket-dev-small", SecretString=json.dumps({"SECRET_KEY": "new"}))
    recorder = PlanRecorder()
    renewed = site.deploy(recorder=recorder)
    assert renewed.history.live == (before or 0) + 1
    assert any("secret pocket-dev-small. The functions get new versions" in note for note in recorder.notes)
    seen = get(site.local.addresses["web"])
    assert seen["POCKET_SECRETS_CHANGED"].startswith("20")
    assert site.deploy().changed is False


def test_a_deploy_that_restores_the_deleted_secret_says_that_it_changed_something(site: Site, clients: Clients) -> None:
    site.deploy()
    clients.secretsmanager.delete_secret(SecretId="pocket-dev-small", RecoveryWindowInDays=7)
    recorder = PlanRecorder()
    assert site.deploy(recorder=recorder).changed
    assert any(note.startswith("Restored the secret pocket-dev-small") for note in recorder.notes)
    assert not any("nothing was changed" in note for note in recorder.notes)
    assert site.deploy().changed is False


def test_a_parameter_and_a_secret_of_the_users_own_count_too(site: Site, clients: Clients, tmp_path: Path) -> None:
    own = 'secrets = { TOKEN = "own/token", DSN = "arn:aws:ssm:eu-central-1:000000000000:parameter/own/dsn" }'
    text = SMALL.replace(
        "[awscontainer.secretsmanager.", f"[awscontainer.secretsmanager]\n{own}\n\n[awscontainer.secretsmanager."
    )
    stage = project(tmp_path, text).stage("dev")
    body = read(clients, stage).body
    deployed = secret_dates.renewal(clients, stage, body, PlanRecorder())
    clients.ssm.put_parameter(Name="/own/dsn", Value="x", Type="SecureString")
    recorder = PlanRecorder()
    assert secret_dates.renewal(clients, stage, body, recorder) > deployed
    assert "parameter /own/dsn" in recorder.notes[-1]
    time.sleep(1)  # MiniStack rounds the dates of secrets down to whole seconds
    clients.secretsmanager.create_secret(Name="own/token", SecretString="y")
    assert secret_dates.renewal(clients, stage, body, recorder) > deployed
    assert "secret own/token" in recorder.notes[-1]
    assert secret_dates.renewal(clients, stage, {}, recorder) == "", "nothing is live, so nothing is older"


def test_a_domain_without_a_hosted_zone_is_refused_before_anything_is_built(site: Site) -> None:
    domain = deployable(site.folder, SMALL.replace("apigateway = {}", 'apigateway = { domain = "www.nobody.example" }'))
    recorder = PlanRecorder()
    with pytest.raises(ConfigError, match=r"no public hosted zone for www\.nobody\.example"):
        site.deploy(domain, recorder)
    assert recorder.steps == ["Check the credentials"]


def test_a_secret_environment_shows_in_no_template_and_no_output(site: Site, clients: Clients) -> None:
    secret = "postgres://user:p4ssw0rd@host/db"
    target = Target(**{**vars(site.target), "environment": {"DATABASE_URL": secret}})
    recorder = PlanRecorder()
    site.deploy(recorder=recorder, target=target)
    body = clients.cloudformation.get_template(StackName="pocket-dev-small")["TemplateBody"]
    stack = clients.cloudformation.describe_stacks(StackName="pocket-dev-small")
    told = [*recorder.notes, *recorder.events, *map(str, recorder.plans)]
    assert secret not in json.dumps([body, stack, told], default=str)
    found = clients.lambda_.get_function_configuration(FunctionName="pocket-dev-small-web", Qualifier="live")
    assert found["Environment"]["Variables"]["DATABASE_URL"] == secret
    site.deploy()


def test_status_has_functions_addresses_and_queues(site: Site) -> None:
    found = status.read(site.project.stage("dev"), site.target)
    assert found.stack_status.endswith("_COMPLETE")
    assert [item.name.rpartition("-")[2] for item in found.functions] == ["web", "open", "worker", "management"]
    assert all(item.state in {"Active", "Pending"} for item in found.functions)
    assert found.addresses == dict(site.local.addresses)
    assert [(queue.name, queue.dead) for queue in found.queues] == [("worker", 0)]


def test_logs_have_each_line_once_in_order(site: Site) -> None:
    get(site.local.addresses["web"])
    lines = list(logs.read(site.project.stage("dev"), site.target, since=600))
    assert [line.time for line in lines] == sorted(line.time for line in lines)
    assert any(line.handler == "web" and line.message == "asked for /page/" for line in lines)


def test_a_log_group_deleted_by_hand_is_named_with_a_hint(site: Site, clients: Clients) -> None:
    group = "/aws/lambda/pocket-dev-small-worker"
    clients.logs.delete_log_group(logGroupName=group)
    get(site.local.addresses["web"])
    lines = logs.read(site.project.stage("dev"), site.target, since=600)
    assert next(lines).handler
    with pytest.raises(DeployError, match=f"has no log group {group}: deleted outside Pocket") as caught:
        list(lines)
    assert f"aws logs create-log-group --region eu-central-1 --log-group-name {group}" in caught.value.hint
    clients.logs.create_log_group(logGroupName=group)
    assert list(logs.read(site.project.stage("dev"), site.target, since=600))


def test_a_bucket_deleted_by_hand_is_named_with_a_hint(tmp_path: Path, target: Target, clients: Clients) -> None:
    found = deployable(tmp_path, SMALL.replace('"small"', '"bucketless"'))
    stage = found.stage("dev")
    release.deploy(found, stage, target, PlanRecorder(), skip_gates=["project", "smoke"])
    bucket = artifact_bucket_name(stage, account_id(clients))
    for item in clients.s3.list_objects_v2(Bucket=bucket)["Contents"]:
        clients.s3.delete_object(Bucket=bucket, Key=item["Key"])
    clients.s3.delete_bucket(Bucket=bucket)
    with pytest.raises(AWSCallFailed, match=bucket) as caught:
        release.deploy(found, stage, target, PlanRecorder(), skip_gates=["project", "smoke"])
    assert "aws s3 mb s3://NAME" in caught.value.hint
    assert not any(bucket in line for line in destroy.destroy(stage, target, PlanRecorder()).removed)


def test_a_management_command_runs_and_reports(site: Site) -> None:
    done = invoke.manage(site.project.stage("dev"), site.target, "migrate", ["--noinput", "a b"])
    assert (done.exit_status, done.stdout, done.stderr) == (0, "migrate ['--noinput', 'a b'] report", "a warning")


def test_a_failed_management_command_is_a_result(site: Site) -> None:
    done = invoke.manage(site.project.stage("dev"), site.target, "fail", [])
    assert done.exit_status == 3
    assert done.traceback == "Traceback"


def test_a_handler_that_breaks_is_an_error(site: Site) -> None:
    with pytest.raises(CommandFailed, match=r"handler 'management' failed with .*: out of order"):
        invoke.manage(site.project.stage("dev"), site.target, "crash", [])


def test_an_unexpected_response_has_a_hint_about_versions(site: Site) -> None:
    with pytest.raises(CommandFailed, match=r"not one of pocket\.django") as caught:
        invoke.manage(site.project.stage("dev"), site.target, "odd", [])
    assert "same version" in caught.value.hint


def test_operating_a_stage_that_is_not_deployed_is_an_error(tmp_path: Path, target: Target) -> None:
    stage = deployable(tmp_path, SMALL.replace('"small"', '"absent"')).stage("dev")
    for look in (
        lambda: status.read(stage, target),
        lambda: list(logs.read(stage, target)),
        lambda: invoke.manage(stage, target, "migrate", []),
    ):
        with pytest.raises(DeployError, match="not deployed") as caught:
            look()
        assert caught.value.hint == "pocket deploy --stage dev"


def test_without_a_handler_for_commands_the_hint_shows_what_to_add(tmp_path: Path, target: Target) -> None:
    text = SMALL.replace("pocket.django.lambda_handlers.management_command_handler", "app.web")
    with pytest.raises(DeployError, match="has no handler for management commands") as caught:
        invoke.manage(deployable(tmp_path, text).stage("dev"), target, "migrate", [])
    assert "[awscontainer.handlers.management]" in caught.value.hint


def test_a_second_update_gives_functions_the_host_of_a_function_url(
    tmp_path: Path, target: Target, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its address leads to AWS itself.
    monkeypatch.setattr("pocket.deploy.gates.smoke.get", lambda *_, **__: Answer(200))
    text = SMALL.replace('"small"', '"told"').replace("apigateway = {}", "")
    found = deployable(tmp_path, text)
    place = Target(**{**vars(target), "addresses": {}})
    recorder = PlanRecorder()
    first = release.deploy(found, found.stage("dev"), place, recorder, skip_gates=["project"])
    assert len([step for step in recorder.steps if step.startswith("Gate request")]) == 1, "of what knows its address"
    assert first.history.live == 1
    seen = clients.lambda_.get_function_configuration(FunctionName="pocket-dev-told-web", Qualifier="live")
    host = first.addresses["open"].removeprefix("https://")
    assert host.endswith(".on.aws")
    assert seen["Environment"]["Variables"]["POCKET_OPEN_HOST"] == host
    assert first.routes == {"open": host.split(".")[0]}
    assert not release.deploy(found, found.stage("dev"), place, PlanRecorder(), skip_gates=["project"]).changed
    destroy.destroy(found.stage("dev"), target, PlanRecorder())
