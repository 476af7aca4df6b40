"""Events of the stage's bucket on the local AWS: they reach the live function, from its first release on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from deploying import PlanRecorder
from gated_site import HEAD, Site

from pocket.deploy.gates import invocations, migrations
from pocket.deploy.gates.gate import Candidate
from pocket.deploy.gates.invocations import Answers
from pocket.deploy.operate import status
from pocket.deploy.releases import gatekeeping
from pocket.deploy.target import Target
from pocket.errors import GateRefused
from pocket.local import LocalAWS

BUCKET = "pocket-dev-gated"
LISTENER = """
[s3]
[awscontainer.handlers.listener]
command = "listener.on_event"
maximum_retry_attempts = 0
events = [{ s3 = { prefix = "PREFIX/", events = ["s3:ObjectCreated:*"] } }]
"""
CODE = """
def on_event(event, context):
    for record in event["Records"]:
        print(record["eventName"], record["s3"]["object"]["key"])
        if "bad" in record["s3"]["object"]["key"]:
            raise ValueError("a bad picture")
"""


@pytest.fixture
def site(tmp_path: Path, target: Target, local_aws: LocalAWS) -> Iterator[Site]:
    from pocket.deploy.operate import destroy

    found = Site(tmp_path, target, local_aws)
    yield found
    destroy.destroy(found.project(stage=HEAD + LISTENER).stage("dev"), target, PlanRecorder())


def deploy(site: Site, prefix: str | None) -> Any:
    stage = HEAD + (LISTENER.replace("PREFIX", prefix) if prefix else LISTENER.partition("maximum_retry")[0])
    project = site.project(stage=stage)
    (site.folder / "listener.py").write_text(CODE)
    return site.deploy(project)


def put(site: Site, key: str) -> None:
    site.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")


def lines(site: Site) -> list[str]:
    found = site.clients.logs.filter_log_events(logGroupName="/aws/lambda/pocket-dev-gated-listener")["events"]
    return [item["message"].strip() for item in found if "ObjectCreated" in item["message"]]


def wait_for(find: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 30
    while not (found := find()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def test_events_of_the_bucket_reach_the_live_function_until_the_file_says_otherwise(site: Site, target: Target) -> None:
    deploy(site, "media")
    put(site, "other/a.jpg")
    put(site, "media/a.jpg")
    assert wait_for(lambda: lines(site)) == ["ObjectCreated:Put media/a.jpg"]
    put(site, "media/bad.jpg")
    stage = site.project(stage=HEAD + LISTENER).stage("dev")
    (found,) = wait_for(lambda: [item for item in status.read(stage, target).events if item.failed])
    assert (found.name, found.failed) == ("listener", 1)

    # Another prefix needs no release, and no events at all do not leave a notification behind.
    assert deploy(site, "pictures").history.live == 1
    put(site, "media/c.jpg")
    put(site, "pictures/c.jpg")
    wait_for(lambda: "ObjectCreated:Put pictures/c.jpg" in lines(site))
    assert not [line for line in lines(site) if "media/c.jpg" in line]
    deploy(site, None)
    kept = site.clients.s3.get_bucket_notification_configuration(Bucket=BUCKET)
    assert "LambdaFunctionConfigurations" not in kept


@pytest.mark.parametrize("listed", [True, False])
def test_callables_start_beside_the_checks_only_where_nothing_is_to_be_migrated_before(
    site: Site, monkeypatch: pytest.MonkeyPatch, listed: bool
) -> None:
    begun: list[list[str]] = []

    def invoked(candidate: Candidate, *groups: Mapping[str, Any]) -> AbstractContextManager[list[Answers]]:
        begun.append([*groups[0]])
        return invocations.invoked(candidate, *groups)

    monkeypatch.setattr(gatekeeping, "invoked", invoked)
    if not listed:
        monkeypatch.setattr(migrations, "look", lambda *_: None)
    deploy(site, "media")
    assert begun == ([["listener"], []] if listed else [[], ["listener"]])


def test_callable_that_does_not_start_is_refused_and_gets_no_events(site: Site) -> None:
    project = site.project(stage=HEAD + LISTENER.replace("PREFIX", "media"))
    (site.folder / "listener.py").write_text(f"{CODE}\n1 / 0\n")
    with pytest.raises(GateRefused) as caught:
        site.deploy(project)
    assert (caught.value.gate, caught.value.live) == ("startup", None)
    assert "Handler 'listener' did not start: ZeroDivisionError: division by zero" in caught.value.message
    kept = site.clients.s3.get_bucket_notification_configuration(Bucket=BUCKET)
    assert "LambdaFunctionConfigurations" not in kept
