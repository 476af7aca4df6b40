"""The same journey through the example behind an HTTP API, a function URL, a REST API and its custom domain."""

from __future__ import annotations

import http.client
import io
import json
import re
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urljoin, urlsplit

import boto3
import pytest
from board import PASSWORD, Board, copy_example, start_local
from PIL import Image
from rest_api import make_rest_api
from site_client import SiteClient, image_address

from pocket.local import LocalAWS, attach

pytestmark = pytest.mark.e2e

FUNCTION = "pocket-local-board-web"
DOMAIN = "board.example.com"
PREFIXES = {"http api": "", "function url": "", "rest api": "/prod", "custom domain": "/neighbours"}


@dataclass
class Site:
    """The board behind one gateway; `prefix` stands before all its paths."""

    name: str
    origin: str
    prefix: str

    @property
    def home(self) -> str:
        return f"{self.origin}{self.prefix}/"

    def client(self) -> SiteClient:
        return SiteClient(self.origin)

    def send(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Any:
        """The bare response to one request, with its body read."""
        connection = http.client.HTTPConnection(urlsplit(self.origin).netloc, timeout=60)
        try:
            connection.request(method, self.prefix + path, body, {"Accept": "*/*", **headers})
            response = connection.getresponse()
            response.text = response.read().decode()  # type: ignore[attr-defined]
            return response
        finally:
            connection.close()


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    """The example without a distribution, which would refuse requests from other gateways."""
    folder = copy_example(f"gateways-{sys.version_info.minor}")
    file = folder / "pocket.toml"
    text = file.read_text().replace("[cloudfront]\n", "").replace("signed = true\n", "")
    text = text.replace("[s3]\n", '[s3]\npublic_dirs = ["static"]\n').replace('"cloudfront"', '"s3"')
    file.write_text(text)
    running = start_local(folder, "--run", f"load_demo --admin-password '{PASSWORD}'")
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def identities(board: Board) -> Iterator[dict[str, str]]:
    """What serves the deployed function, by the gateway's name: ids, and the domain's name."""
    aws = attach(board.folder)
    functions, gateway = client(aws, "lambda"), client(aws, "apigateway")
    arn = functions.get_alias(FunctionName=FUNCTION, Name="live")["AliasArn"]
    url = functions.create_function_url_config(FunctionName=FUNCTION, Qualifier="live", AuthType="NONE")
    public = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
    functions.add_permission(FunctionName=FUNCTION, Qualifier="live", StatementId="journey", **public)
    api = make_rest_api(gateway, "journey", arn)
    gateway.create_domain_name(domainName=DOMAIN)
    gateway.create_base_path_mapping(domainName=DOMAIN, basePath="neighbours", restApiId=api, stage="prod")
    deployed = next(api["ApiId"] for api in client(aws, "apigatewayv2").get_apis()["Items"] if "board" in api["Name"])
    yield {
        "http api": deployed,
        "function url": urlsplit(url["FunctionUrl"]).netloc.partition(".")[0],
        "rest api": api,
        "custom domain": DOMAIN,
    }
    gateway.delete_base_path_mapping(domainName=DOMAIN, basePath="neighbours")
    gateway.delete_domain_name(domainName=DOMAIN)
    gateway.delete_rest_api(restApiId=api)
    functions.remove_permission(FunctionName=FUNCTION, Qualifier="live", StatementId="journey")
    functions.delete_function_url_config(FunctionName=FUNCTION, Qualifier="live")


def client(aws: LocalAWS, service: str) -> Any:
    credentials = {"aws_access_key_id": aws.access_key_id, "aws_secret_access_key": aws.secret_access_key}
    return boto3.client(service, region_name="ap-northeast-1", endpoint_url=aws.endpoint_url, **credentials)


@pytest.fixture(scope="module", params=list(PREFIXES))
def site(request: pytest.FixtureRequest, board: Board, identities: dict[str, str]) -> Iterator[Site]:
    aws = attach(board.folder)
    aws.route({"web": identities[request.param]})
    yield Site(request.param, board.address.rstrip("/"), PREFIXES[request.param])
    aws.route({"web": identities["http api"]})


@pytest.fixture(scope="module")
def word() -> str:
    """What all topics of one run have in their title."""
    return f"Grüße-{secrets.token_hex(4)}"


def test_every_page_of_the_list_is_linked_from_the_one_before(site: Site) -> None:
    visitor = site.client()
    page = visitor.get(site.home)
    many = int(re.search(r"(\d+) open topic", page.text)[1])  # type: ignore[index]
    found = set(topics(page.text))
    while following := re.search(r'<a rel="next" href="([^"]+)"', page.text):
        page = visitor.get(urljoin(page.url, following[1]))
        found.update(topics(page.text))
    assert len(found) == many > 8
    assert all(link.startswith(f"{site.prefix}/topics/") for link in found)
    assert visitor.get(site.home + "?page=1000").status == 404


def topics(page: str) -> list[str]:
    return re.findall(r'<h2><a href="([^"]+)"', page)


def test_a_topic_with_an_image_is_posted_found_and_answered(site: Site, word: str) -> None:
    visitor, picture = site.client(), png()
    title = f"{word} {site.name} 🥐"
    page = visitor.submit(
        f"{site.prefix}/topics/new/",
        {"title": title, "body": "Two lines,\nand a <tag>.", "author_name": "Aiko"},
        {"image": ("größe.png", "image/png", picture)},
    )
    assert re.fullmatch(f"{re.escape(site.home)}topics/\\d+/", page.url), page.text
    assert title in page.text
    assert "Your topic is on the board." in page.text
    assert "&lt;tag&gt;" in page.text
    assert visitor.get(image_address(page)).body == picture
    assert "Your topic is on the board." not in visitor.get(page.url).text, "said once: the cookie was taken back"
    (link,) = topics(visitor.get(f"{site.home}?{urlencode({'q': f'{site.name} {word}'})}").text)
    answered = visitor.submit(link, {"body": "100% + 1 = «ja» & more", "author_name": "Bo"})
    assert answered.url.startswith(f"{page.url}#comment-")
    assert "100% + 1 = «ja» &amp; more" in answered.text
    assert 'value="Bo"' in answered.text, "the session remembers who signed last"


def png() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((200, 120), 80).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_form_without_its_csrf_token_or_from_another_site_is_refused(site: Site) -> None:
    visitor = site.client()
    form = visitor.get(f"{site.prefix}/topics/new/")
    assert visitor.post(form.url, {"title": "x"}).status == 403
    (token,) = (cookie.value for cookie in visitor.cookies if cookie.name == "csrftoken")
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"a=1; csrftoken={token}; b=2"}
    body = urlencode({"csrfmiddlewaretoken": token, "title": ""}).encode()
    assert site.send("/topics/new/", "POST", body, Origin="https://elsewhere.example", **kind).status == 403
    same = site.send("/topics/new/", "POST", body, Origin=site.origin, **kind)
    assert (same.status, "This field is required." in same.text) == (200, True)


def test_the_admin_lets_its_user_in_and_out(site: Site) -> None:
    visitor = site.client()
    assert visitor.get(f"{site.home}admin").url == f"{site.home}admin/login/?next={site.prefix}/admin/"
    page = visitor.submit(
        f"{site.home}admin/login/?next={site.prefix}/admin/", {"username": "admin", "password": PASSWORD}
    )
    assert (page.status, page.url) == (200, f"{site.home}admin/")
    listed = visitor.get(f"{site.home}admin/bbs/topic/?q=a&o=-1&o=2")
    assert "Select topic to change" in listed.text
    assert "Logged out" in visitor.submit(f"{site.home}admin/", {}, to=f"{site.home}admin/logout/").text
    assert "/login/" in visitor.get(f"{site.home}admin/").url


def test_the_api_answers_beside_the_pages(site: Site) -> None:
    visitor = site.client()
    latest = json.loads(visitor.get(f"{site.home}api/topics/latest").text)
    assert len(latest) == 5
    for topic in latest:
        assert topic["url"] == f"{site.prefix}/topics/{topic['id']}/"
    detail = json.loads(visitor.get(f"{site.home}api/topics/{latest[0]['id']}").text)
    assert detail["title"] == latest[0]["title"]
    assert visitor.get(f"{site.home}api/topics/none").status == 422
    assert visitor.get(f"{site.home}api/topics/100000000").status == 404
    assert (
        site.send("/api/topics/", "POST", b'{"title": "x", "body": "y"}', **{"Content-Type": "application/json"}).status
        == 401
    )
    assert f"{site.prefix}/api/openapi.json" in visitor.get(f"{site.home}api/docs").text


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/archive", "/archive/"),
        ("/archive?q=caf%C3%A9+%26&q=2&empty=", "/archive/?q=caf%C3%A9+%26&q=2&empty="),
        ("/admin/bbs/topic", "/admin/login/?next={prefix}/admin/bbs/topic"),
        ("/api/topics", "{origin}{prefix}/api/topics/"),
    ],
)
def test_a_missing_slash_is_added_by_a_redirect(site: Site, path: str, location: str) -> None:
    answer = site.send(path)
    wanted = location.format(prefix=site.prefix, origin=site.origin)
    assert answer.status in {301, 302, 307}
    assert answer.headers["Location"] == (wanted if location.startswith("{") else site.prefix + wanted)


@pytest.mark.parametrize("path", ["/archive/", "/latest/", "/favicon.ico"])
def test_a_correct_path_is_not_changed(site: Site, path: str) -> None:
    answer = site.send(path)
    assert answer.status == (302 if path == "/favicon.ico" else 200)
    assert site.send(path, "HEAD").status == answer.status


@pytest.mark.parametrize(
    "path",
    [
        "/admin/größe/",
        "/admin/日本語/a b/",
        "/admin/100%/+plus+/a;b=1,c/",
        "/admin//two//slashes//",
        "/admin/~tilde/(x)/'quote'/@:!$&*=/",
        "/admin/%2F/still/encoded/",
        "/admin/health/_aws/lambda-url/",
    ],
)
def test_any_path_arrives_decoded_once(site: Site, path: str) -> None:
    answer = site.send(quote(path) + "?a=%C3%BC&b=1+1")
    target = urlsplit(answer.headers["Location"])
    assert (answer.status, target.path) == (302, f"{site.prefix}/admin/login/")
    (requested,) = parse_qs(target.query)["next"]
    arrived, _, query = requested.partition("?")
    assert (unquote(arrived), query) == (site.prefix + path, "a=%C3%BC&b=1+1")


def test_bytes_that_are_not_utf_8_do_no_harm(site: Site) -> None:
    assert site.send("/gr%F6%DFe/").status == 404
    assert site.send("/?q=gr%F6%DFe").status == 200


def test_several_cookies_are_set_at_once(site: Site) -> None:
    visitor = site.client()
    visitor.get(f"{site.prefix}/topics/new/")
    (token,) = (cookie.value for cookie in visitor.cookies if cookie.name == "csrftoken")
    body = urlencode({"csrfmiddlewaretoken": token, "username": "admin", "password": PASSWORD}).encode()
    answer = site.send(
        "/admin/login/?next=/",
        "POST",
        body,
        **{"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={token}", "Origin": site.origin},
    )
    assert answer.status == 302
    set_cookies = [cookie.partition("=")[0] for cookie in answer.headers.get_all("Set-Cookie")]
    assert sorted(set_cookies) == ["csrftoken", "sessionid"]


def test_a_refused_request_has_its_reason(site: Site) -> None:
    assert site.send("/latest/", "OPTIONS").status == 200
    assert site.send("/topics/1/archive/").status == 405
    too_large = site.send("/topics/new/", "POST", b"x" * 7_000_000, **{"Content-Type": "application/octet-stream"})
    assert too_large.status == 413
