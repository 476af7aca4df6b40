"""A stage behind a distribution, deployed onto the local AWS, whose front serves it from the template."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from typing import NamedTuple

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from deployer import BOUNDED, as_deployer
from deploying import COMMANDS, PlanRecorder, deployable
from tiny_project import PYTHON, write

from pocket.config import Project
from pocket.deploy.aws.session import Clients
from pocket.deploy.operate import destroy
from pocket.deploy.releases import deploy as release
from pocket.deploy.releases.plan import plan
from pocket.deploy.target import Target
from pocket.local import LocalAWS

TOML = f"""
[general]
region = "eu-central-1"
stages = ["dev"]
project_name = "edge"

[s3]

[cloudfront]
domain = "www.edge.example"
aliases = ["edge.example"]

[awscontainer]
python_version = "{PYTHON}"
{BOUNDED}
[awscontainer.handlers.web]
command = "pocket.django.lambda_handlers.wsgi_handler"
apigateway = {{}}

[awscontainer.django.storages]
open = {{ store = "cloudfront", location = "open" }}
media = {{ store = "cloudfront", location = "media", signed = true }}
"""

HANDLER = (
    COMMANDS
    + """
def wsgi_handler(event, context):
    facts = {
        "event": event,
        "key": os.environ["POCKET_CLOUDFRONT_KEY_ID"],
        "host": os.environ["POCKET_WEB_HOST"],
    }
    return {
        "statusCode": 200, "cookies": ["a=1", "b=2"], "headers": {"content-type": "application/json"},
        "body": json.dumps(facts),
    }
"""
)


@pytest.fixture(scope="module")
def local_target(target: Target) -> Target:
    """The local AWS as `pocket local` has it: nothing delegates a domain to its hosted zones."""
    return replace(target, delegated=False)


def get(url: str, **headers: str) -> tuple[int, Message, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


class Site(NamedTuple):
    """The address of the stage, what its deploy returned and told, and its project."""

    address: str
    done: release.Deployed
    told: PlanRecorder
    project: Project


def edge(folder: Path) -> Project:
    found = deployable(folder, TOML, commands=HANDLER)
    write(folder, {"rsa/__init__.py": ""})  # what would sign
    return found


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, local_aws: LocalAWS, local_target: Target, clients: Clients
) -> Iterator[Site]:
    found = edge(tmp_path_factory.mktemp("edge"))
    stage = found.stage("dev")
    voice = PlanRecorder()
    with as_deployer(found, local_target) as deployer:
        done = release.deploy(found, stage, local_target, voice, skip_gates=["project"], published=local_aws.route)
        yield Site(local_aws.addresses["web"], done, voice, found)
        removed = destroy.destroy(stage, deployer, PlanRecorder()).removed
    assert "stack pocket-dev-edge-certificate" in removed
    assert clients.cloudfront.list_distributions()["DistributionList"].get("Quantity", 0) == 0


def test_a_request_reaches_the_site_with_what_the_distribution_adds(
    site: Site,
) -> None:
    address, done = site.address, site.done
    assert done.routes["web"] == done.outputs["CloudFrontDistributionId"]
    status, headers, body = get(
        f"{address}/a%20b/?q=1&q=2", Cookie="c=3; d=4", Authorization="Bearer x", X_Pocket_Client="forged"
    )
    assert status == 200
    assert headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    event = json.loads(body)["event"]
    sent = event["headers"]
    assert len(sent["x-pocket-origin"]) == 50
    assert sent["x-pocket-host"] == address.removeprefix("http://") == json.loads(body)["host"]
    assert sent["x-pocket-client"] == "127.0.0.1"
    assert sent["authorization"] == "Bearer x"
    assert ".execute-api." in sent["host"], "an HTTP API answers to its own host alone"
    assert (event["rawPath"], event["rawQueryString"]) == ("/a b/", "q=1&q=2")
    assert event["cookies"] == ["c=3", "d=4"]


def test_the_secret_is_in_no_template_and_no_parameter_that_can_be_read(site: Site, clients: Clients) -> None:
    secret = json.loads(get(f"{site.address}/")[2])["event"]["headers"]["x-pocket-origin"]
    cloudformation = clients.cloudformation
    assert secret not in json.dumps(cloudformation.get_template(StackName="pocket-dev-edge")["TemplateBody"])
    described = cloudformation.describe_stacks(StackName="pocket-dev-edge")
    assert secret not in json.dumps(described, default=str)
    assert secret not in json.dumps(site.told.__dict__, default=str)


def test_the_distribution_reads_the_private_bucket_and_nobody_else_does(
    site: Site, clients: Clients, local_aws: LocalAWS
) -> None:
    bucket = "pocket-dev-edge"
    clients.s3.put_object(Bucket=bucket, Key="open/page.html", Body=b"<script>", ContentType="text/html")
    status, headers, body = get(f"{site.address}/open/page.html")
    assert (status, body, headers["Content-Type"]) == (200, b"<script>", "text/html")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert get(f"{local_aws.endpoint_url}/{bucket}/open/page.html")[0] == 403
    assert get(f"{site.address}/open/missing.html")[0] == 403
    clients.s3.put_object(Bucket=bucket, Key="elsewhere/x", Body=b"x")
    assert json.loads(get(f"{site.address}/elsewhere/x")[2])["event"]["rawPath"] == "/elsewhere/x", "a page of the site"


def test_a_signed_address_opens_an_upload(site: Site, clients: Clients) -> None:
    clients.s3.put_object(Bucket="pocket-dev-edge", Key="media/a.txt", Body=b"for you")
    secret = json.loads(clients.secretsmanager.get_secret_value(SecretId="pocket-dev-edge")["SecretString"])
    pem = base64.b64decode(secret["POCKET_CLOUDFRONT_PEM_BASE64"])
    assert pem.startswith(b"-----BEGIN RSA PRIVATE KEY"), "the form that the package rsa reads, too"
    key = load_pem_private_key(pem, password=None)
    signer = CloudFrontSigner(
        json.loads(get(f"{site.address}/")[2])["key"],
        lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA1()),  # type: ignore[union-attr, call-arg, arg-type]
    )
    url = f"{site.address}/media/a.txt"
    assert get(url)[0] == 403
    signed = signer.generate_presigned_url(url, date_less_than=datetime.now(UTC) + timedelta(minutes=1))
    assert get(signed)[::2] == (200, b"for you")
    assert get(signed.replace("a.txt", "b.txt"))[0] == 403


def test_the_domains_lead_to_the_distribution(site: Site, clients: Clients) -> None:
    [zone] = clients.route53.list_hosted_zones_by_name(DNSName="edge.example", MaxItems="1")["HostedZones"]
    found = clients.route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    targets = {(item["Name"], item["Type"]): item["AliasTarget"]["DNSName"] for item in found if "AliasTarget" in item}
    assert targets.keys() == {(f"{name}edge.example.", kind) for name in ("", "www.") for kind in ("A", "AAAA")}
    assert all(".cloudfront.net" in target for target in targets.values())
    lines = [note for note in site.told.notes if note.startswith("www.edge.example: hosted zone")]
    assert len(lines) == 1, "said with the plan"


def test_the_same_deploy_again_changes_nothing(site: Site, local_target: Target) -> None:
    recorder = PlanRecorder()
    stage = site.project.stage("dev")
    assert not release.deploy(site.project, stage, local_target, recorder, skip_gates=["project"]).changed
    assert recorder.plans == []


@pytest.mark.parametrize("lost", ["a key", "the secret"])
def test_a_lost_secret_is_replaced_when_the_next_release_goes_live(
    site: Site, local_aws: LocalAWS, local_target: Target, clients: Clients, lost: str
) -> None:
    def sent() -> str:
        headers: dict[str, str] = json.loads(get(f"{site.address}/")[2])["event"]["headers"]
        return headers["x-pocket-origin"]

    before, stage = sent(), site.project.stage("dev")
    stored = json.loads(clients.secretsmanager.get_secret_value(SecretId="pocket-dev-edge")["SecretString"])
    del stored["POCKET_ORIGIN_SECRET"]
    if lost == "a key":
        clients.secretsmanager.put_secret_value(SecretId="pocket-dev-edge", SecretString=json.dumps(stored))
    else:
        clients.secretsmanager.delete_secret(SecretId="pocket-dev-edge", ForceDeleteWithoutRecovery=True)
    seen: list[str] = []
    recorder = PlanRecorder(on_event=lambda _: seen.append(sent()))
    planned = plan(site.project, stage, local_target, PlanRecorder(), skip_gates=["project"])
    release.deploy(
        site.project, stage, local_target, recorder, published=local_aws.route, skip_gates=["project"], plan=planned
    )
    after = sent()
    assert len(after) == 50
    assert after != before
    assert before in seen, "what the live release knows is sent while the next one is published"
