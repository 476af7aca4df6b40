"""The example's API beside its site, on the local AWS: asked by programs, by the site's own page, and by readers."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any
from urllib.parse import urljoin

import pytest
from board import PASSWORD, Board
from site_client import Page, SiteClient

pytestmark = pytest.mark.e2e


def ask(client: SiteClient, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """The status and the JSON of an answer; `headers` are named as keyword arguments are, `x_csrftoken`."""
    request = urllib.request.Request(urljoin(client.address, path), method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    page: Page = client._open(request)
    return page.status, json.loads(page.body)


def logged_in(board: Board) -> tuple[SiteClient, dict[str, str]]:
    """The administrator, and the headers that a page of the site would send with an unsafe method."""
    client = board.client()
    client.submit("/admin/login/?next=/admin/", {"username": "admin", "password": PASSWORD})
    token = next(cookie.value for cookie in client.cookies if cookie.name == "csrftoken")
    assert token is not None
    return client, {"x_csrftoken": token, "origin": board.address, "referer": f"{board.address}/"}


def test_topics_are_listed_and_shown_one_by_one(board: Board) -> None:
    client = board.client()
    status, topics = ask(client, "GET", "/api/topics/")
    assert status == 200
    assert topics
    assert topics == sorted(topics, key=lambda topic: topic["created_at"], reverse=True)
    assert topics[0].keys() == {"id", "title", "author_name", "created_at", "url"}
    status, detail = ask(client, "GET", f"/api/topics/{topics[0]['id']}")
    assert (status, detail["title"]) == (200, topics[0]["title"])
    assert detail["title"] in client.get(detail["url"]).text
    assert ask(client, "GET", "/api/topics/0") == (404, {"detail": "Topic not found"})
    assert ask(client, "GET", "/api/topics/first")[0] == 422
    assert ask(client, "GET", "/api/nowhere") == (404, {"detail": "Not Found"})


def test_a_topic_is_put_up_by_who_is_logged_in_and_shows_the_csrf_token(board: Board) -> None:
    new = {"title": "Put up through the API", "body": "By a program."}
    assert ask(board.client(), "POST", "/api/topics/", new) == (401, {"detail": "Log in first."})
    client, headers = logged_in(board)
    status, refused = ask(client, "POST", "/api/topics/", new)
    assert status == 403
    assert refused["detail"].startswith("CSRF check failed")
    assert ask(client, "POST", "/api/topics/", {**new, "title": "x" * 1000}, **headers)[0] == 422
    status, created = ask(client, "POST", "/api/topics/", new, **headers)
    assert (status, created["author_name"]) == (201, "admin")
    assert new["title"] in client.get(created["url"]).text
    status, latest = ask(client, "GET", "/api/topics/latest")
    assert (status, latest[0]["title"]) == (200, new["title"])
    assert len(latest) <= 5


def test_the_site_shows_what_the_api_answers(board: Board) -> None:
    client = board.client()
    page = client.get("/latest/")
    source = re.search(r'data-source="([^"]+)"', page.text)
    script = re.search(r'<script src="([^"]+latest[^"]*\.js)"', page.text)
    assert source is not None
    assert script is not None
    assert ask(client, "GET", source[1])[0] == 200
    assert "dataset.source" in client.get(script[1]).text
    assert client.get(re.search(r'href="([^"]+/docs)"', page.text)[1]).status == 200  # type: ignore[index]


def test_the_documentation_page_loads_only_from_the_site_and_has_its_prefix(board: Board) -> None:
    client = board.client()
    page = client.get("/api/docs")
    assert page.status == 200
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) == 3
    for address in addresses:
        file = client.get(urljoin(page.url, address))
        assert file.url.startswith(board.address) or "/static/" in file.url
        assert file.status == 200, address
    assert "url: '/api/openapi.json'" in page.text
    status, told = ask(client, "GET", "/api/openapi.json")
    assert status == 200
    assert told["servers"] == [{"url": "/api"}]
    assert set(told["paths"]) == {"/topics/", "/topics/latest", "/topics/{pk}"}
    assert told["components"]["schemas"]["TopicIn"]["properties"]["title"]["maxLength"] == 120
    assert {"401", "403", "422"} <= told["paths"]["/topics/"]["post"]["responses"].keys()
