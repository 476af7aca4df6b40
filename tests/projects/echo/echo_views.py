"""Views that answer with what they were asked, and views that go wrong."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Any

from asgiref.sync import async_to_sync, markcoroutinefunction, sync_to_async
from django.core.exceptions import SuspiciousOperation
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.utils.decorators import async_only_middleware
from django.views.decorators.csrf import csrf_exempt

HAPPENED: list[str] = []
"""What views and streams have noted, for tests to read and clear."""

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="")


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


def where(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(threading.get_ident()))


@csrf_exempt
def echo(request: HttpRequest) -> JsonResponse:
    """All that Django makes of a request."""
    form = {"post": dict(request.POST.lists()), "files": _files(request)}
    return JsonResponse(
        {
            "method": request.method,
            "path": request.path,
            "path_info": request.path_info,
            "full_path": request.get_full_path(),
            "uri": request.build_absolute_uri(),
            "host": request.get_host(),
            "secure": request.is_secure(),
            "meta": {key: value for key, value in request.META.items() if isinstance(value, str)},
            "headers": dict(request.headers),
            "get": dict(request.GET.lists()),
            "cookies": request.COOKIES,
            "body": None if form["files"] else request.body.hex(),
            "encoding": request.encoding,
            "content_type": [request.content_type, request.content_params],
            **form,
        }
    )


def _files(request: HttpRequest) -> dict[str, Any]:
    return {
        key: [[file.name, file.content_type, file.read().hex()] for file in files]
        for key, files in request.FILES.lists()
    }


@csrf_exempt
def read(request: HttpRequest) -> HttpResponse:
    """The body, read in two pieces."""
    return HttpResponse(request.read(3) + b"|" + request.read(), content_type="application/octet-stream")


@csrf_exempt
def size(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.body)))


def cookies(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(status=201, headers={"Set-Cookie": "by=hand"})
    response.set_cookie("a", "1", httponly=True)
    response.set_cookie("b", "2", samesite="Lax")
    return response


def forged_cookie(request: HttpRequest) -> HttpResponse:
    response = HttpResponse()
    response.set_cookie("a", "1", path="/\r\nx-forged: 1")
    return response


def template(request: HttpRequest) -> TemplateResponse:
    return TemplateResponse(request, engines["django"].from_string("{{ said }}"))


class _Asynchronous:
    """Middleware in Django's asynchronous form."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> Any:
        return await self.get_response(request)


class Templating(_Asynchronous):
    async def process_template_response(self, request: HttpRequest, response: Any) -> Any:
        response.context_data = {"said": "from the middleware"}
        return response


class Forgetful(_Asynchronous):
    async def process_template_response(self, request: HttpRequest, response: Any) -> Any:
        response.context_data = {"said": "nothing"}


def status(request: HttpRequest, code: int) -> HttpResponse:
    return HttpResponse(b"body", status=code)


def suspicious(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("no")


def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError("what went wrong inside")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        try:
            yield from (b"a", b"b", b"c")
        finally:
            HAPPENED.append("stream ended")

    return StreamingHttpResponse(parts(), content_type="text/plain")


def broken_stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        yield b"a"
        raise ValueError("the stream broke")

    return StreamingHttpResponse(parts())


def endless(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 1_000_000
        finally:
            HAPPENED.append("stream closed")

    return StreamingHttpResponse(parts())


class NotingFile(BytesIO):
    """A file that notes when it is closed."""

    def close(self) -> None:
        HAPPENED.append("file closed")
        super().close()


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(NotingFile(b"\x89PNG" * 1000), filename="x.png")


async def async_plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


async def async_where(request: HttpRequest) -> JsonResponse:
    """The threads of the view itself, of thread-sensitive code in it, and of asynchronous code in that."""

    async def innermost() -> int:
        await asyncio.sleep(0)
        return await sync_to_async(threading.get_ident)()

    def sensitive() -> tuple[int, int]:
        return threading.get_ident(), async_to_sync(innermost)()

    await asyncio.sleep(0)
    inner, innermost_thread = await sync_to_async(sensitive)()
    return JsonResponse(
        {"threads": [threading.get_ident(), inner, innermost_thread], "loop": id(asyncio.get_running_loop())}
    )


async def async_stream(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        for part in (b"a", b"b"):
            await asyncio.sleep(0)
            yield part

    return StreamingHttpResponse(parts(), content_type="text/plain")


async def async_endless(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 1_000_000
        finally:
            await asyncio.sleep(0)
            HAPPENED.append("stream closed")

    return StreamingHttpResponse(parts())


async def async_broken(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    raise ValueError("what went wrong inside")


async def async_cancelled(request: HttpRequest) -> HttpResponse:
    raise asyncio.CancelledError


async def async_slow(request: HttpRequest) -> HttpResponse:
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        HAPPENED.append("view cancelled")
        raise
    return HttpResponse("late")


async def async_slow_stream(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(30)

    return StreamingHttpResponse(parts())


async def async_leaves_a_task(request: HttpRequest) -> HttpResponse:
    HAPPENED.append("task made")
    task = asyncio.get_running_loop().create_task(asyncio.sleep(3600))
    _KEPT.append(task)
    return HttpResponse("ok")


_KEPT: list[asyncio.Task[None]] = []


async def async_variable(request: HttpRequest) -> HttpResponse:
    before = VARIABLE.get()
    VARIABLE.set("set by a view")
    return HttpResponse(before)


def noting(get_response: Any) -> Any:
    """Middleware that notes the variable after the view."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = get_response(request)
        HAPPENED.append(f"variable: {VARIABLE.get()}")
        return response

    return middleware


@async_only_middleware
def asynchronous_only(get_response: Any) -> Any:
    """Middleware that knows no synchronous way."""

    async def middleware(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(0)
        response: HttpResponse = await get_response(request)
        response["X-Async-Only"] = "yes"
        return response

    return middleware
