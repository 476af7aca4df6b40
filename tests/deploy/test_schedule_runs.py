"""What `pocket status` says of schedules, queues and alarms by the answers of AWS, which are played here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aws_double import hold
from deploying import ALARMS, EVENTS, project

from pocket.deploy.operate import metrics, schedule_runs
from pocket.deploy.stacks.stack import Stack
from pocket.deploy.target import Target


class CloudWatch:
    """Answers get_metric_data from `values`, by metric; keeps the queries."""

    def __init__(self, **values: dict[datetime, float]) -> None:
        self.values = values
        self.asked: list[dict[str, Any]] = []

    def get_paginator(self, _: str) -> CloudWatch:
        return self

    def paginate(self, **query: Any) -> list[dict[str, Any]]:
        self.asked.append(query)
        hold("cloudwatch", "GetMetricData", query, answer=False)
        results = []
        for item in query["MetricDataQueries"]:
            values = self.values.get(item["MetricStat"]["Metric"]["MetricName"], {})
            within = {at: value for at, value in values.items() if query["StartTime"] <= at < query["EndTime"]}
            results.append({"Id": item["Id"], "Timestamps": list(within), "Values": list(within.values())})
        answer = {"MetricDataResults": results}
        hold("cloudwatch", "GetMetricData", answer, answer=True)
        return [answer]


NOW = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
DAILY, HOURLY = 'expression = "cron(0 3 * * ? *)"', 'expression = "rate(1 hour)"'
DUE = datetime(2026, 11, 28, 3, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)
RECENTLY = NOW - timedelta(minutes=20)


@pytest.mark.parametrize(
    ("schedule", "since", "runs", "expected"),
    [
        (DAILY, LONG_AGO, {DUE: 0}, ("ran", DUE)),
        (DAILY, LONG_AGO, {DUE + timedelta(minutes=4): 1}, ("failed", DUE)),
        (DAILY, LONG_AGO, {DUE - timedelta(hours=1): 0}, ("missed", DUE)),
        (DAILY, DUE + timedelta(hours=1), {DUE: 0}, ("", None)),
        (HOURLY, LONG_AGO, {RECENTLY: 0}, ("ran", RECENTLY)),
        (HOURLY, LONG_AGO, {RECENTLY: 1}, ("failed", RECENTLY)),
        (HOURLY, LONG_AGO, {NOW - timedelta(hours=3): 0}, ("missed", None)),
        (HOURLY, RECENTLY, {NOW - timedelta(hours=3): 0}, ("", None)),
    ],
)
def test_the_last_run_of_a_schedule(
    tmp_path: Path, schedule: str, since: datetime, runs: dict[datetime, int], expected: tuple[str, datetime | None]
) -> None:
    stage = project(tmp_path, EVENTS.replace(HOURLY, schedule, 1)).stage("dev")
    assert stage.awscontainer is not None
    watch = CloudWatch(Invocations=dict.fromkeys(runs, 1), Errors=runs)
    clients: Any = SimpleNamespace(cloudwatch=watch, target=Target("eu-central-1"))
    declared = stage.awscontainer.handlers["management"].schedule[:1]
    [found] = schedule_runs.read(clients, stage, "management", declared, {"ManagementSchedule1": since}, now=NOW)
    state, last = expected
    assert (found.state, found.last) == (state, last.isoformat() if last else "")
    assert found.next == ("" if schedule == HOURLY else "2026-11-29T03:00:00+00:00")
    for query in (item for asked in watch.asked for item in asked["MetricDataQueries"]):
        dimensions = {item["Name"]: item["Value"] for item in query["MetricStat"]["Metric"]["Dimensions"]}
        assert dimensions["Resource"] == "pocket-dev-full-management:live", "not what the gates of a deploy invoke"


def test_a_schedule_that_is_off_or_not_deployed_has_no_runs(tmp_path: Path) -> None:
    stage = project(tmp_path, EVENTS).stage("dev")
    assert stage.awscontainer is not None
    [found] = schedule_runs.read(
        SimpleNamespace(),  # type: ignore[arg-type]  # nothing is asked
        stage,
        "thumbnails",
        stage.awscontainer.handlers["thumbnails"].schedule,
        {"ThumbnailsSchedule1": LONG_AGO},
        now=NOW,
    )
    assert (found.text, found.state, found.next) == ("cron(0 9 * * ? *), Asia/Tokyo, not enabled", "", "")


class Topics:
    """Lists one subscription of an address, as SNS does before and after it is confirmed."""

    def __init__(self, arn: str) -> None:
        self.arn = arn
        self.asked = ""

    def list_subscriptions_by_topic(self, **query: Any) -> dict[str, Any]:
        hold("sns", "ListSubscriptionsByTopic", query, answer=False)
        self.asked = query["TopicArn"]
        answer = {"Subscriptions": [{"Endpoint": "team@example.com", "SubscriptionArn": self.arn}]}
        hold("sns", "ListSubscriptionsByTopic", answer, answer=True)
        return answer


@pytest.mark.parametrize(
    ("arn", "expected"),
    [("PendingConfirmation", "team@example.com"), ("arn:aws:sns:eu-central-1:123456789012:a:b", "")],
)
def test_an_address_that_has_not_confirmed_is_named(tmp_path: Path, arn: str, expected: str) -> None:
    stage, topics = project(tmp_path, ALARMS).stage("dev"), Topics(arn)
    clients: Any = SimpleNamespace(sns=topics)
    stack = Stack("name", "arn:aws:cloudformation:eu-central-1:123456789012:stack/name/id", "CREATE_COMPLETE")
    assert metrics.unconfirmed(clients, stage, stack) == expected
    assert topics.asked == "arn:aws:sns:eu-central-1:123456789012:pocket-dev-full-alarms"


def test_the_age_of_the_oldest_message_is_the_newest_value() -> None:
    now = datetime.now(UTC)
    ages = {now - timedelta(minutes=9): 700.0, now - timedelta(minutes=2): 30.0}
    watch = CloudWatch(ApproximateAgeOfOldestMessage=ages)
    clients: Any = SimpleNamespace(cloudwatch=watch)
    assert metrics.oldest_messages(clients, ["a"]) == {"a": 30}
    watch.values = {}
    assert metrics.oldest_messages(clients, ["a"]) == {}
    assert metrics.oldest_messages(clients, []) == {}
    assert len(watch.asked) == 2
