"""REST API of API Gateway, and HTTP API with payload format 1.0, which has almost the same events.

Sources: "Lambda proxy integrations in API Gateway" in the developer guide; captures of live events (hotsock/voker,
vokerhttp/testdata). `path` is percent-encoded and without the stage, query parameters are decoded (`+` to a space),
`multiValueHeaders` has every value. Behind a custom domain `path` begins with the domain's base path, and with the
stage if the mapping has no stage (localstack/localstack 12296). The events of an HTTP API have `"version": "1.0"` and a
decoded path.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, unquote

from pocket.lambda_http import addresses
from pocket.lambda_http.encoding import base64_text
from pocket.lambda_http.request import (
    UNRESERVED,
    Gateway,
    Request,
    body_bytes,
    columns,
    decoded,
    headers_of,
    joined_query,
    quoted,
    reading,
    rooted,
)
from pocket.lambda_http.response import LAMBDA_LIMIT, body_text, listed

if TYPE_CHECKING:
    from pocket.lambda_http.response import Response

LIMIT = LAMBDA_LIMIT
_PLAIN_QUERY = f"{UNRESERVED}=&"


def matches(event: dict[str, Any]) -> bool:
    """Whether `event` has payload format 1.0."""
    context = event.get("requestContext")
    return isinstance(context, dict) and "httpMethod" in event and "identity" in context and "path" in event


@reading
def parse(event: dict[str, Any], gateway: Gateway) -> Request:
    """The request in a REST API's event; raises UnknownEvent for an invalid one."""
    context = event["requestContext"]
    headers = headers_of(event)
    scheme, name, port = addresses.origin(
        headers.get("host"), headers.get("x-forwarded-proto"), context.get("domainName")
    )
    encoded = event.get("version") != "1.0"
    whole = decoded(event["path"]) if encoded else rooted(event["path"].replace("%25", "%"))
    script_name, path = _script_and_path(whole, event, context, gateway)
    raw_path, sent = None, event["path"]
    if encoded and sent.isascii() and " " not in sent:
        # At API Gateway's own domain the stage is not in the event's path.
        before = "" if script_name + path == whole else quoted(script_name).decode("ascii")
        raw_path = before + sent
    client = str.strip(context["identity"]["sourceIp"])
    if gateway.trusted_proxies:
        client = addresses.client(client, ", ".join(headers.all("x-forwarded-for")), gateway.trusted_proxies)
    return Request(
        str.upper(event["httpMethod"]),
        script_name,
        path,
        raw_path,
        _query(event.get("multiValueQueryStringParameters"), event.get("queryStringParameters")),
        headers,
        body_bytes(event),
        scheme,
        name,
        port,
        client,
        str.strip(context.get("protocol") or "HTTP/1.1"),
    )


def shape(_event: dict[str, Any], response: Response) -> dict[str, Any]:
    """`response` for a REST API: every header is a list, so that no values are joined."""
    text = body_text(response)
    return {
        "statusCode": response.status,
        "multiValueHeaders": listed(response),
        "body": base64_text(response.body) if text is None else text,
        "isBase64Encoded": text is None,
    }


def _query(lists: dict[str, Any] | None, single: dict[str, Any] | None) -> str:
    """A query string of decoded names and values."""
    query, count = joined_query(lists, single)
    # Quoting is slow. Most queries have no special characters except the separators and need none.
    if not query or (not query.strip(_PLAIN_QUERY) and query.count("=") == count == query.count("&") + 1):
        return query
    names, values = columns(lists, single)
    return "&".join([_quoted(name) + "=" + _quoted(value) for name, value in zip(names, values, strict=True)])


def _quoted(text: str) -> str:
    return quote_plus(text) if text.strip(UNRESERVED) else text


def _script_and_path(path: str, event: dict[str, Any], context: dict[str, Any], gateway: Gateway) -> tuple[str, str]:
    """SCRIPT_NAME and PATH_INFO.

    SCRIPT_NAME is the stage at API Gateway's own domain; at a custom domain it is the part of `path` before the matched
    resource.
    """
    if gateway.base_path is not None:
        return addresses.below(path, gateway.base_path)
    stage = context.get("stage", "$default")
    if ".execute-api." in str(context.get("domainName")):
        if stage == "$default":
            return "", path
        rest = addresses.strip_prefix(path, f"/{stage}") if event.get("version") == "1.0" else None
        return f"/{stage}", path if rest is None else rest
    resource = event.get("resource")
    if not resource or resource == "$default":
        return "", path
    given = event.get("pathParameters") or {}
    matched = _PARAMETER.sub(
        lambda found: unquote(given.get(found[1], found[0]), errors="surrogateescape"), decoded(resource)
    )
    end = _before(path, matched)
    return path[:end], path[end:]


_PARAMETER = re.compile(r"\{([^{}+]+)\+?\}")


def _before(path: str, matched: str) -> int:
    """The length of `path` without `matched` at its end; 0 where `path` does not end with `matched`.

    Segments are compared, since a gateway may drop slashes of a parameter.
    """
    segments, ends = ([part for part in _shown(text).split("/") if part] for text in (path, matched))
    more = len(segments) - len(ends)
    if more <= 0 or segments[more:] != ends:
        return 0
    return [found.end() for found in _SEGMENT.finditer(path)][more - 1]


_SEGMENT = re.compile("[^/]+")


def _shown(text: str) -> str:
    """A decoded path without surrogates, which JSON cannot contain."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
