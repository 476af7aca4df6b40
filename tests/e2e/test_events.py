"""The example's functions for events: a thumbnail of an uploaded picture, and a report by mail."""

from __future__ import annotations

import json
import re

import boto3
import pytest
from board import Board
from waiting import wait_until

from pocket.local import attach

pytestmark = pytest.mark.e2e


def thumbnails(board: Board) -> list[str]:
    """The address of the thumbnail of the demo's picture, once there is one."""
    found = re.findall(r'<img src="([^"]+/thumbnails/[^"]+)"', board.client().get("/?q=footbridge").text)
    return [address.replace("&amp;", "&") for address in found]


def test_an_uploaded_picture_gets_a_thumbnail(board: Board) -> None:
    wait_until(lambda: bool(thumbnails(board)), 20)
    page = board.client().get(thumbnails(board)[0])
    assert (page.status, page.headers["Content-Type"]) == (200, "image/jpeg")


def test_a_schedules_input_becomes_a_report_that_is_kept_as_mail(board: Board) -> None:
    aws = attach(board.folder)
    client = boto3.client(
        "lambda",
        region_name="ap-northeast-1",
        endpoint_url=aws.endpoint_url,
        aws_access_key_id=aws.access_key_id,
        aws_secret_access_key=aws.secret_access_key,
    )
    answer = client.invoke(FunctionName="pocket-local-board-reports", Qualifier="live", Payload=b'{"days": 7}')
    assert json.loads(answer["Payload"].read())["days"] == 7
    listed = board.pocket("mail", "--local").stdout
    assert re.search(r"board@example.com +committee@example.com +The board's week", listed)
    assert "new topics in the last 7 days." in board.pocket("mail", "1", "--local").stdout
