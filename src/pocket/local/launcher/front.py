"""A site's own address: every path goes to one API or function URL, as it stands.

MiniStack serves APIs beside its own pages and strips, collapses or takes over some paths. A front port puts the API's
internal path before the client's, so nothing of the client's path can be taken for anything else.
"""

from __future__ import annotations

import html
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pocket.local.launcher.asgi import TooLarge, read_body, replay, respond
from pocket.local.launcher.events import FrontRequest, front_request
from pocket.local.launcher.patches import module

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocket.local.launcher.asgi import Application, Receive, Scope, Send

MEGABYTE = 1024 * 1024

REPLACED = frozenset(
    {
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-port",
        b"x-amzn-trace-id",
        b"content-length",
        b"connection",
    }
    | {b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade", b"proxy-connection", b"expect"}
)
"""Headers that the gateway sets or consumes itself, so the client's are dropped."""


@dataclass(frozen=True)
class Target:
    """Where MiniStack serves an API or a function URL, and the largest body in bytes that it takes on AWS."""

    prefix: str
    limit: int


def find_target(identity: str) -> Target | None:
    """The target of an HTTP API's, a REST API's or a function URL's id; None where there is none of that id."""
    gateway = module("services.apigateway")
    if gateway.find_api_scope(identity) is not None:
        return Target(f"/_aws/execute-api/{identity}/{_stage(gateway, identity)}", 10 * MEGABYTE)
    if module("services.lambda_svc").resolve_function_url(identity) is not None:
        return Target(f"/_aws/lambda-url/{identity}", 6 * MEGABYTE)
    rest = module("services.apigateway_v1")
    if rest.find_api_scope(identity) is not None:
        return Target(f"/_aws/execute-api/{identity}/{_stage(rest, identity)}", 10 * MEGABYTE)
    return None


def _stage(gateway: Any, identity: str) -> str:
    stages = list(gateway.stages_for_api(identity))
    return "$default" if "$default" in stages or not stages else stages[0]


class FrontPort:
    """The ASGI application of one site; `identity` is what it is routed to, or None."""

    def __init__(self, name: str, port: int, inner: Application, find: Callable[[str], Target | None]) -> None:
        self.name = name
        self.port = port
        self.identity: str | None = None
        self._inner = inner
        self._find = find
        self._hosts = {f"localhost:{port}", f"127.0.0.1:{port}"}

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if host.lower() not in self._hosts:
            await respond(send, 421, "text/plain; charset=utf-8", f"This site is {self.address}.\n")
            return
        target = self._find(self.identity) if self.identity else None
        if target is None:
            await respond(send, 503, "text/html; charset=utf-8", self._unpublished(), [(b"retry-after", b"5")])
            return
        try:
            body = await read_body(receive, target.limit)
        except TooLarge:
            await respond(send, 413, "application/json", '{"message":"Request Entity Too Large"}')
            return
        await self._forward(scope, send, target, host, body)

    async def _forward(self, scope: Scope, send: Send, target: Target, host: str, body: bytes) -> None:
        raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
        if not raw_path.startswith("/"):
            raw_path = f"/{raw_path}"
        forwarded = (
            ("x-forwarded-for", scope["client"][0]),
            ("x-forwarded-port", str(self.port)),
            ("x-forwarded-proto", "http"),
        )
        trace = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        added = [*forwarded, ("x-amzn-trace-id", trace), *([("content-length", str(len(body)))] if body else [])]
        inner = {
            **scope,
            "path": target.prefix + unquote(raw_path),
            "raw_path": (target.prefix + raw_path).encode("latin-1"),
            "headers": [
                *((name, value) for name, value in scope["headers"] if name.lower() not in REPLACED),
                *((name.encode(), value.encode()) for name, value in added),
            ],
        }
        query = scope.get("query_string", b"").decode("latin-1")
        front_request.set(FrontRequest(host=host, raw_path=raw_path, raw_query=query, forwarded=forwarded))
        await self._inner(inner, replay(body), send)

    def _unpublished(self) -> str:
        name = html.escape(self.name)
        return (
            "<!doctype html><html lang=en><meta charset=utf-8><title>Nothing is published here yet</title>"
            f"<h1>Nothing is published here yet</h1><p>The handler <code>{name}</code> will answer at "
            f"<code>{self.address}</code> once its stage is deployed onto the local AWS: "
            "<code>pocket local</code>, or <code>pocket deploy --local</code>.</p></html>\n"
        )
