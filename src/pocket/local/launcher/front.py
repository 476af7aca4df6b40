"""A site's own address: every path goes unchanged to one API, custom domain or function URL.

MiniStack serves APIs beside its own pages and strips, collapses or uses some paths itself. A front port puts the API's
internal path before the client's, so that no part of the client's path is mistaken for MiniStack's.
"""

from __future__ import annotations

import html
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pocket.local.launcher import edge
from pocket.local.launcher.asgi_helpers import TooLarge, read_body, replay, respond
from pocket.local.launcher.emulator import module
from pocket.local.launcher.http_events import FrontRequest, front_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, MutableMapping

    from pocket.local.launcher.asgi_helpers import Application, Receive, Scope, Send

MEGABYTE = 1024 * 1024

EDGE_LIMIT = 64 * MEGABYTE
"""What is read of a request to a distribution; an API behind it has a limit of its own."""

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
"""Headers that the gateway sets or consumes itself, so the client's values are dropped."""


@dataclass(frozen=True)
class Target:
    """Where MiniStack serves an API or a function URL, and the largest body in bytes that AWS accepts there.

    It is for the paths below `base`; `mapped` and `domain` are as in FrontRequest.
    """

    prefix: str
    limit: int
    base: str = ""
    mapped: bool = False
    domain: str = ""

    def serves(self, path: str) -> bool:
        return path == self.base or path.startswith(f"{self.base}/")


def find_targets(identity: str) -> list[Target]:
    """The targets of an HTTP API's, a REST API's or a function URL's id, or of a REST API's custom domain name.

    The most specific first; empty where nothing has that name.
    """
    if url := module("services.lambda_svc").resolve_function_url(identity):
        domain = f"{identity}.lambda-url.{url[1]}.on.aws"
        return [Target(f"/_aws/lambda-url/{identity}", 6 * MEGABYTE, domain=domain)]
    gateway, rest = module("services.apigateway"), module("services.apigateway_v1")
    for service in (gateway, rest):
        if scope := service.find_api_scope(identity):
            domain = f"{identity}.execute-api.{scope[1]}.amazonaws.com"
            return _most_specific([_of_stage(identity, stage, domain) for stage in service.stages_for_api(identity)])
    if (domain_scope := rest.find_domain_scope(identity)) is None:
        return []
    account, region, domain = domain_scope
    mappings = rest._base_path_mappings.get_scoped(account, region, domain, {})
    return _most_specific(
        [target for base, mapping in mappings.items() for target in _mapped(rest, domain, base, mapping)]
    )


def _of_stage(identity: str, stage: str, domain: str) -> Target:
    prefix = f"/_aws/execute-api/{identity}/{stage}"
    if stage == "$default":
        return Target(prefix, 10 * MEGABYTE)
    return Target(prefix, 10 * MEGABYTE, base=f"/{stage}", domain=domain)


def _mapped(rest: Any, domain: str, base: str, mapping: dict[str, Any]) -> Iterator[Target]:
    """The targets of a custom domain's mapping; one without a stage leaves that to the path."""
    identity, stage = mapping["restApiId"], mapping["stage"]
    public = "" if base in {"", "(none)"} else f"/{base}"
    for name in [stage] if stage else rest.stages_for_api(identity):
        prefix = f"/_aws/execute-api/{identity}/{name}"
        yield Target(prefix, 10 * MEGABYTE, public if stage else f"{public}/{name}", mapped=True, domain=domain)


def _most_specific(targets: list[Target]) -> list[Target]:
    return sorted(targets, key=lambda target: -len(target.base))


class FrontPort:
    """The ASGI application of one site; `identity` is the id that it is routed to, or None."""

    def __init__(self, name: str, port: int, inner: Application, find: Callable[[str], list[Target]]) -> None:
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
        distribution = edge.find(self.identity) if self.identity else None
        if distribution is not None:
            await self._through(distribution, scope, receive, send)
            return
        targets = self._find(self.identity) if self.identity else []
        if not targets:
            await respond(send, 503, "text/html; charset=utf-8", self._unpublished(), [(b"retry-after", b"5")])
            return
        path = _raw_path(scope)
        target = next((target for target in targets if target.serves(path)), None)
        if target is None:
            await respond(send, 403, "application/json", '{"message":"Forbidden"}')
            return
        try:
            body = await read_body(receive, target.limit)
        except TooLarge:
            await respond(send, 413, "application/json", '{"message":"Request Entity Too Large"}')
            return
        await self._forward(scope, send, target, path, body)

    async def _through(self, distribution: dict[str, Any], scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request from a distribution, whose origin may be an HTTP API."""

        async def to_api(identity: str, request: edge.Request) -> edge.Answer:
            target = next(iter(self._find(identity)), None)
            if target is None:
                return 403, [("content-type", "application/json")], b'{"message":"Forbidden"}'
            if len(request.body) > target.limit:
                return 413, [("content-type", "application/json")], b'{"message":"Request Entity Too Large"}'
            headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()]
            query = request.query.encode("latin-1")
            inner = {**scope, "method": request.method, "query_string": query, "headers": headers}
            kept = Kept()
            await self._forward(inner, kept.send, target, request.path, request.body)
            return kept.answer()

        try:
            body = await read_body(receive, EDGE_LIMIT)
        except TooLarge:
            await respond(send, 413, "text/plain; charset=utf-8", "Request Entity Too Large\n")
            return
        edge.forward_to_api.set(to_api)
        query = scope.get("query_string", b"").decode("latin-1")
        headers = _joined(scope["headers"])
        viewed = edge.Request(scope["method"], _raw_path(scope), query, headers, body, scope["client"][0])
        status, answered, content = await edge.serve(distribution, viewed)
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answered]
        pairs = [pair for pair in pairs if pair[0] not in {b"content-length", b"connection", b"transfer-encoding"}]
        length = (b"content-length", str(len(content)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*pairs, length]})
        await send({"type": "http.response.body", "body": content})

    async def _forward(self, scope: Scope, send: Send, target: Target, path: str, body: bytes) -> None:
        headers = [(name.lower(), value) for name, value in scope["headers"] if name.lower() not in REPLACED]
        trace = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        added = {
            "x-forwarded-for": scope["client"][0],
            "x-forwarded-port": str(self.port),
            "x-forwarded-proto": "http",
            "x-amzn-trace-id": trace,
            **({"content-length": str(len(body))} if body else {}),
        }
        headers += [(name.encode(), value.encode()) for name, value in added.items()]
        texts = tuple((name.decode("latin-1"), _text(value)) for name, value in headers)
        below = path[len(target.base) :] or "/"
        inner = {
            **scope,
            "path": target.prefix + unquote(below),
            "raw_path": (target.prefix + below).encode("latin-1"),
            "headers": headers,
        }
        front_request.set(
            FrontRequest(
                host=dict(texts)["host"],
                raw_path=path,
                raw_query=scope.get("query_string", b"").decode("latin-1"),
                headers=texts,
                base=target.base,
                mapped=target.mapped,
                domain=target.domain,
            )
        )
        await self._inner(inner, replay(body), send)

    def _unpublished(self) -> str:
        name = html.escape(self.name)
        return (
            "<!doctype html><html lang=en><meta charset=utf-8><title>Nothing is published here yet</title>"
            f"<h1>Nothing is published here yet</h1><p>The handler <code>{name}</code> will answer at "
            f"<code>{self.address}</code> once its stage is deployed onto the local AWS: "
            "<code>pocket local</code>, or <code>pocket deploy --local</code>.</p></html>\n"
        )


class Kept:
    """A response in the making, kept instead of sent."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: edge.Pairs = []
        self.body = b""

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
        else:
            self.body += message.get("body", b"")

    def answer(self) -> edge.Answer:
        return self.status, self.headers, self.body


def _joined(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by name in lower case; repeated ones joined (RFC 9110, 5.3), cookies as RFC 9113 does."""
    found: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}{'; ' if name == 'cookie' else ','}{value}" if name in found else value
    return found


def _raw_path(scope: Scope) -> str:
    path: str = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
    return path if path.startswith("/") else f"/{path}"


def _text(value: bytes) -> str:
    """A header's value as the text of an event."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
