"""Background jobs on the local AWS: none is lost, none runs twice, and each failed one is a dead letter."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from board import Board
from bulk_jobs import JOBS
from waiting import wait_until

from pocket.local import attach

pytestmark = pytest.mark.e2e

ENDED = r"The attempt before ended its function: .*"
REASONS = {
    "raises": r"ValueError: number \d+",
    "sys.exit": r"SystemExit: 3",
    "CancelledError": r"asyncio\.exceptions\.CancelledError",
    "os._exit": ENDED,
    # Lambda's own timeout, where this machine is too busy for Pocket's, which comes shortly before.
    "too long": rf"pocket\.django\.commands\.deadline\.DeadlineReached: Stopped after .*|{ENDED}",
}


def manage(board: Board, *words: str) -> str:
    return board.pocket("manage", "--stage", "local", "--local", *words).stdout


class Queues:
    """The dead-letter queue of the example's jobs, and the schedules of those that are due later."""

    def __init__(self, board: Board) -> None:
        aws = attach(board.folder)
        session = boto3.Session(aws.access_key_id, aws.secret_access_key, region_name="ap-northeast-1")
        self._sqs = session.client("sqs", endpoint_url=aws.endpoint_url)
        self._scheduler = session.client("scheduler", endpoint_url=aws.endpoint_url)
        name = "pocket-local-board-sqsmanagement-dead-letters"
        self._url = self._sqs.get_queue_url(QueueName=name)["QueueUrl"]

    def number(self) -> int:
        name = "ApproximateNumberOfMessages"
        found = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=[name])
        return int(found["Attributes"][name])

    def later(self) -> list[str]:
        """The names of the schedules for tasks that are due later."""
        found = self._scheduler.list_schedules(GroupName="pocket-local-board")["Schedules"]
        return [item["Name"] for item in found if item["Name"].startswith("task-")]

    def reasons(self) -> dict[str, str]:
        """By the id of the job; the messages are hidden afterwards."""
        reasons: dict[str, str] = {}
        while messages := self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for message in messages:
                told = {name: item["StringValue"] for name, item in message["MessageAttributes"].items()}
                reasons[told["PocketJob"]] = told["PocketReason"]
        return reasons


def test_of_500_jobs_each_sound_one_has_one_effect_and_each_other_one_is_a_dead_letter_with_its_reason(
    board: Board, record_property: Callable[[str, object], None]
) -> None:
    jobs: list[dict[str, Any]] = []
    queue = Queues(board)
    manage(board, "bulk_send", str(JOBS))
    wait_until(lambda: queue.number() >= JOBS // 10, 180)

    def ended() -> bool:
        jobs[:] = json.loads(manage(board, "bulk_count"))
        return all(job["status"] not in {"READY", "RUNNING"} for job in jobs)

    wait_until(ended, 60)
    letters = queue.reasons()
    assert len(queue.later()) == 1
    rows = Counter(
        (job["kind"], job["status"].lower(), job["attempts"], job["effects"], job["id"] in letters) for job in jobs
    )
    table = [f"{'jobs':>5}  {'kind':15} {'became':11} {'attempts':>8} {'effects':>8}  dead letter"]
    for (kind, status, attempts, effects, dead), number in sorted(rows.items()):
        table.append(f"{number:5}  {kind:15} {status:11} {attempts:8} {effects:8}  {'yes' if dead else 'no'}")
    record_property("table", "\n".join(table))
    assert len({job["id"] for job in jobs}) == JOBS
    assert len(letters.keys() & {job["id"] for job in jobs}) == JOBS // 10
    for job in jobs:
        if job["kind"] in REASONS:
            assert (job["status"], job["attempts"]) == ("FAILED", 1), job
            assert re.fullmatch(REASONS[job["kind"]], letters[job["id"]]), job
        else:
            assert (job["status"], job["effects"]) == ("SUCCESSFUL", 1), job
            assert job["id"] not in letters, job
    [killed] = [job for job in jobs if job["kind"] == "killed once"]
    assert (killed["attempts"], len(killed["errors"])) == (2, 1)
    assert "ended its function" in killed["errors"][0]
    lines = board.pocket("logs", "--stage", "local", "--local", "--since", "10m").stdout.splitlines()
    again = [line for line in lines if "is tried again. The attempt before ended its function" in line]
    assert again
    for job in (line.partition("Job ")[2].partition(" ")[0] for line in again):
        begun = [line for line in lines if f"Job {job} begins" in line]
        assert len(begun) == 2, "each attempt has its line, whatever ended it"


def test_the_example_sends_its_digest_by_a_task(board: Board) -> None:
    name, _, job = manage(board, "send_digests", "--days", "30").strip().partition(": ")
    assert name == "admin"

    def recorded() -> dict[str, Any]:
        return dict(
            json.loads(board.pocket("jobs", "show", "--stage", "local", "--local", "--format", "json", job).stdout)
        )

    wait_until(lambda: recorded()["state"] == "successful", 30)
    assert recorded()["name"] == "bbs.tasks.send_digest"
    assert re.search(r"admin@example.com +New on the board: \d+ topics", board.pocket("mail", "--local").stdout)
