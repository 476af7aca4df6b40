"""Endpoints of every kind, and what they return, are answered as FastAPI answers them."""

import datetime as dt
import decimal
import enum
import functools
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pytest
from asgi_client import Client, LambdaClient
from asgiref.sync import async_to_sync, sync_to_async
from fastapi import (
    APIRouter,
    BackgroundTasks,
    Depends,
    FastAPI,
    Header,
    Query,
    Request,
    Response,
)
from fastapi import (
    Path as PathParameter,
)
from fastapi.exceptions import ResponseValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from fastapi.routing import APIRoute
from pydantic import AliasChoices, BaseModel, Field, RootModel
from starlette.routing import Match
from typing_extensions import TypedDict


def plain(number: int = 3) -> Any:
    """Says what it was given."""
    return {"number": number}


async def awaited(number: int = 3) -> Any:
    """The same, awaited."""
    return {"number": number}


def undecorated(function: Any) -> Any:
    @functools.wraps(function)
    def around(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return around


def made_asynchronous(function: Any) -> Any:
    @functools.wraps(function)
    async def around(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return around


def made_synchronous(function: Any) -> Any:
    @functools.wraps(function)
    def around(*args: Any, **kwargs: Any) -> Any:
        return async_to_sync(function)(*args, **kwargs)

    return around


class Called:
    """An object that is called."""

    def __call__(self, number: int = 3) -> Any:
        return {"number": number}

    def method(self, number: int = 3) -> Any:
        return {"number": number}

    async def awaited(self, number: int = 3) -> Any:
        return {"number": number}

    @classmethod
    def of_class(cls, number: int = 3) -> Any:
        return {"number": number}

    @staticmethod
    def static(number: int = 3) -> Any:
        return {"number": number}

    @staticmethod
    async def static_awaited(number: int = 3) -> Any:
        return {"number": number}


class CalledAwaited:
    async def __call__(self, number: int = 3) -> Any:
        return {"number": number}


class Made:
    """A class whose objects are the answer."""

    def __init__(self, number: int = 3) -> None:
        self.number = number


def lines() -> Iterator[int]:
    yield from (1, 2)


async def awaited_lines() -> AsyncIterator[int]:
    for number in (1, 2):
        yield number


class Streams:
    def __call__(self) -> Iterator[int]:
        yield from (1, 2)


def with_orm(function: Any) -> Any:
    from pocket.fastapi import orm

    return orm(function)


CALLABLES: dict[str, Any] = {
    "def": lambda: plain,
    "async def": lambda: awaited,
    "lambda": lambda: lambda number=3: {"number": number},
    "sync_to_async": lambda: sync_to_async(plain),
    "sync_to_async, not thread-sensitive": lambda: sync_to_async(plain, thread_sensitive=False),
    "orm": lambda: with_orm(plain),
    "wraps def by def": lambda: undecorated(plain),
    "wraps def by async def": lambda: made_asynchronous(plain),
    "wraps async def by def that passes it on": lambda: undecorated(awaited),
    "wraps async def by async def": lambda: undecorated(undecorated(awaited)),
    "wraps twice": lambda: made_asynchronous(undecorated(plain)),
    "wraps sync_to_async": lambda: undecorated(sync_to_async(plain)),
    "partial of def": lambda: functools.partial(plain, number=4),
    "partial of async def": lambda: functools.partial(awaited, number=4),
    "partial of partial": lambda: functools.partial(functools.partial(awaited), number=4),
    "partial of sync_to_async": lambda: functools.partial(sync_to_async(plain), number=4),
    "partial of orm": lambda: functools.partial(with_orm(plain), number=4),
    "partial of wrapped": lambda: functools.partial(made_asynchronous(plain), number=4),
    "partial of object": lambda: functools.partial(Called(), number=4),
    "partial of awaited object": lambda: functools.partial(CalledAwaited(), number=4),
    "wraps partial": lambda: undecorated(functools.partial(plain, number=4)),
    "object": Called,
    "object, awaited": CalledAwaited,
    "method": lambda: Called().method,
    "method, awaited": lambda: Called().awaited,
    "class method": lambda: Called.of_class,
    "static method": lambda: Called.static,
    "static method, awaited": lambda: Called.static_awaited,
    "partial of method": lambda: functools.partial(Called().awaited, number=4),
    "class": lambda: Made,
    "cached": lambda: functools.lru_cache(plain),
    "single dispatch": lambda: functools.singledispatch(plain),
    "generator": lambda: lines,
    "asynchronous generator": lambda: awaited_lines,
    "partial of generator": lambda: functools.partial(lines),
    "object that streams": Streams,
    "wraps async def by def that waits": lambda: made_synchronous(plain),
}


def bodies(app: Any, client: type[Client], *paths: str, method: str = "GET") -> list[Any]:
    with client(app) as requested:
        answers = [requested.ask(method, path) for path in paths]
    return [
        (answer.status, answer.body, {name: value for name, value in answer.headers.items() if name != "date"})
        for answer in answers
    ]


@pytest.mark.parametrize("kind", CALLABLES)
def test_every_kind_of_callable_is_called_as_fastapi_calls_it(serving: type[Client], kind: str) -> None:
    from pocket.fastapi import Router, create_app

    endpoint = CALLABLES[kind]()
    ours, reference = create_app(discover=False, title="A"), FastAPI(title="A")
    ours.get("/own")(endpoint)
    reference.get("/own")(endpoint)
    for app, router in ((ours, Router(prefix="/included")), (reference, APIRouter(prefix="/included"))):
        router.get("/")(endpoint)
        app.include_router(router)
    assert ours.openapi() == reference.openapi(), "names, parameters, descriptions"
    paths = ("/own", "/included/") if "generator" in kind or "streams" in kind else ("/own", "/included/", "/own?x=1")
    assert bodies(ours, serving, *paths) == bodies(reference, serving, *paths)


class Colour(enum.Enum):
    RED = "red"


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass
class Point:
    x: int
    y: float = 1.5


class Typed(TypedDict):
    x: int


class Item(BaseModel):
    x: int
    y: str | None = None
    z: float = Field(default=1e16, alias="zed")


class Numbers(RootModel[list[int]]):
    pass


NOW = dt.datetime(2025, 1, 28, 15, 23, 0, 100_000, dt.UTC)
RESULTS: dict[str, Any] = {
    "none": None,
    "text": "ä\u2028</script>\x7f",
    "bytes": b"bytes",
    "numbers": [0, -1, 2**70, 1e16, 1.5, -0.0, True],
    "not a number": float("nan"),
    "nested": {"a": [{"b": (1, {2}, frozenset({3}))}]},
    "keys": {1: "a", None: "b", False: "c"},
    "moments": [NOW, NOW.date(), NOW.time(), dt.timedelta(hours=1, microseconds=5)],
    "decimals": [decimal.Decimal("1.50"), decimal.Decimal(3)],
    "uuid": uuid.UUID(int=5),
    "enum": Colour.RED,
    "path": Path("/a/b"),
    "named tuple": Pair(1, "b"),
    "dataclass": Point(1),
    "model": Item(x=1),
    "models": [Item(x=1, zed=2.0), Item(x=2, y="y")],
    "root model": Numbers([1, 2]),
    "range": range(3),
    "response": PlainTextResponse("text", 202, {"x-own": "1"}),
    "json response": JSONResponse([1], 203),
    "redirect": RedirectResponse("/elsewhere"),
    "empty response": Response(status_code=204),
    "dictionaries": [{"x": 1}, {"x": 2, "y": "y", "zed": 3.0}],
    "dictionary": {"x": 1, "extra": 2},
    "wrong": [{"y": "no x"}],
    "exception class": ValueError,
}
MODELS: dict[str, Any] = {
    "none": None,
    "Item": Item,
    "list[Item]": list[Item],
    "dict": dict[str, Any],
    "Any": Any,
    "Item | None": Item | None,
    "Point": Point,
    "Typed": Typed,
    "list[Typed]": list[Typed],
    "list[int]": list[int],
    "Numbers": Numbers,
}
OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"status_code": 201},
    {"response_model_exclude_unset": True},
    {"response_model_by_alias": False},
    {"response_model_include": {"x"}},
    {"response_class": JSONResponse},
    {"response_class": PlainTextResponse},
    {"status_code": 204},
)


def returning(value: Any, asynchronous: bool) -> Any:
    def endpoint(response: Response, tasks: BackgroundTasks) -> Any:
        response.headers["x-set"] = "yes"
        response.set_cookie("a", "b")
        tasks.add_task(lambda: None)
        return value

    return made_asynchronous(endpoint) if asynchronous else endpoint


@pytest.mark.parametrize("asynchronous", [False, True], ids=["def", "async def"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_results_are_answered_as_fastapi_answers_them(database: str, options: Any, asynchronous: bool) -> None:
    """Each result with each response model that FastAPI lets go together with the options."""
    from pocket.fastapi import create_app

    ours, reference = create_app(discover=False), FastAPI()
    paths = []
    for name, value in RESULTS.items():
        for title, model in MODELS.items() if not options or name in {"dictionaries", "models"} else [("none", None)]:
            if options.get("status_code") == 204 and model is not None:
                continue  # FastAPI refuses it
            path = f"/{len(paths)}"
            for app in (ours, reference):
                app.get(path, response_model=model, name=f"{name} as {title}", **options)(
                    returning(value, asynchronous)
                )
            paths.append(path)
    assert bodies(ours, LambdaClient, *paths) == bodies(reference, LambdaClient, *paths)


class Enveloped(JSONResponse):
    media_type = "application/vnd.api+json"

    def render(self, content: Any) -> bytes:
        return super().render({"data": content})


class BookOut(BaseModel):
    title: str


@pytest.mark.parametrize("where", ["application", "router", "included", "outer", "route", "nowhere"])
def test_the_response_class_reaches_routes_from_wherever_it_is_set(
    serving: type[Client], books: Any, where: str
) -> None:
    from library.models import Book

    from pocket.fastapi import Router, create_app

    def given(place: str, name: str = "default_response_class") -> dict[str, Any]:
        return {name: Enveloped} if place == where else {}

    app = create_app(discover=False, **given("application"))
    router = Router(**given("router"))

    @router.get("/books", response_model=list[BookOut], **given("route", "response_class"))
    def listed() -> Any:
        return Book.objects.all()

    outer = APIRouter(**given("outer"))
    outer.include_router(router)
    app.include_router(outer, **given("included"))
    app.get("/own", response_model=list[BookOut])(listed)
    titles = [{"title": "First"}, {"title": "Second"}, {"title": "Third"}]
    with serving(app) as client:
        for _ in range(3):
            answer = client.get("/books")
            assert answer.json() == (titles if where == "nowhere" else {"data": titles})
            own = client.get("/own")
            assert own.json() == ({"data": titles} if where == "application" else titles)


def test_discovered_routers_have_the_applications_response_class(serving: type[Client], books: Any) -> None:
    from pocket.fastapi import create_app

    with serving(create_app(default_response_class=Enveloped)) as client:
        for _ in range(3):
            assert client.get("/shelves/").json() == {"data": ["left", "right"]}
            assert [book["title"] for book in client.get("/books/").json()["data"]] == ["Third", "Second", "First"]


def test_rows_have_the_status_headers_and_tasks_that_dependencies_set(serving: type[Client], books: Any) -> None:
    from library.models import Book

    from pocket.fastapi import create_app

    done: list[str] = []

    def headed(response: Response, tasks: BackgroundTasks) -> None:
        response.headers["x-count"] = "3"
        response.set_cookie("seen", "1")
        response.status_code = 203
        tasks.add_task(done.append, "done")

    app = create_app(discover=False)
    app.get("/set", response_model=list[BookOut], dependencies=[Depends(headed)])(Book.objects.all)
    app.get("/route", response_model=list[BookOut], status_code=202)(Book.objects.all)
    with serving(app) as client:
        first, *others = [client.get("/set") for _ in range(3)]
        assert all(answer == first for answer in others)
        assert (first.status, first.headers["x-count"]) == (203, "3")
        assert {client.get("/route").status for _ in range(3)} == {202}
    assert done == ["done"] * 3


class Gate(APIRoute):
    def matches(self, scope: Any) -> Any:
        match, child = super().matches(scope)
        headers = dict(scope.get("headers", ()))
        return (match, child) if headers.get(b"x-version") == b"2" else (Match.NONE, {})


def test_a_route_with_its_own_matching_is_used(serving: type[Client]) -> None:
    from pocket.fastapi import Router, create_app
    from pocket.fastapi.routes import Route

    class Gated(Gate, Route):
        pass

    class Hosted(Router):
        def matches(self, scope: Any) -> Any:
            return (Match.NONE, {}) if dict(scope["headers"]).get(b"host") == b"closed" else super().matches(scope)

    app = create_app(discover=False)
    gated, hosted = Router(route_class=Gated), Hosted()
    gated.get("/versioned")(lambda: "second")
    hosted.get("/hosted")(lambda: "open")
    app.include_router(gated)
    app.include_router(hosted)
    with serving(app) as client:
        assert client.get("/versioned").status == 404
        assert client.get("/versioned", headers={"x-version": "2"}).json() == "second"
        assert client.get("/hosted").json() == "open"


def test_a_response_that_is_depended_on_and_aliases_of_a_path_are_fastapis(serving: type[Client]) -> None:
    from pocket.fastapi import create_app

    def made() -> Response:
        return PlainTextResponse("made by a dependency")

    def depending(response: Response = Depends(made)) -> Any:  # noqa: B008  (as it is written)
        return response

    def aliased(number: Annotated[int, PathParameter(validation_alias=AliasChoices("other", "number"))]) -> Any:
        return number

    def own(response: Response, agent: Annotated[str, Header()] = "", q: Annotated[list[int], Query()] = []) -> Any:  # noqa: B006
        response.headers["x-own"] = agent
        return q

    ours, reference = create_app(discover=False), FastAPI()
    for app in (ours, reference):
        app.get("/depending")(depending)
        app.get("/aliased/{number}")(aliased)
        app.get("/own")(own)
    paths = ("/depending", "/aliased/3", "/aliased/x", "/own?q=1&q=2", "/own?q=x", "/nowhere", "/own/")
    for method in ("GET", "POST", "HEAD"):
        assert bodies(ours, serving, *paths, method=method) == bodies(reference, serving, *paths, method=method)


def test_a_response_that_is_not_valid_names_endpoint_file_and_line(serving: type[Client], books: Any) -> None:
    from library.models import Book

    from pocket.fastapi import create_app

    app = create_app(discover=False)
    seen: list[ResponseValidationError] = []

    @app.exception_handler(ResponseValidationError)
    async def note(request: Request, error: ResponseValidationError) -> Response:
        seen.append(error)
        return Response(status_code=500)

    def wrong() -> Any:
        return [{"name": "no title"}]

    def lazy() -> Any:
        return Book.objects.values("pages")

    for endpoint in (wrong, lazy):
        app.get(f"/{endpoint.__name__}", response_model=list[BookOut])(endpoint)
    with serving(app) as client:
        for name in ("wrong", "lazy"):
            assert client.get(f"/{name}").status == 500
    for error, endpoint in zip(seen, (wrong, lazy), strict=True):
        line = endpoint.__code__.co_firstlineno
        assert f'File "{__file__}", line {line}, in {endpoint.__name__}' in str(error)
        assert f"GET /{endpoint.__name__}" in str(error)


def test_what_an_endpoint_raises_is_answered_without_calling_it_twice(serving: type[Client]) -> None:
    from pocket.fastapi import create_app

    app = create_app(discover=False)
    calls: list[str] = []

    @app.middleware("http")
    async def passed(request: Request, call_next: Any) -> Any:
        calls.append("middleware")
        return await call_next(request)

    @app.get("/fails")
    def fails() -> Any:
        calls.append("endpoint")
        raise LookupError("gone")

    @app.exception_handler(LookupError)
    async def answer(request: Request, error: LookupError) -> Response:
        return PlainTextResponse(f"{error} at {request.url.path}", 410)

    with serving(app) as client:
        found = client.get("/fails")
    assert (found.status, found.body, calls) == (410, b"gone at /fails", ["middleware", "endpoint"])


def test_a_stream_refuses_to_be_one_transaction(database: str) -> None:
    from pocket.django.configuration.errors import SetupFailed
    from pocket.fastapi import Router

    with pytest.raises(SetupFailed, match="lines streams, so it cannot have a transaction"):
        Router().get("/", atomic=True)(lines)


def test_a_handler_of_the_project_that_wraps_fastapis_is_kept(serving: type[Client]) -> None:
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
    with serving(app) as client:
        assert client.get("/timed").headers["x-time"] == "1"


def test_a_streaming_response_may_query(serving: type[Client], books: Any) -> None:
    from library.models import Book

    from pocket.fastapi import create_app

    app = create_app(discover=False)
    app.get("/")(lambda: StreamingResponse(f"{book.title}\n" for book in Book.objects.order_by("id")))
    with serving(app) as client:
        assert client.get("/").body == b"First\nSecond\nThird\n"
