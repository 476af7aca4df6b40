"""Which requests may reach the control port, where MiniStack serves the AWS APIs.

MiniStack lets any web page create and run functions on the developer's machine: a page may send a POST without a
preflight, and may reach 127.0.0.1 under a name of its own. So nothing that a browser sends passes but reading an S3
object, which is how pages show images and static files; and nothing unsigned passes but what a bucket's policy decides.
"""

from __future__ import annotations

import hmac
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, unquote_to_bytes

from pocket.local.launcher.asgi_helpers import replay, respond

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping
    from typing import Any

    from pocket.local.launcher.asgi_helpers import Application, Receive, Scope, Send

TOKEN_HEADER = "x-pocket-token"  # noqa: S105 — the header's name

INTERNAL = ("/_ministack", "/_localstack", "/_aws", "/_pocket")
"""Paths that AWS does not have; MiniStack resets itself there, and runs any API."""

CALLBACKS = ("/_ministack/cfn-response/", "/_ministack/cfn-signal/")
"""Where custom resources report, as presigned URLs of S3 do on AWS: the path itself holds a secret."""


_READS = re.compile(
    rb"x-amz-(algorithm|credential|date|expires|signedheaders|signature|security-token|checksum-mode|content-sha256)"
    rb"|awsaccesskeyid|signature|expires|response-[a-z-]+|versionid|partnumber|x-id",
    re.IGNORECASE,
)
"""The parameters of GetObject and HeadObject, and of a presigned URL in either version."""


class Guard:
    """The ASGI application of the control port."""

    def __init__(self, inner: Application, port: int, token: str, is_bucket: Callable[[str], bool]) -> None:
        self._inner = inner
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._token = token.encode()
        self._is_bucket = is_bucket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope.get("query_string", b"").decode("latin-1")
        reason = self.refusal(scope["method"], scope["path"], query, headers)
        if reason:
            body = json.dumps({"__type": "AccessDeniedException", "message": reason})
            await respond(send, 403, "application/x-amz-json-1.1", body)
            return

        async def without_open_cors(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                opened = (b"access-control-allow-origin", b"*")
                kept = [(name, value) for name, value in message["headers"] if (name.lower(), value) != opened]
                message = {**message, "headers": kept}
            await send(message)

        if not self._reads_object(scope["method"], scope["path"]):
            await self._inner(scope, receive, without_open_cors)
        elif _is_from_a_page(headers) or signature_refusal(query, headers, reads_object=False):
            # The bucket's own CORS rule decides whether a page may use an object.
            await self._inner(as_a_read(scope), replay(b""), send)
        else:
            await self._inner(scope, receive, send)

    def refusal(self, method: str, path: str, query: str, headers: Mapping[str, str]) -> str:
        """Why the request is refused, as a sentence for its sender; empty where it may pass."""
        if headers.get("host", "").lower() not in self._hosts:
            return "The control port of the local AWS answers to its own address only."
        reads_object = self._reads_object(method, path)
        if not reads_object and _is_from_a_page(headers):
            return "The control port of the local AWS accepts requests from web pages only to read S3 objects."
        if path.startswith(INTERNAL):
            if method == "PUT" and path.startswith(CALLBACKS):
                return ""
            token = headers.get(TOKEN_HEADER, "").encode("latin-1")
            return "" if hmac.compare_digest(token, self._token) else "This path is reserved for the local AWS."
        return signature_refusal(query, headers, reads_object=reads_object)

    def _reads_object(self, method: str, path: str) -> bool:
        bucket, _, key = path.lstrip("/").partition("/")
        return method in ("GET", "HEAD") and bool(key) and self._is_bucket(unquote(bucket))


def _is_from_a_page(headers: Mapping[str, str]) -> bool:
    return any(name == "origin" or name.startswith("sec-fetch-") for name in headers)


def as_a_read(scope: Scope) -> Scope:
    """The request with only what reading an object takes: MiniStack gives it to any service that the rest names.

    S3 ignores parameters that it does not know, such as the `?v=3` of a style sheet.
    """
    query = scope.get("query_string", b"").split(b"&")
    kept = [part for part in query if _READS.fullmatch(unquote_to_bytes(part.partition(b"=")[0]))]
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"x-amz-target"]
    return {**scope, "query_string": b"&".join(kept), "headers": headers}


def signature_refusal(query: str, headers: Mapping[str, str], *, reads_object: bool) -> str:
    """Why the kind of the request's credentials is refused, or ""; MiniStack checks the signature itself.

    Version 2 is accepted where boto3 still makes it by default, in presigned URLs of objects.
    """
    authorization = headers.get("authorization", "")
    parameters = {name.lower() for name in parse_qs(query, keep_blank_values=True)}
    if authorization and not authorization.startswith("AWS4-HMAC-SHA256 "):
        return "The local AWS accepts only requests signed with Signature Version 4 (AWS4-HMAC-SHA256)."
    if authorization or "x-amz-algorithm" in parameters or reads_object:
        return ""
    return "Missing Authentication Token: the local AWS accepts unsigned requests only to read S3 objects."
