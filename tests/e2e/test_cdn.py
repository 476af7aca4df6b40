"""The example behind the distribution that the local AWS plays: what the site sees, and what it refuses."""

from __future__ import annotations

import html
import json
import re
import urllib.error
import urllib.request
from typing import Any

import boto3
import pytest
from board import Board
from site_client import image_address

from pocket.local import attach
from pocket.probe import http_event

pytestmark = pytest.mark.e2e


def invoke(board: Board, event: dict[str, Any]) -> dict[str, Any]:
    """The result of the site's function for an event that does not come from its API."""
    aws = attach(board.folder)
    client = boto3.client(
        "lambda",
        region_name="ap-northeast-1",
        endpoint_url=aws.endpoint_url,
        aws_access_key_id=aws.access_key_id,
        aws_secret_access_key=aws.secret_access_key,
    )
    answer = client.invoke(FunctionName="pocket-local-board-web", Qualifier="live", Payload=json.dumps(event))
    return dict(json.loads(answer["Payload"].read()))


@pytest.mark.parametrize("path", ["/", "/api/topics", "/admin/login/"])
def test_whoever_does_not_come_through_the_distribution_is_refused(board: Board, path: str) -> None:
    forged = {"x-pocket-origin": "x" * 50, "x-pocket-host": "localhost", "x-pocket-client": "127.0.0.1"}
    for headers in ({}, forged):
        assert invoke(board, http_event(board.address, path, headers=headers))["statusCode"] == 403


def test_a_page_is_not_shared_and_cannot_say_who_asks(board: Board) -> None:
    forged = {"X-Forwarded-For": "203.0.113.1", "X-Pocket-Client": "203.0.113.1", "X-Pocket-Host": "evil.example"}
    with urllib.request.urlopen(urllib.request.Request(f"{board.address}/", headers=forged)) as page:
        assert page.headers["Cache-Control"] == "private"
        assert page.headers["X-Cache"] == "Miss from cloudfront"


def test_an_upload_needs_its_signature(board: Board) -> None:
    client = board.client()
    topics = re.findall(r'href="(/topics/\d+/)"', client.get("/").text)
    pages = (client.get(topic) for topic in topics)
    page = next(page for page in pages if "/media/" in page.text)
    signed = html.unescape(image_address(page))
    assert client.get(signed).status == 200
    for address in (signed.partition("?")[0], signed.replace("Expires=1", "Expires=2")):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(address)
