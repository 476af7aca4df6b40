"""FastAPI's side of `benchmarks/adapters`: an application, its floor, and every adapter around it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from django_cases import plain, zappa
from fastapi import FastAPI, Response
from worker import BINARY, FORMATS, Call, Case, Workloads, call, get, headers_of, post

STAGE = "/prod"
"""What the address of a REST API begins with, so that it is the root path of its requests."""

BODY = json.dumps({"name": "a name", "count": 3, "tags": ["a", "b"]}).encode()

app = FastAPI()


@app.get("/small/")
async def small(page: int) -> dict[str, Any]:
    return {"page": page, "items": [1, 2, 3], "ok": True}


@app.post("/form/")
async def form(data: dict[str, Any]) -> dict[str, int]:
    return {"fields": len(data)}


@app.get("/binary/")
async def binary() -> Response:
    return Response(BINARY, media_type="image/png")


def of_pocket() -> FastAPI:
    """The same endpoints in an application that Pocket has made, as a project beside Django has it."""
    import django
    from django.conf import settings

    from pocket.fastapi import create_app

    settings.configure(SECRET_KEY="-", USE_TZ=True)
    django.setup()
    own = create_app(discover=False)
    own.get("/small/")(small)
    own.post("/form/")(form)
    own.get("/binary/")(binary)
    return own


def workloads(_framework: str) -> Workloads:
    """The cases of FastAPI."""
    from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

    marshal = LambdaMarshaller().marshal_response
    adapters = make_adapters()
    found: Workloads = {}
    for name, form_ in FORMATS.items():
        cases = {adapter: call(function, get(form_, "/small/")) for adapter, function in adapters.items()}
        root_path = STAGE if form_ == "rest_api" else ""
        found[f"JSON GET, {name}"] = made({"floor": floor(get("http_api", "/small/"), root_path), **cases})
    event = post("http_api", "/form/", "application/json", BODY)
    cases = {adapter: call(function, event) for adapter, function in adapters.items()}
    found["JSON POST"] = made({"floor": floor(event), **cases})
    event = get("http_api", "/binary/")
    cases = {adapter: call(function, event, marshal) for adapter, function in adapters.items()}
    cases["Pocket, stdlib"] = plain(call(adapters["Pocket"], event, marshal))
    found["1 MB binary, marshalled"] = made({"floor": floor(event), **cases})
    return found


def made(calls: dict[str, Call]) -> dict[str, Case]:
    """Cases that need no preparation."""
    return {name: Case(called) for name, called in calls.items()}


def make_adapters() -> dict[str, Any]:
    """Lambda handlers of the application, by the name of what made them."""
    import mangum

    from pocket.asgi import make_handler

    asyncio.set_event_loop(asyncio.new_event_loop())
    return {
        "Pocket": make_handler(app),
        "Pocket, create_app()": make_handler(of_pocket()),
        "Mangum": mangum.Mangum(app),
        "Mangum, no lifespan": mangum.Mangum(app, lifespan="off"),
        "Zappa": zappa(app, "asgi"),
    }


def floor(event: dict[str, Any], root_path: str = "") -> Call:
    """FastAPI alone on a loop that is ready, with the scope of an HTTP API's event, made by hand and beforehand."""
    loop = asyncio.new_event_loop()
    http = event["requestContext"]["http"]
    path, body = root_path + event["rawPath"], event.get("body", "").encode()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": http["method"],
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": event["rawQueryString"].encode(),
        "root_path": root_path,
        "headers": [(name.encode(), value.encode()) for name, value in headers_of(event)],
        "client": (http["sourceIp"], 0),
        "server": (event["headers"]["host"], 443),
    }

    def run() -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        loop.run_until_complete(app({**scope}, receive, send))
        return sent

    return run
