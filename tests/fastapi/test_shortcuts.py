"""The short way to simple endpoints: taken where it may be, and otherwise not to be told from FastAPI's own."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qsl

import pytest
from asgi_client import Answer, Client, LambdaClient, ServerClient
from fastapi import APIRouter, Body, Cookie, Depends, FastAPI, Header, Query, Request, Response
from pydantic import BaseModel
from starlette.responses import PlainTextResponse
from starlette.routing import Mount


@pytest.fixture
def ways(database: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the requests that went the usual way."""
    from pocket.fastapi.routes import Route

    usual: list[str] = []
    handle = Route.handle

    async def noted(self: Route, scope: Any, receive: Any, send: Any) -> None:
        usual.append(scope["path"])
        await handle(self, scope, receive, send)

    monkeypatch.setattr(Route, "handle", noted)
    return usual


class Page(BaseModel):
    number: int = 1


def routed(router: Any) -> Any:
    """Routes of every kind on `router`."""

    @router.get("/short/{number}")
    def short(number: int, q: str | None = None, tag: Annotated[list[str], Query()] = []) -> Any:  # noqa: B006
        return [number, q, tag]

    @router.post("/short/{number}")
    async def posted(number: int) -> Any:
        return {"posted": number}

    @router.get("/typed/{number:int}/{rest:path}", status_code=201)
    def typed(number: int, rest: str) -> Any:
        return [number, rest]

    @router.get("/model")
    def model(page: Annotated[Page, Query()]) -> Any:
        return page.number

    @router.get("/headed")
    def headed(response: Response) -> Any:
        response.headers["x-own"] = "yes"
        response.status_code = 202
        return 1

    @router.get("/raises")
    def raises() -> Any:
        from django.core.exceptions import PermissionDenied

        raise PermissionDenied("no")

    @router.get("/seen")
    def seen(request: Request) -> Any:
        return [request.path_params, request.scope["route"].path]

    @router.get("/asking")
    def asking(agent: Annotated[str, Header()] = "", session: Annotated[str, Cookie()] = "") -> Any:
        return [agent, session]

    @router.get("/depending")
    def depending(value: Annotated[int, Depends(lambda: 3)]) -> Any:
        return value

    return router


def routed_with_bodies(router: Any) -> Any:
    """Routes on `router` that ask for a body."""

    @router.put("/bodies/{number}")
    def put(number: int, page: Page, q: str = "") -> Any:
        return [number, page, q]

    @router.post("/bodies/{number}")
    async def post(number: int, data: dict[str, Any]) -> Any:
        return [number, data]

    @router.patch("/bodies/{number}")
    def patch(number: int, page: Annotated[Page, Body(embed=True)]) -> Any:
        return [number, page]

    @router.delete("/bodies/{number}")
    def delete(number: int, page: Page | None = None) -> Any:
        return [number, page]

    @router.put("/two/{number}")
    def two(number: int, page: Page, other: Page) -> Any:
        return [number, page, other]

    @router.post("/raising")
    def raising(page: Page) -> Any:
        raise LookupError(page.number)

    return router


SHORT = ["/short/1", "/short/1?q=a&tag=x&tag=y", "/typed/2/a/b", "/model", "/model?number=3", "/headed", "/raises"]
USUAL = ["/short/x", "/model?number=x", "/seen", "/asking", "/depending"]
NOWHERE = ["/typed/x/a", "/nothing", "/short/1/", "/docs/oauth2-redirect"]


def told(answer: Answer) -> tuple[Any, ...]:
    return answer.status, answer.body, {name: answer.headers[name] for name in answer.headers if name != "date"}


def ask(client: Client, path: str, method: str = "GET") -> tuple[Any, ...]:
    plain, _, query = path.partition("?")
    pairs = parse_qsl(query)
    return told(client.ask(method, plain, query=pairs))  # type: ignore[arg-type]


@pytest.mark.parametrize("prefix", ["", "/v1"])
def test_the_answers_are_fastapis_own(serving: type[Client], ways: list[str], prefix: str) -> None:
    from pocket.fastapi import Router, create_app, handle_errors

    ours = create_app(discover=False)
    ours.include_router(routed(Router(prefix=prefix)))
    plain = FastAPI()
    plain.include_router(routed(APIRouter(prefix=prefix)))
    handle_errors(plain)
    with serving(ours) as client, serving(plain) as reference:
        for path in [*SHORT, *USUAL, *NOWHERE]:
            for method in ("GET", "POST", "DELETE"):
                ways.clear()
                assert ask(client, prefix + path, method) == ask(reference, prefix + path, method), (method, path)
                if method == "GET":
                    went = bool(ways)
                    assert went == (path in USUAL or path == "/raises"), path


def test_the_routes_order_holds_with_mounts_and_routes_that_come_later(ways: list[str]) -> None:
    from pocket.fastapi import Router, create_app

    app = create_app(discover=False)
    first, second = Router(), Router()

    @first.get("/things/{name}")
    def thing(name: str) -> Any:
        return f"thing {name}"

    app.include_router(first)
    app.router.routes.insert(0, Mount("/things/mounted", app=PlainTextResponse("mounted")))
    with LambdaClient(app) as client:
        assert client.get("/things/a").json() == "thing a"
        assert client.get("/things/mounted/b").body == b"mounted"

        @second.get("/late")
        def late() -> Any:
            return "late"

        app.include_router(second)
        assert client.get("/late").json() == "late"

        @app.get("/last/{name}")
        def last(name: str) -> Any:
            return f"last {name}"

        assert client.get("/last/a").json() == "last a"
    assert ways == []


def test_middleware_of_the_project_is_around_it(ways: list[str]) -> None:
    from pocket.fastapi import Router, create_app

    app = create_app(discover=False)
    app.include_router(routed(Router()))

    @app.middleware("http")
    async def stamp(request: Request, call_next: Any) -> Any:
        response = await call_next(request)
        response.headers["x-stamp"] = request.scope["route"].path
        return response

    with LambdaClient(app) as client:
        assert client.get("/short/5").headers["x-stamp"] == "/short/{number}"
    assert ways == []


def test_a_prefix_that_the_server_strips_is_respected(ways: list[str]) -> None:
    from pocket.fastapi import Router, create_app
    from pocket.fastapi.combining import Prefixed

    app = create_app(discover=False)
    app.include_router(routed(Router()))
    with LambdaClient(Prefixed(app, "/api")) as client:
        assert client.get("/api/short/4").json() == [4, None, []]
        assert client.get("/short/4").json() == [4, None, []]
    assert ways == []


def test_a_failure_is_answered_by_the_applications_own_handler(serving: type[Client], ways: list[str]) -> None:
    from pocket.fastapi import create_app

    app = create_app(discover=False)

    @app.get("/fails")
    def fails() -> Any:
        raise LookupError("gone")

    @app.exception_handler(LookupError)
    async def answer(request: Request, error: LookupError) -> Response:
        return PlainTextResponse(f"{error} at {request.url.path}", 410)

    with serving(app) as client:
        found = client.get("/fails")
    assert (found.status, found.body) == (410, b"gone at /fails")


def test_a_subclass_that_handles_requests_itself_is_asked(ways: list[str]) -> None:
    from pocket.fastapi import Router, create_app
    from pocket.fastapi.routes import Route

    class Timed(Route):
        def get_route_handler(self) -> Any:
            handler = super().get_route_handler()

            async def timed(request: Request) -> Response:
                response: Response = await handler(request)
                response.headers["x-time"] = "1"
                return response

            return timed

    app = create_app(discover=False)
    router = Router(route_class=Timed)
    router.add_api_route("/timed", lambda: 1)
    app.include_router(router)
    with LambdaClient(app) as client:
        assert client.get("/timed").headers["x-time"] == "1"


BODIES = (
    *(b'{"number": 3}', b'{"number": "3"}', b'{"number": "x"}', b"{", b"", b"null", b"[]", b'"text"', b"NaN", b"\xff"),
    *(b'{"page": {"number": 2}}', '{"number": 4}'.encode("utf-16"), b'{"number": 1, "number": 2}', b"[" * 100_000),
)
KINDS = ("application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json", "text/plain", None)


async def sent(app: Any, method: str, path: str, chunks: list[bytes], kind: str | None) -> tuple[Any, ...]:
    """Status, headers and body of the answer to a body that comes in `chunks`."""
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, 1)
    ]
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    headers = [(b"content-type", kind.encode())] if kind else []
    plain, _, query = path.partition("?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": plain,
        "query_string": query.encode(),
        "headers": headers,
        "app": app,
    }
    try:
        await app(scope, receive, send)
    except Exception as error:  # noqa: BLE001  (it is compared)
        return repr(error), messages
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return messages[0]["status"], sorted(messages[0]["headers"]), body


@pytest.mark.parametrize("kind", KINDS)
def test_the_answers_to_bodies_are_fastapis_own(ways: list[str], kind: str | None) -> None:
    from pocket.fastapi import Router, create_app, handle_errors

    ours = create_app(discover=False)
    ours.include_router(routed_with_bodies(Router()))
    reference = FastAPI()
    reference.include_router(routed_with_bodies(APIRouter()))
    handle_errors(reference)
    short = set()
    paths = ("/bodies/1?q=a", "/bodies/x", "/two/1")

    async def main() -> None:
        for body in BODIES:
            for chunks in ([body], [body[:4], body[4:]]):
                for method in ("PUT", "POST", "PATCH", "DELETE"):
                    for path in paths:
                        ways.clear()
                        found = await sent(ours, method, path, chunks, kind)
                        assert found == await sent(reference, method, path, chunks, kind), (method, path, chunks)
                        if not ways:
                            short.add((method, path, len(chunks), body))

    with ServerClient(ours) as client:
        client.run(main())
    if kind in KINDS[:2]:
        valid = {("PUT", BODIES[0]), ("PUT", BODIES[1]), ("POST", BODIES[2]), ("DELETE", BODIES[0])}
        assert {(method, paths[0], 1, body) for method, body in valid} <= short
    else:
        assert not short


def test_who_answers_a_failure_may_read_the_body(serving: type[Client], ways: list[str]) -> None:
    from pocket.fastapi import Router, create_app

    app = create_app(discover=False)
    app.include_router(routed_with_bodies(Router()))

    @app.exception_handler(LookupError)
    async def answer(request: Request, error: LookupError) -> Response:
        return PlainTextResponse(await request.body() + str(error).encode(), 410)

    with serving(app) as client:
        found = client.post("/raising", {"number": 7})
    assert (found.status, found.body) == (410, b'{"number": 7}7')
