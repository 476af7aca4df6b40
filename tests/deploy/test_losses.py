"""Changes that lose something: shown with what is lost, asked for by a question that `--yes` does not answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from deploying import FULL, PlanRecorder, inputs, project
from gated_site import STAGE, WORKER, Site

from pocket.config import Project
from pocket.deploy.operate import destroy
from pocket.deploy.stacks.stack import state
from pocket.deploy.target import Target
from pocket.deploy.template import Template, render, render_storage
from pocket.deploy.template.replacement import CREATE_ONLY, replacing
from pocket.deploy.template.storage_steps import buckets, buckets_ever, storage_candidate, storage_settled
from pocket.errors import DeployError, GateRefused, PlanRefused
from pocket.local import LocalAWS

SECRETS = '[awscontainer.secretsmanager]\npocket_secrets = { SECRET_KEY = { type = "password" } }\n'
STATIC = '[awscontainer.django.storages]\nstaticfiles = { store = "s3", location = "static", static = true }\n'
S3 = '[s3]\npublic_dirs = ["static"]\n'
LOSSY = STAGE.replace('"gated"', '"lossy"')


class Lossy(Site):
    def project(self, sign: str = "A", *, stage: str = LOSSY, status: str = "200", **constants: Any) -> Project:
        return super().project(sign, stage=stage, status=status, **constants)


@pytest.fixture
def site(tmp_path: Path, target: Target, local_aws: LocalAWS) -> Iterator[Lossy]:
    found = Lossy(tmp_path, target, local_aws)
    yield found
    destroy.destroy(found.project().stage("dev"), target, PlanRecorder())


def refused(site: Lossy, changed: Project) -> tuple[PlanRefused, PlanRecorder]:
    """The refusal of what an answer to every question, `--yes`, does not answer."""
    recorder = PlanRecorder(agrees_to_all=True)
    with pytest.raises(PlanRefused) as caught:
        site.deploy(changed, recorder, assume_yes=True)
    assert "`--allow-loss`" in caught.value.hint
    assert recorder.questions == ["Apply these changes to stage dev, despite the warnings?"]
    return caught.value, recorder


def test_a_replaced_queue_is_shown_with_its_messages(site: Lossy) -> None:
    site.deploy(site.project(stage=LOSSY + WORKER))
    dead = site.clients.sqs.get_queue_url(QueueName=site.project().stage("dev").dead_letters_name("worker", fifo=False))
    for number in range(3):
        site.clients.sqs.send_message(QueueUrl=dead["QueueUrl"], MessageBody=str(number))
    fifo = WORKER.replace("sqs = {}", "sqs = { fifo = true, report_batch_item_failures = false }")
    error, recorder = refused(site, site.project(stage=LOSSY + fifo))
    assert f"Queue {dead['QueueUrl'].rpartition('/')[2]} is deleted with 3 messages." in error.message
    rows = {row.name: (row.action, row.detail) for row in recorder.plans[0]}
    assert rows["WorkerQueue"] == ("remove", "after the gates")
    assert rows["WorkerFifoQueue"] == ("add", "")
    assert refused(site, site.project())[0].message.endswith("is deleted with 3 messages.")
    recorder = PlanRecorder()
    site.deploy(site.project(stage=LOSSY + fifo), recorder, allow_loss=True)
    assert recorder.questions == ["Apply these changes to stage dev?"]
    function = site.project().stage("dev").function_name("web")
    live = site.clients.lambda_.get_function_configuration(FunctionName=function, Qualifier="live")
    assert live["Environment"]["Variables"]["POCKET_WORKER_QUEUEURL"].endswith("-worker.fifo"), "the new queue"


def test_a_queue_without_messages_is_not_a_loss(site: Lossy) -> None:
    site.deploy(site.project(stage=LOSSY + WORKER))
    recorder = PlanRecorder(agrees_to_all=True)
    assert site.deploy(site.project(), recorder).changed
    assert recorder.questions == ["Apply these changes to stage dev?"]


def named(stage: str, bucket: str) -> str:
    return f"{stage}{S3}[dev.s3]\nbucket_name_format = '{{prefix}}{bucket}'\n"


def readable(site: Lossy, bucket: str) -> bool:
    """Whether the policy of the bucket lets everyone read what is public."""
    policy = json.loads(site.clients.s3.get_bucket_policy(Bucket=bucket)["Policy"])
    return any(f"{bucket}/static/*" in str(statement["Resource"]) for statement in policy["Statement"])


def test_a_renamed_bucket_needs_confirmation_and_the_old_one_stays_until_the_gates_have_passed(
    site: Lossy,
) -> None:
    old, new = named(LOSSY, "lossy-old"), named(LOSSY, "lossy-new")
    site.deploy(site.project(stage=old))
    for name in ("static/site.css", "media/one", "media/two"):
        site.clients.s3.put_object(Bucket="pocket-lossy-old", Key=name, Body=b"x")
    error, _ = refused(site, site.project("B", stage=new))
    assert "Bucket pocket-lossy-old is kept with its objects (3), but the stage no longer uses it." in error.message
    assert "aws s3 sync s3://pocket-lossy-old s3://pocket-lossy-new" in error.message

    with pytest.raises(GateRefused):
        site.deploy(site.project("B", stage=new, status="500"), allow_loss=True)
    assert readable(site, "pocket-lossy-old")
    assert site.answer() == "A"

    assert site.deploy(site.project("B", stage=new), allow_loss=True).history.live == 2
    assert readable(site, "pocket-lossy-new")
    storage = state(site.clients, "pocket-dev-lossy-storage").body
    assert "pocket-lossy-old" not in buckets(storage).values()
    assert "pocket-lossy-old" in buckets_ever(storage)
    assert site.clients.s3.get_object(Bucket="pocket-lossy-old", Key="media/one")["Body"].read() == b"x"

    site.deploy(site.project("C", stage=old))
    assert "pocket-lossy-old" in buckets(state(site.clients, "pocket-dev-lossy-storage").body).values()
    assert readable(site, "pocket-lossy-old")
    removed = destroy.destroy(site.project(stage=old).stage("dev"), site.target, PlanRecorder()).removed
    assert {"pocket-lossy-old", "pocket-lossy-new"} <= {line.split()[1] for line in removed}


def test_a_bucket_that_pocket_did_not_make_is_not_taken_over(site: Lossy) -> None:
    site.clients.s3.create_bucket(
        Bucket="pocket-lossy-theirs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    with pytest.raises(DeployError, match="Bucket pocket-lossy-theirs exists, but Pocket did not create it") as caught:
        site.deploy(site.project(stage=named(LOSSY, "lossy-theirs")))
    assert "bucket_name_format" in caught.value.hint


def test_generated_values_move_with_the_name_of_their_secret(site: Lossy) -> None:
    site.deploy(site.project(stage=LOSSY + SECRETS))
    read = site.clients.secretsmanager.get_secret_value
    before = json.loads(read(SecretId="pocket-dev-lossy")["SecretString"])["SECRET_KEY"]
    recorder = PlanRecorder(agrees_to_all=True)
    moved = SECRETS + 'pocket_key_format = "{prefix}moved-{stage}"\n'
    site.deploy(site.project("B", stage=LOSSY + moved), recorder, assume_yes=True)
    assert "Secret: SECRET_KEY: copied to secret pocket-moved-dev." in recorder.notes
    assert json.loads(read(SecretId="pocket-moved-dev")["SecretString"])["SECRET_KEY"] == before
    removed = destroy.destroy(site.project(stage=LOSSY + moved).stage("dev"), site.target, PlanRecorder()).removed
    assert any(line.startswith("secret pocket-dev-lossy ") for line in removed), "where an older release has them"


def test_a_missing_generated_value_needs_confirmation(site: Lossy) -> None:
    stage = LOSSY.replace('"lossy"', '"forgetful"') + SECRETS
    site.deploy(site.project(stage=stage))
    site.clients.secretsmanager.delete_secret(SecretId="pocket-dev-forgetful", ForceDeleteWithoutRecovery=True)
    error, _ = refused(site, site.project("B", stage=stage))
    assert "SECRET_KEY: not found in secret pocket-dev-forgetful, so new values are generated." in error.message
    destroy.destroy(site.project(stage=stage).stage("dev"), site.target, PlanRecorder())


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    found = project(tmp_path_factory.mktemp("full"), FULL)
    return [render(inputs(found)).body, render_storage(found.stage("dev"), "123456789012").body]


def test_replacements_match_cloudformations_schemas(bodies: list[dict[str, Any]]) -> None:
    kinds = {item["Type"] for body in bodies for item in body["Resources"].values()}
    for kind in kinds:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-central-1", kind).schema
        fixed = {path.removeprefix("/properties/") for path in schema.get("createOnlyProperties", [])}
        assert CREATE_ONLY.get(kind, frozenset()) == fixed, kind


def test_a_resource_of_another_type_is_replaced() -> None:
    queue, topic = {"Type": "AWS::SQS::Queue"}, {"Type": "AWS::SNS::Topic"}
    assert replacing(queue, topic) == ["Type"]
    assert replacing(queue, queue) == []


def storage(folder: Path, text: str) -> Template:
    return render_storage(project(folder, text).stage("dev"), "123456789012")


def test_what_was_public_stays_public_until_the_new_release_is_live(tmp_path: Path) -> None:
    before = storage(tmp_path, FULL).body
    wanted = storage(tmp_path, FULL.replace('["static", "open/files"]', '["static"]'))
    first = storage_candidate(wanted, before)
    statements = first.body["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert len({item["Sid"] for item in statements}) == len(statements)
    assert any("open/files/" in str(item["Resource"]) for item in statements)
    last = storage_settled(wanted, first.body).body
    assert last["Resources"] == wanted.body["Resources"]

    private = storage(tmp_path, FULL.replace('public_dirs = ["static", "open/files"]', ""))
    first = storage_candidate(private, before)
    statements = first.body["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert [item["Effect"] for item in statements] == ["Deny", "Allow"]
    assert "CorsConfiguration" in first.body["Resources"]["Bucket"]["Properties"]
    block = first.body["Resources"]["Bucket"]["Properties"]["PublicAccessBlockConfiguration"]
    assert block["BlockPublicPolicy"] is False
    assert storage_settled(private, first.body).body["Resources"] == private.body["Resources"]


def test_an_up_to_date_storage_stack_is_not_changed(tmp_path: Path) -> None:
    wanted = storage(tmp_path, FULL)
    deployed = storage_settled(wanted, {}).body
    assert storage_candidate(wanted, deployed).body == storage_settled(wanted, deployed).body == deployed


def test_a_renamed_bucket_is_the_same_resource_in_every_later_template(tmp_path: Path) -> None:
    deployed = storage_settled(storage(tmp_path, FULL), {}).body
    wanted = storage(tmp_path, FULL.replace("[s3]", '[s3]\nbucket_name_format = "{prefix}{stage}-other"'))
    first = storage_candidate(wanted, deployed).body
    last = storage_settled(wanted, first).body
    assert set(buckets(first)) - set(buckets(deployed)) == set(buckets(last)) - {"ArtifactBucket"}
    assert storage_settled(wanted, last).body == last
    (bucket,) = set(buckets(last)) - {"ArtifactBucket"}
    assert last["Resources"][f"{bucket}Policy"]["Properties"]["Bucket"] == {"Ref": bucket}
    assert buckets_ever(last) == [*buckets(deployed).values(), "pocket-dev-other"]
