"""Clients of ASGI applications: through an event loop as a server runs it, and through pocket.asgi as Lambda does."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlencode


@dataclass(frozen=True)
class Answer:
    """A response; `headers` in lower case, the last of each name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client(Protocol):
    """Asks an application; `json` is sent as the body, `headers` in addition."""

    def __init__(self, app: Any) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *failure: object) -> None: ...

    def ask(
        self,
        method: str,
        path: str,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer: ...

    def get(self, path: str, **options: Any) -> Answer: ...

    def post(self, path: str, json: Any = None, **options: Any) -> Answer: ...


class _Verbs:
    def get(self, path: str, **options: Any) -> Answer:
        return self.ask("GET", path, **options)  # type: ignore[attr-defined,no-any-return]

    def post(self, path: str, json: Any = None, **options: Any) -> Answer:
        return self.ask("POST", path, json, **options)  # type: ignore[attr-defined,no-any-return]


class ServerClient(_Verbs):
    """The application on a loop of asyncio's own, as a server runs it; its lifespan is not run."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self.runner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.runner.__exit__(kind, error, trace)

    def run(self, awaitable: Awaitable[Any]) -> Any:
        async def main() -> Any:
            return await awaitable

        return self.runner.run(main())

    def ask(self, method: str, path: str, json: Any = None, **options: Any) -> Answer:
        return self.run(exchange(self.app, method, path, json, **options))  # type: ignore[no-any-return]


async def exchange(
    app: Any,
    method: str,
    path: str,
    json_body: Any = None,
    *,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> Answer:
    """One request and its answer; what the application raises is raised, unless it had answered."""
    body = b"" if json_body is None else json.dumps(json_body).encode()
    sent = {"host": "testserver", **({"content-type": "application/json"} if body else {}), **(headers or {})}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": urlencode(query or {}).encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        "state": {},
    }
    messages: list[dict[str, Any]] = []
    received = False

    async def receive() -> dict[str, Any]:
        nonlocal received
        if received:
            await asyncio.Event().wait()
        received = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    try:
        await app(scope, receive, send)
    except Exception:
        if not messages or messages[0]["status"] != 500:
            raise
    start = messages[0]
    return Answer(
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        b"".join(message.get("body", b"") for message in messages[1:]),
    )


class LambdaClient(_Verbs):
    """The application behind `pocket.asgi`'s handler, asked through events of an HTTP API."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.handler: Any = None

    def __enter__(self) -> Self:
        from pocket.asgi import make_handler

        self.handler = make_handler(self.app)
        return self

    def __exit__(self, *failure: object) -> None:
        self.handler.close()

    def ask(
        self,
        method: str,
        path: str,
        json_body: Any = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Answer:
        if "json" in options:
            json_body = options["json"]
        result = self.handler(http_event(method, path, json_body, headers=headers, query=query), None)
        result = json.loads(result) if isinstance(result, bytes) else result
        body = result.get("body", "")
        content = b64decode(body) if result.get("isBase64Encoded") else body.encode()
        return Answer(result["statusCode"], {name.lower(): value for name, value in result["headers"].items()}, content)


def http_event(
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    stage: str = "$default",
    host: str = "testserver",
) -> dict[str, Any]:
    """An event of API Gateway's HTTP API (payload format 2.0)."""
    sent = {"host": host, **({} if body is None else {"content-type": "application/json"}), **(headers or {})}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "headers": {name.lower(): value for name, value in sent.items()},
        "requestContext": {
            "domainName": host,
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "test",
            },
            "stage": stage,
        },
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }
