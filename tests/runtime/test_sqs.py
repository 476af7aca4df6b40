"""Sending to a queue."""

from __future__ import annotations

import pytest
from aws_double import REGION, AWSDouble

from pocket.runtime import sqs


def test_send_returns_the_messages_id(aws: AWSDouble) -> None:
    url = "http://localhost:1/000000000000/jobs"
    assert sqs.send(url, "{}", region=REGION) == "message-1"
    assert aws.calls == [("SendMessage", {"QueueUrl": url, "MessageBody": "{}"})]


def test_equal_messages_to_a_fifo_queue_are_both_delivered(aws: AWSDouble) -> None:
    url = "http://localhost:1/000000000000/jobs.fifo"
    aws.failures.append("reset")
    sqs.send(url, "{}", region=REGION)
    sqs.send(url, "{}", region=REGION)
    payloads = [payload for _, payload in aws.calls]
    assert {payload["MessageGroupId"] for payload in payloads} == {sqs.FIFO_GROUP}
    first, again, second = (payload["MessageDeduplicationId"] for payload in payloads)
    assert first == again != second


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://sqs.us-east-1.amazonaws.com/123456789012/jobs", "us-east-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/jobs", "cn-north-1"),
        ("http://127.0.0.1:4566/000000000000/jobs", None),
    ],
)
def test_region_is_taken_from_the_queues_url(url: str, region: str | None) -> None:
    assert sqs.queue_region(url) == region
