"""Two commands on one stage at once: each acts on what is deployed now, one at a time, and says who was quicker."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError
from deploying import PlanRecorder
from gated_site import STAGE, Site

from pocket.config import Project
from pocket.deploy.aws.account import account_id
from pocket.deploy.aws.session import Clients
from pocket.deploy.build import artifact
from pocket.deploy.operate import destroy
from pocket.deploy.releases.run import Deployed
from pocket.deploy.stacks import lock as locks
from pocket.deploy.stacks.lock import KEY, Lock
from pocket.deploy.stacks.stack import find, state
from pocket.deploy.target import Target
from pocket.deploy.template.storage import artifact_bucket_name
from pocket.errors import DeployError, GateRefused
from pocket.local import LocalAWS

RACED = STAGE.replace('"gated"', '"raced"')
SECONDS = 60


class Developer(Site):
    """One of several people who deploy the same project, each from a folder of their own."""

    def project(self, sign: str = "A", *, stage: str = RACED, status: str = "200", **constants: Any) -> Project:
        return super().project(sign, stage=stage, status=status, **constants)

    @property
    def bucket(self) -> str:
        return artifact_bucket_name(self.project().stage("dev"), account_id(self.clients))


@pytest.fixture
def developers(tmp_path: Path, target: Target, local_aws: LocalAWS) -> Iterator[tuple[Developer, Developer]]:
    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
    first, second = (Developer(tmp_path / name, target, local_aws) for name in ("ann", "bob"))
    yield first, second
    destroy.destroy(first.project().stage("dev"), target, PlanRecorder())


class Held:
    """A place at which one thread waits until it is told to go on; the others pass."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.thread: int | None = None

    def __call__(self) -> None:
        if threading.get_ident() == self.thread:
            self.reached.set()
            assert self.go_on.wait(SECONDS)


@contextmanager
def running(act: Callable[[], Deployed], held: Held) -> Iterator[Future[Deployed]]:
    """`act` in another thread, as far as the place at which it is held; it goes on when the block ends."""

    def begin() -> Deployed:
        held.thread = threading.get_ident()
        return act()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(begin)
        try:
            assert held.reached.wait(SECONDS), future.exception(0) if future.done() else "it never came there"
            yield future
        finally:
            held.go_on.set()


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Held:
    """Holds a thread after it has built."""
    held, real = Held(), artifact.Build.finish

    def finishing(begun: artifact.Build) -> artifact.Artifact:
        built = real(begun)
        held()
        return built

    monkeypatch.setattr(artifact.Build, "finish", finishing)
    return held


class Waiting(PlanRecorder):
    """Holds its thread at the first question, which comes under the lock."""

    def __init__(self) -> None:
        super().__init__()
        self.held = Held()

    def confirm(self, question: str, *, grave: bool = False) -> bool:
        self.held()
        return super().confirm(question, grave=grave)


def test_a_deploy_that_a_gate_refuses_leaves_what_went_live_during_its_build(
    developers: tuple[Developer, Developer], build: Held
) -> None:
    ann, bob = developers
    ann.deploy(ann.project("A"))
    recorder, broken = PlanRecorder(), bob.project("B", status="500")
    with running(lambda: bob.deploy(broken, recorder), build) as done:
        ann.deploy(ann.project("C"))
    with pytest.raises(GateRefused, match="release 2 stays live") as caught:
        done.result()
    assert caught.value.live == 2
    assert "During the build, the live release of stage dev changed from release 1 to release 2." in recorder.notes
    history = ann.deployed_state().history
    assert ([item.number for item in history.releases], history.live) == ([1, 2], 2)
    assert ann.answer() == "C"
    assert bob.deploy(bob.project("B")).history.live == 3


def test_a_rollback_during_a_build_is_not_undone_by_a_deploy_that_is_refused(
    developers: tuple[Developer, Developer], build: Held
) -> None:
    ann, bob = developers
    ann.deploy(ann.project("A"))
    ann.deploy(ann.project("B"))
    broken = bob.project("C", status="500")
    with running(lambda: bob.deploy(broken), build) as done:
        assert ann.rollback().release.number == 1
    with pytest.raises(GateRefused, match="release 1 stays live"):
        done.result()
    assert ann.live() == 1
    assert ann.answer() == "A"


def test_one_command_at_a_time_changes_a_stage_and_others_see_the_holder(
    developers: tuple[Developer, Developer],
) -> None:
    ann, bob = developers
    ann.deploy(ann.project("A"))
    requested, project = Waiting(), ann.project("B")
    with running(lambda: ann.deploy(project, requested), requested.held) as done:
        recorder = PlanRecorder()
        for attempt in (lambda: bob.deploy(bob.project("C"), recorder), lambda: bob.rollback(1)):
            with pytest.raises(DeployError, match=r"locked by \S+@\S+ .*`pocket deploy` since \d{4}-") as caught:
                attempt()
            assert "the lock expires" in caught.value.hint
        with pytest.raises(DeployError, match="locked by"):
            destroy.destroy(bob.project().stage("dev"), bob.target, PlanRecorder())
        assert recorder.steps == ["Check the credentials"], "before anything is built"
        assert bob.live() == 1, "looking is allowed"
    assert done.result().history.live == 2
    assert bob.answer() == "B"
    assert bob.deploy(bob.project("C")).history.live == 3


def test_of_two_first_deploys_one_is_refused(developers: tuple[Developer, Developer], clients: Clients) -> None:
    both = threading.Barrier(2, timeout=SECONDS)

    class Together(PlanRecorder):
        def confirm(self, question: str, *, grave: bool = False) -> bool:
            both.wait()
            return super().confirm(question, grave=grave)

    def first(developer: Developer, sign: str) -> object:
        try:
            return developer.deploy(developer.project(sign), Together()).history.live
        except DeployError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(first, developers, "AB"))
    numbers = [item for item in ended if isinstance(item, int)]
    refusals = [item for item in ended if isinstance(item, DeployError)]
    assert (numbers, len(refusals)) == ([1], 1), ended
    ann, bob = developers
    assert ann.answer() == "AB"[ended.index(1)]
    for name in ("pocket-dev-raced", "pocket-dev-raced-storage"):
        left = clients.cloudformation.list_change_sets(StackName=name)["Summaries"]
        assert "AVAILABLE" not in {item["ExecutionStatus"] for item in left}
        found = find(clients, name)
        assert found is not None
        assert found.usable
    assert bob.deploy(bob.project("C")).history.live == 2


def test_a_stack_in_an_update_counts_as_existing(
    developers: tuple[Developer, Developer], monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, _ = developers
    ann.deploy(ann.project("A"))

    def busy(clients: Clients, name: str) -> Any:
        found = find(clients, name)
        return replace(found, status="UPDATE_IN_PROGRESS") if found and name == "pocket-dev-raced" else found

    with monkeypatch.context() as patched:
        patched.setattr("pocket.deploy.stacks.ownership.find", busy)
        for look in (ann.live, ann.rollback, lambda: ann.deploy(ann.project("B"))):
            with pytest.raises(DeployError, match="is in UPDATE_IN_PROGRESS: something else is changing it"):
                look()
    assert ann.live() == 1
    assert ann.answer() == "A"


HOLDER = """
import sys
from pocket.deploy.aws.session import Clients
from pocket.deploy.stacks.lock import Lock
from pocket.deploy.target import Credentials, Target

endpoint, key, secret, bucket = sys.argv[1:]
clients = Clients(Target("eu-central-1", endpoint_url=endpoint, credentials=Credentials(key, secret)))
Lock(clients, "dev", "deploy", None).take(bucket)
print("taken", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def bucket(clients: Clients, request: pytest.FixtureRequest) -> str:
    name = f"locks-{abs(hash(request.node.name)) % 10**9}"
    clients.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return name


def a_lock(clients: Clients, recorder: PlanRecorder | None = None) -> Lock:
    return Lock(clients, "dev", "deploy", recorder or PlanRecorder())


def test_the_lock_of_a_dead_process_on_this_machine_is_taken_over_at_once(
    clients: Clients, target: Target, bucket: str
) -> None:
    keys = target.credentials
    assert keys is not None
    command = [sys.executable, "-c", HOLDER, str(target.endpoint_url), keys.access_key_id, keys.secret_access_key]
    with subprocess.Popen([*command, bucket], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"taken\n"
        with a_lock(clients) as lock, pytest.raises(DeployError, match=rf"\(process {process.pid}\)"):
            lock.take(bucket)
        process.send_signal(signal.SIGKILL)
    recorder = PlanRecorder()
    with a_lock(clients, recorder) as lock:
        lock.refuse_held(bucket)
        lock.take(bucket)
    (note,) = recorder.notes
    assert note.startswith("Took over the lock of stage dev, left by ")


def test_an_expired_lock_is_taken_over_from_any_machine(
    clients: Clients, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = b'{"token": "00ff", "command": "rollback", "who": "eve@elsewhere", "since": "2026-11-27T08:00:00Z"}'
    clients.s3.put_object(Bucket=bucket, Key=KEY, Body=elsewhere)
    with (
        a_lock(clients) as lock,
        pytest.raises(DeployError, match="eve@elsewhere, running `pocket rollback` since"),
    ):
        lock.take(bucket)
    monkeypatch.setattr(locks, "LEASE", -1)
    with a_lock(clients) as lock:
        lock.take(bucket)
        monkeypatch.undo()
        with a_lock(clients) as other, pytest.raises(DeployError, match="locked by"):
            other.take(bucket)


def test_a_holder_renews_its_lock(clients: Clients, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PAUSE", 0.01)

    def tag() -> str:
        return clients.s3.head_object(Bucket=bucket, Key=KEY)["ETag"]

    with a_lock(clients) as lock:
        lock.take(bucket)
        first, deadline = tag(), time.monotonic() + SECONDS
        while tag() == first:
            assert time.monotonic() < deadline
        lock.check()


def test_a_command_that_lost_the_lock_changes_nothing(clients: Clients, bucket: str) -> None:
    with a_lock(clients) as lock:
        lock.take(bucket)
        other = b'{"token": "00ff", "command": "deploy", "who": "eve@elsewhere", "since": "2026-11-27T08:00:00Z"}'
        clients.s3.put_object(Bucket=bucket, Key=KEY, Body=other)
        with pytest.raises(DeployError, match=r"was lost.* It is now held by eve@elsewhere"):
            lock.check()
    assert clients.s3.get_object(Bucket=bucket, Key=KEY)["Body"].read() == other, "it is not given back either"


@pytest.mark.parametrize("calls", [1, 2])
def test_a_write_that_was_interrupted_leaves_no_lock(target: Target, clients: Clients, bucket: str, calls: int) -> None:
    def interrupt(**_: Any) -> None:
        nonlocal calls
        calls -= 1
        if calls == 0:
            raise KeyboardInterrupt

    own = Clients(target)
    own.s3.meta.events.register("after-call.s3.PutObject", interrupt)

    def hold() -> None:
        with a_lock(own) as lock:
            lock.take(bucket)
            lock.check()

    with pytest.raises(KeyboardInterrupt):
        hold()
    assert locks.holder(clients, bucket) is None


def test_a_lock_that_could_not_be_given_back_is_taken_over_on_this_machine(
    target: Target, clients: Clients, bucket: str
) -> None:
    own, recorder = Clients(target), PlanRecorder()
    with a_lock(own, recorder) as lock:
        lock.take(bucket)
        denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")
        own.s3.meta.events.register("before-call.s3.PutObject", Mock(side_effect=denied))
    assert recorder.notes[0].startswith("The lock of stage dev stays for 120 s: s3 PutObject was refused")
    with a_lock(clients) as lock:
        lock.take(bucket)


def test_one_of_many_takes_the_lock(clients: Clients, bucket: str) -> None:
    start, taken = threading.Barrier(8, timeout=SECONDS), []
    ended = threading.Barrier(8, timeout=SECONDS)

    def attempt(number: int) -> None:
        with a_lock(clients) as lock:
            start.wait()
            try:
                lock.take(bucket)
                taken.append(number)
            except DeployError:
                pass
            ended.wait()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attempt, range(8)))
    assert len(taken) == 1
    with a_lock(clients) as lock:
        lock.take(bucket)


def test_a_change_by_something_else_between_plan_and_update_is_found(
    developers: tuple[Developer, Developer], clients: Clients
) -> None:
    ann, _ = developers
    ann.deploy(ann.project("A"))
    before = state(clients, "pocket-dev-raced")

    class Meddled(PlanRecorder):
        """By hand, past the lock, while the question waits."""

        def confirm(self, question: str, *, grave: bool = False) -> bool:
            body = {**before.body, "Outputs": {**before.body["Outputs"], "Meddled": {"Value": "yes"}}}
            name = clients.cloudformation.update_stack(
                StackName="pocket-dev-raced", TemplateBody=json.dumps(body), Capabilities=["CAPABILITY_IAM"]
            )
            assert name["StackId"]
            deadline = time.monotonic() + SECONDS
            while (found := find(clients, "pocket-dev-raced")) is None or not found.usable:
                assert time.monotonic() < deadline
            return True

    with pytest.raises(DeployError, match="pocket-dev-raced has changed since this plan was made"):
        ann.deploy(ann.project("B"), Meddled())
    assert ann.answer() == "A"
