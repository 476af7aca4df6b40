"""A response, independent of the event's format, and what all formats share: text or Base64, size limit, JSON."""

from __future__ import annotations

import re
import sys
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from pocket.errors import InvalidHeader, ResponseTooLarge
from pocket.lambda_http.encoding import base64_ascii, json_bytes
from pocket.lambda_http.request import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Protocol

    from pocket.lambda_http.request import Gateway, Request

    class Format(Protocol):
        """The interface of a format's module; `LIMIT` is the maximum size of a response in bytes of JSON."""

        LIMIT: int

        def parse(self, event: dict[str, Any], gateway: Gateway, /) -> Request:
            """The request in `event`; raises UnknownEvent for an invalid one."""
            ...

        def shape(self, event: dict[str, Any], response: Response, /) -> dict[str, Any]:
            """`response` to `event` in this format; always with `body` and `isBase64Encoded`."""
            ...


LAMBDA_LIMIT = 6 * 1024 * 1024 + 100
"""Bytes of JSON that a synchronous invocation may return: 6,291,556, the number in Lambda's error."""

COOKIE = "set-cookie"
_LARGE = 16 * 1024
_RUNTIME_CLIENT = "awslambdaric.lambda_runtime_marshaller"
_BINARY_TYPES = ("image/", "audio/", "video/", "font/", "application/octet-stream")
_UNCHANGED = ("", "identity")
_TEXT_SUFFIXES = ("+xml", "+json")


class Response:
    """Status, headers and whole body; names of headers in lower case, values as bytes decoded with Latin-1.

    `headers` has the first value of each name, `repeats` the others in order, and every cookie, since cookies cannot be
    joined.
    """

    def __init__(
        self, status: int, headers: dict[str, str], body: bytes = b"", repeats: Sequence[tuple[str, str]] = ()
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.repeats = repeats

    @classmethod
    def of_pairs(cls, status: int, pairs: Iterable[tuple[str, str]], body: bytes = b"") -> Response:
        """A response with headers in any case and order, which may repeat."""
        headers: dict[str, str] = {}
        repeats: list[tuple[str, str]] = []
        for name, value in pairs:
            key = name.lower()
            if key in headers or key == COOKIE:
                repeats.append((key, value))
            else:
                headers[key] = value
        return cls(status, headers, body, repeats)


def private(response: Response) -> Response:
    """`response`, marked as private unless it may be shared.

    Without a Cache-Control header, a CDN may answer several requests at once with one response, and it stores a cookie
    with a response that may be stored: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html
    """
    written = response.headers.get("cache-control")
    if written is None:
        wanted = "private"
    elif any(name == COOKIE for name, _ in response.repeats) and not _is_private(written):
        wanted = "private, no-cache"
    else:
        return response
    return Response(response.status, {**response.headers, "cache-control": wanted}, response.body, response.repeats)


_is_private = re.compile(r"(^|[\s,])(private|no-store)\s*(,|$)", re.IGNORECASE).search

_PLAIN = {"content-type": "text/plain; charset=utf-8"}
FAILED = Response(500, _PLAIN, b"Internal Server Error\n")
TIMED_OUT = Response(504, _PLAIN, b"Gateway Timeout\n")


def finish(form: Format, event: dict[str, Any], method: str, response: Response) -> dict[str, Any] | bytes:
    """The handler's return value for `response` to an `event` in the format `form`.

    A dictionary, or its JSON as bytes where the body is large and AWS's runtime client is loaded, which sends bytes
    unchanged. HEAD, 204 and 304 have no body. Raises ResponseTooLarge for a response over the limit, and InvalidHeader
    for a header that HTTP does not allow.
    """
    headers, body = response.headers, response.body
    if response.repeats or not _names.issuperset(headers):
        _check_headers(response)
    else:
        for value in headers.values():  # `all` and `map` would take longer for the few that there are
            if not value.isprintable():
                _check_headers(response)  # of all
                break
    if body and (method == "HEAD" or response.status in (204, 304)):
        body = b""
        response = Response(response.status, headers, body, response.repeats)
    if len(body) < _LARGE:
        return form.shape(event, response)
    if _RUNTIME_CLIENT in sys.modules:
        return _whole(form, event, response)
    shaped = form.shape(event, response)
    if 6 * len(shaped["body"]) + _LARGE > form.LIMIT:
        _refuse_over(form.LIMIT, len(json_bytes(shaped)))
    return shaped


_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+").fullmatch
_CONTROL = re.compile(r"[\0-\x08\x0a-\x1f\x7f]").search
_MOST_NAMES = 1024
_names: set[str] = set()
"""Names of headers that are known to be tokens (RFC 9110, 5.1)."""


def _check_headers(response: Response) -> None:
    """Raises InvalidHeader for the first header that HTTP does not allow (RFC 9110, 5.5)."""
    for name, value in (*response.headers.items(), *response.repeats):
        if name not in _names:
            if not _TOKEN(name):
                raise InvalidHeader(printable(name), "has a name with characters that HTTP does not allow")
            if len(_names) < _MOST_NAMES:
                _names.add(name)
        if _CONTROL(value):
            raise InvalidHeader(name, "has a value with a control character")


def _whole(form: Format, event: dict[str, Any], response: Response) -> bytes:
    """The shaped response as JSON; the body is added separately, since Base64 needs no escaping."""
    _keep_memory()
    shaped = form.shape(event, Response(response.status, response.headers, b"", response.repeats))
    text = body_text(response)
    del shaped["body"]
    shaped["isBase64Encoded"] = text is None
    rest = json_bytes(shaped)[1:]
    if text is None:
        payload = b"".join((b'{"body":"', base64_ascii(response.body), b'",', rest))
    else:
        payload = b"".join((b'{"body":', json_bytes(text), b",", rest))
    _refuse_over(form.LIMIT, len(payload))
    return payload


@cache
def _keep_memory() -> None:
    """Raises the threshold at which the C library returns memory to the kernel above the size of a large response.

    The threshold grows to the largest block ever freed. Getting memory from the kernel again, page by page, takes many
    times as long as encoding Base64.
    """
    bytes(8 * 1024 * 1024)


def _refuse_over(limit: int, size: int) -> None:
    if size > limit:
        raise ResponseTooLarge(size, limit)


def body_text(response: Response) -> str | None:
    """The body of `response` as text, None where it must be Base64.

    No list of text types is needed: a body that is not compressed, has no binary media type and is valid UTF-8 is sent
    as text, which the gateway encodes to the same bytes. Any other body is sent as Base64.
    """
    headers = response.headers
    if headers.get("content-encoding", "") in _UNCHANGED and _may_be_text(headers.get("content-type", "")):
        try:
            return response.body.decode()
        except UnicodeDecodeError:
            pass
    return None if response.body else ""


@lru_cache(maxsize=256)
def _may_be_text(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return not media_type.startswith(_BINARY_TYPES) or media_type.endswith(_TEXT_SUFFIXES)


def joined(response: Response) -> tuple[dict[str, str], list[str]]:
    """Headers, repeated ones joined with a comma (RFC 9110, 5.3), and the cookies, which cannot be joined."""
    headers = response.headers.copy()
    cookies: list[str] = []
    for name, value in response.repeats:
        if name == COOKIE:
            cookies.append(value)
        else:
            headers[name] = f"{headers[name]}, {value}"
    return headers, cookies


def listed(response: Response) -> dict[str, list[str]]:
    """Headers as lists of values, each in order."""
    headers = {name: [value] for name, value in response.headers.items()}
    for name, value in response.repeats:
        headers.setdefault(name, []).append(value)
    return headers
