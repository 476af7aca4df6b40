"""A site behind a CloudFront distribution: MiniStack's own data plane serves it, from the distribution as deployed.

Added to it: an HTTP API as an origin, signed addresses, and the types of their keys in CloudFormation. The function of
Pocket's template runs here in Python, since JavaScript would need Node. Nothing is cached.
"""

from __future__ import annotations

import json
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote

from pocket.local.launcher.emulator import module
from pocket.local.launcher.signatures import refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Forward = Callable[[str, "Request"], Awaitable["Answer"]]

Pairs = list[tuple[str, str]]
Answer = tuple[int, Pairs, bytes]
"""Status, headers and body."""


class Request(NamedTuple):
    """A request with its path and query as sent, and the names of its headers in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    client: str


forward_to_api: ContextVar[Forward] = ContextVar("forward_to_api")
"""Sends a request to the HTTP API of an id."""

_API = re.compile(r"([a-z0-9]+)\.execute-api\.").match
_ADDED = re.compile(r"request\.headers\['([^']+)'\] = \{value: (host|event\.viewer\.ip)\}").findall
_SITE = re.compile(r"var SITE = (\{.*\});$", re.MULTILINE).search


def find(identity: str) -> dict[str, Any] | None:
    """The distribution of that id."""
    found: dict[str, Any] | None = module("services.cloudfront")._distributions.get(identity)
    return found


async def serve(distribution: dict[str, Any], request: Request) -> Answer:
    """The distribution's answer to a viewer's request."""
    cloudfront = module("services.cloudfront")
    denied = _refusal(cloudfront, distribution, request)
    if denied:
        return 403, [("content-type", "text/xml"), ("server", "CloudFront")], denied.encode()
    # CloudFront reads a bucket over TLS.
    module("core.iam_evaluator").pin_request_origin(request.client, True)
    # The viewer's own scheme is plain HTTP, which a distribution would redirect.
    viewer = {**request.headers, "x-forwarded-proto": "https"}
    path, query = unquote(request.path), parse_qs(request.query, keep_blank_values=True)
    status, sent, content = await cloudfront.handle_viewer_request(
        distribution, request.method, path, request.path, request.query, viewer, request.body, query, request.client
    )
    pairs = [(name, item) for name, value in sent.items() for item in (value if isinstance(value, list) else [value])]
    return status, [(name.lower(), str(value)) for name, value in pairs], content


def install() -> None:
    """Replace what the data plane lacks."""
    cloudfront, provisioners = module("services.cloudfront"), module("services.cloudformation.provisioners")
    fetch, run = cloudfront._fetch_from_origin, cloudfront._run_function

    async def fetch_from_origin(origin: dict[str, Any], *request: Any) -> Any:
        api = _API(origin["domain_name"])
        if api is None:
            return await fetch(origin, *request)
        method, uri, query, headers, body, _, client, forwarded_for, _ = request
        sent = cloudfront._origin_request_headers(origin, headers, client, forwarded_for)
        named = {name.lower(): str(value) for name, value in sent.items()}
        forwarded = Request(method, uri, query, named, body or b"", client)
        status, answered, content = await forward_to_api.get()(api[1], forwarded)
        return status, "", cloudfront._multidict_from_pairs(answered), content

    async def run_function(arn: str, event: dict[str, Any]) -> Any:
        code = cloudfront.live_function_code(arn)
        text = code.decode() if isinstance(code, bytes) else code
        return rewritten(text, event) if text and _SITE(text) else await run(arn, event)

    cloudfront._fetch_from_origin = fetch_from_origin
    cloudfront._run_function = run_function
    provisioners._RESOURCE_HANDLERS |= {
        "AWS::CloudFront::PublicKey": _type(_create_key, cloudfront._public_keys),
        "AWS::CloudFront::KeyGroup": _type(_create_group, cloudfront._key_groups),
    }


def rewritten(code: str, event: dict[str, Any]) -> dict[str, Any]:
    """What the function of `pocket.deploy.template.cdn` returns for an event; a test runs both."""
    request: dict[str, Any] = event["request"]
    found = _SITE(code)
    site = json.loads(found[1]) if found else {"aliases": []}
    host = request["headers"].get("host", {}).get("value", "")
    if host in site["aliases"]:
        fields = request["querystring"].items()
        parts = [f"{name}={item['value']}" for name, field in fields for item in field.get("multiValue", [field])]
        location = f"https://{site['domain']}{request['uri']}" + (f"?{'&'.join(parts)}" if parts else "")
        return {
            "statusCode": 308,
            "statusDescription": "Permanent Redirect",
            "headers": {"location": {"value": location}},
        }
    values = {"host": host, "event.viewer.ip": event["viewer"]["ip"]}
    added = {name: {"value": values[what]} for name, what in _ADDED(code)}
    return {**request, "headers": {**request["headers"], **added}}


def _refusal(cloudfront: Any, distribution: dict[str, Any], request: Request) -> str:
    """CloudFront's error for a path that only signed addresses open, "" where the request may pass."""
    parsed = cloudfront.parse_distribution_dataplane_config(distribution)
    behavior = cloudfront._match_behavior(parsed, unquote(request.path))
    keys = _keys(cloudfront, distribution, behavior["path_pattern"])
    if keys is None:
        return ""
    cookies = dict(part.strip().partition("=")[::2] for part in request.headers.get("cookie", "").split(";"))
    return refusal(f"http://{request.headers.get('host', '')}{request.path}", request.query, cookies, keys)


def _keys(cloudfront: Any, distribution: dict[str, Any], pattern: str | None) -> dict[str, str] | None:
    """The public keys, by id, that a behavior trusts; None where it needs no signature."""
    for behavior in cloudfront._dist_config_el(distribution).iter():
        name = cloudfront._local_tag_name(behavior)
        if name not in {"CacheBehavior", "DefaultCacheBehavior"}:
            continue
        if (cloudfront._text(behavior, "PathPattern") or None) != pattern:
            continue
        groups = [
            cloudfront._key_groups.get(item.text)
            for item in behavior.iter()
            if cloudfront._local_tag_name(item) == "KeyGroup"
        ]
        if not groups:
            return None
        ids = [key for group in groups if group for key in group["Config"]["Items"]]
        return {
            key: cloudfront._public_keys[key]["Config"]["EncodedKey"] for key in ids if key in cloudfront._public_keys
        }
    return None


def _type(create: Callable[..., Any], store: Any) -> dict[str, Any]:
    """The handlers of a type in CloudFormation; an update replaces the record."""

    def update(identity: str, _old: Any, new: dict[str, Any], stack: str) -> Any:
        return create("", new, stack, identity)

    def delete(identity: str, _properties: Any) -> None:
        store.pop(identity, None)

    return {"create": create, "update": update, "delete": delete}


def _create_key(
    _logical: str, properties: dict[str, Any], _stack: str, identity: str = ""
) -> tuple[str, dict[str, Any]]:
    cloudfront = module("services.cloudfront")
    identity = identity or cloudfront._pk_id()
    now = cloudfront._now_iso()
    cloudfront._public_keys[identity] = {
        "Id": identity,
        "ETag": cloudfront.new_uuid(),
        "CreatedTime": now,
        "Config": {"Comment": "", **properties["PublicKeyConfig"]},
    }
    return identity, {"Id": identity, "CreatedTime": now}


def _create_group(
    _logical: str, properties: dict[str, Any], _stack: str, identity: str = ""
) -> tuple[str, dict[str, Any]]:
    cloudfront = module("services.cloudfront")
    identity = identity or cloudfront._kg_id()
    now = cloudfront._now_iso()
    cloudfront._key_groups[identity] = {
        "Id": identity,
        "ETag": cloudfront.new_uuid(),
        "LastModifiedTime": now,
        "Config": {"Comment": "", **properties["KeyGroupConfig"]},
    }
    return identity, {"Id": identity, "LastModifiedTime": now}
