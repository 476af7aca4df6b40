"""A site's address: what the function gets of a request, and what the client gets of its answer."""

import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

ECHO = """
import base64, json
def handler(event, context):
    path = event["rawPath"]
    if path == "/crash":
        raise RuntimeError("a secret detail")
    if path == "/binary":
        return {"statusCode": 200, "isBase64Encoded": True, "body": base64.b64encode(bytes(range(256))).decode(),
                "headers": {"content-type": "application/octet-stream"}}
    if path == "/cookies":
        return {"statusCode": 302, "cookies": ["a=1; Path=/", "b=2"], "headers": {"location": "/there/"}, "body": ""}
    if path == "/size":
        body = event.get("body") or ""
        return {"statusCode": 200, "body": str(len(base64.b64decode(body)) if event["isBase64Encoded"] else len(body))}
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(event)}
"""

Request = Callable[..., tuple[int, http.client.HTTPMessage, bytes]]


@pytest.fixture(scope="module")
def echo(cloud: Any) -> str:
    """The ARN of a function that answers with its event."""
    return str(cloud.function("echo", ECHO))


@pytest.fixture(scope="module")
def request_api(cloud: Any, echo: str) -> Request:
    """Sends a request to the site `web`, which an HTTP API serves."""
    cloud.local.route({"web": cloud.http_api("echo", echo)})
    return requester(cloud.local.addresses["web"])


@pytest.fixture(scope="module")
def request_url(cloud: Any, echo: str) -> Request:
    """Sends a request to the site `api`, which a function URL serves."""
    functions = cloud.client("lambda")
    url = functions.create_function_url_config(FunctionName="echo", AuthType="NONE")["FunctionUrl"]
    functions.add_permission(
        FunctionName="echo",
        StatementId="public",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    cloud.local.route({"api": urlsplit(url).netloc.partition(".")[0]})
    return requester(cloud.local.addresses["api"])


def requester(address: str) -> Request:
    netloc = urlsplit(address).netloc

    def request(
        path: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection(netloc, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    return request


PATHS = [
    "/",
    "/admin/",
    "/admin",
    "//two//slashes/",
    "/health",
    "/v2/",
    "/logout",
    "/oauth2/authorize",
    "/_ministack/reset",
    "/_aws/execute-api/x/y",
    "/$default/x",
    "/restapis/x/y/_user_request_/z",
    "/a.b/../c/",
]


@pytest.mark.parametrize("path", PATHS)
def test_every_path_reaches_the_function_unchanged(request_api: Request, request_url: Request, path: str) -> None:
    for request in (request_api, request_url):
        status, _, body = request(path)
        assert status == 200, body
        event = json.loads(body)
        assert event["rawPath"] == event["requestContext"]["http"]["path"] == path


def test_an_api_decodes_the_path_and_a_function_url_does_not(request_api: Request, request_url: Request) -> None:
    path = "/a%20b/%E3%81%82/x%2Fy/?q=%E3%81%82&q=2&empty="
    assert json.loads(request_api(path)[2])["rawPath"] == "/a b/あ/x/y/"
    assert json.loads(request_url(path)[2])["rawPath"] == "/a%20b/%E3%81%82/x%2Fy/"
    for request in (request_api, request_url):
        event = json.loads(request(path)[2])
        assert event["rawQueryString"] == "q=%E3%81%82&q=2&empty="
        assert event["queryStringParameters"] == {"q": "あ,2", "empty": ""}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_reaches_the_function_with_its_body(
    request_api: Request, request_url: Request, method: str
) -> None:
    for request in (request_api, request_url):
        status, _, body = request("/x", method, b'{"a": 1}', {"Content-Type": "application/json"})
        event = json.loads(body)
        assert (status, event["requestContext"]["http"]["method"], event["body"]) == (200, method, '{"a": 1}')


def test_a_head_request_has_no_body(request_api: Request, request_url: Request) -> None:
    for request in (request_api, request_url):
        status, headers, body = request("/x", "HEAD")
        assert (status, headers["content-type"], body) == (200, "application/json", b"")


def test_the_gateway_sets_client_scheme_and_port(cloud: Any, request_api: Request, request_url: Request) -> None:
    forged = {
        "X-Forwarded-For": "1.2.3.4",
        "X-Forwarded-Proto": "https",
        "x-forwarded-port": "443",
        "X-Amzn-Trace-Id": "Root=forged",
    }
    for site, request in (("web", request_api), ("api", request_url)):
        event = json.loads(request("/x", headers=forged)[2])
        netloc = urlsplit(cloud.local.addresses[site]).netloc
        headers = event["headers"]
        assert headers["host"] == netloc
        domain = event["requestContext"]["domainName"]
        assert domain == netloc if site == "web" else domain.endswith(".lambda-url.ap-northeast-1.on.aws")
        assert headers["x-forwarded-for"] == event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
        assert (headers["x-forwarded-proto"], headers["x-forwarded-port"]) == ("http", netloc.partition(":")[2])
        assert headers["x-amzn-trace-id"].startswith("Root=1-")


def test_cookies_are_a_list_both_ways(request_api: Request, request_url: Request) -> None:
    for request in (request_api, request_url):
        event = json.loads(request("/x", headers={"Cookie": "a=1; b=2"})[2])
        assert event["cookies"] == ["a=1", "b=2"]
        assert "cookie" not in event["headers"]
        assert "cookies" not in json.loads(request("/x")[2])
        status, headers, _ = request("/cookies")
        assert (status, headers["location"]) == (302, "/there/")
        assert headers.get_all("set-cookie") == ["a=1; Path=/", "b=2"]


def test_bytes_come_through_both_ways(request_api: Request, request_url: Request) -> None:
    for request in (request_api, request_url):
        assert request("/binary")[2] == bytes(range(256))
        upload = bytes(range(256)) * 4096
        assert request("/size", "POST", upload, {"Content-Type": "image/png"})[2] == b"1048576"


def test_a_request_larger_than_an_event_may_be_is_refused(request_api: Request, request_url: Request) -> None:
    text = {"Content-Type": "text/plain"}
    for request in (request_api, request_url):
        assert request("/size", "POST", b"x" * 5_000_000, text)[2] == b"5000000"
        status, _, body = request("/size", "POST", b"x" * 7_000_000, text)
        assert (status, body) == (413, b'{"message":"Request Entity Too Large"}')
        assert request("/size", "POST", b"x" * 11_000_000, text)[0] == 413


def test_a_crash_does_not_reach_the_page(request_api: Request, request_url: Request) -> None:
    assert request_api("/crash")[0::2] == (500, b'{"message":"Internal Server Error"}')
    assert request_url("/crash")[0::2] == (502, b'{"message":"Internal Server Error"}')


def test_another_host_is_refused(request_api: Request) -> None:
    status, _, body = request_api("/x", headers={"Host": "attacker.example"})
    assert status == 421
    assert b"http://localhost:" in body


def test_a_cors_configuration_answers_preflights(cloud: Any, echo: str, request_api: Request) -> None:
    plain = cloud.client("apigatewayv2").get_apis()["Items"][0]["ApiId"]
    cors = {"AllowOrigins": ["https://example.com"], "AllowMethods": ["GET"]}
    cloud.local.route({"web": cloud.http_api("cors", echo, CorsConfiguration=cors)})
    try:
        preflight = {"Origin": "https://example.com", "Access-Control-Request-Method": "GET"}
        status, headers, _ = request_api("/x", "OPTIONS", headers=preflight)
        assert (status, headers["access-control-allow-origin"]) == (204, "https://example.com")
    finally:
        cloud.local.route({"web": plain})


REST = """
import base64, json
def handler(event, context):
    if event["path"] == "/crash":
        raise RuntimeError("a secret detail")
    if event["path"] == "/size":
        return {"statusCode": 200, "body": str(len(base64.b64decode(event["body"])))}
    return {"statusCode": 200, "multiValueHeaders": {"set-cookie": ["a=1", "b=2"]}, "body": json.dumps(event)}
"""


@pytest.fixture(scope="module")
def rest_api(cloud: Any) -> str:
    """The id of a REST API with one stage, `prod`, that sends everything to a function."""
    return str(cloud.rest_api("rest", cloud.function("rest", REST)))


@pytest.fixture
def request_rest(cloud: Any, request_api: Request, rest_api: str) -> Iterator[Request]:
    """Sends a request to the site `web`, which a REST API serves meanwhile."""
    plain = next(item["ApiId"] for item in cloud.client("apigatewayv2").get_apis()["Items"] if item["Name"] == "echo")
    cloud.local.route({"web": rest_api})
    yield request_api
    cloud.local.route({"web": plain})


def test_a_rest_api_s_paths_begin_with_its_stage(request_rest: Request, rest_api: str) -> None:
    status, headers, body = request_rest(
        "/prod/a%2Fb//c/?q=%E3%81%82&q=+", headers={"Accept": "a", "Cookie": "x=1; y=2"}
    )
    event = json.loads(body)
    assert (status, headers.get_all("set-cookie")) == (200, ["a=1", "b=2"])
    assert (event["path"], event["requestContext"]["path"]) == ("/a%2Fb//c/", "/prod/a%2Fb//c/")
    assert event["requestContext"]["domainName"] == f"{rest_api}.execute-api.ap-northeast-1.amazonaws.com"
    assert event["multiValueQueryStringParameters"] == {"q": ["あ", " "]}
    assert event["multiValueHeaders"]["cookie"] == ["x=1; y=2"]
    assert event["multiValueHeaders"]["x-forwarded-proto"] == ["http"]
    for path in ("/prod", "/prod/"):
        assert json.loads(request_rest(path)[2])["path"] == "/"
    for path in ("/", "/a", "/production/"):
        assert request_rest(path)[0::2] == (403, b'{"message":"Forbidden"}')


def test_a_rest_api_takes_bytes_and_refuses_what_no_event_holds(request_rest: Request) -> None:
    assert request_rest("/prod/size", "POST", bytes(range(256)) * 4096, {"Content-Type": "image/png"})[2] == b"1048576"
    status, _, body = request_rest("/prod/size", "POST", b"x" * 7_000_000, {"Content-Type": "text/plain"})
    assert (status, body) == (413, b'{"message":"Request Too Long"}')
    assert request_rest("/prod/crash")[0::2] == (502, b'{"message":"Internal server error"}')


def test_a_custom_domain_s_paths_begin_with_a_base_path(cloud: Any, request_rest: Request, rest_api: str) -> None:
    gateway = cloud.client("apigateway")
    gateway.create_domain_name(domainName="shop.example.com")
    gateway.create_base_path_mapping(domainName="shop.example.com", basePath="shop", restApiId=rest_api, stage="prod")
    gateway.create_base_path_mapping(domainName="shop.example.com", basePath="staged", restApiId=rest_api)
    cloud.local.route({"web": "shop.example.com"})
    event = json.loads(request_rest("/shop/a%20b/")[2])
    assert event["path"] == event["requestContext"]["path"] == "/shop/a%20b/"
    assert (event["pathParameters"], event["requestContext"]["stage"]) == ({"proxy": "a%20b"}, "prod")
    assert event["requestContext"]["domainName"] == "shop.example.com"
    assert json.loads(request_rest("/staged/prod/a")[2])["path"] == "/staged/prod/a"
    assert request_rest("/prod/a")[0] == 403


def test_an_http_api_s_paths_begin_with_its_stage(cloud: Any, request_api: Request, echo: str) -> None:
    plain = next(item["ApiId"] for item in cloud.client("apigatewayv2").get_apis()["Items"] if item["Name"] == "echo")
    staged = cloud.http_api("staged", echo, stage="dev")
    cloud.local.route({"web": staged})
    try:
        event = json.loads(request_api("/dev/a%20b/")[2])
        assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/dev/a b/"
        assert event["requestContext"]["domainName"] == f"{staged}.execute-api.ap-northeast-1.amazonaws.com"
        assert request_api("/a")[0] == 403
    finally:
        cloud.local.route({"web": plain})


def test_requests_and_what_functions_write_can_be_read_as_they_come(cloud: Any, request_api: Request) -> None:
    with cloud.local.activity() as file:
        request_api("/a%20b?c=d")
        request_api("/crash")
        entries = [json.loads(line) for line in file]
    assert [(entry["method"], entry["path"], entry["status"]) for entry in entries if "path" in entry] == [
        ("GET", "/a%20b?c=d", 200),
        ("GET", "/crash", 500),
    ]
    (written,) = (entry for entry in entries if "function" in entry)
    assert written["function"] == "echo"
    assert "RuntimeError: a secret detail" in written["text"]
    assert request_api("/unseen")[0] == 200
