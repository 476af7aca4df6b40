"""Django's side of `benchmarks/adapters`: a project in this module, its floor, and every adapter around it."""

from __future__ import annotations

import logging
import sys
import types
from functools import partial
from io import BytesIO
from typing import Any

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from worker import BINARY, FORM, FORMATS, Call, Case, Workloads, call, get, headers_of, post

SEVEN = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


def small(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"page": request.GET.get("page"), "items": [1, 2, 3], "ok": True})


async def small_async(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"page": request.GET.get("page"), "items": [1, 2, 3], "ok": True})


@csrf_exempt
def form(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"fields": len(request.POST)})


def binary(request: HttpRequest) -> HttpResponse:
    return HttpResponse(BINARY, content_type="image/png")


urlpatterns = [
    path("small/", small),
    path("form/", form),
    path("binary/", binary),
]


def workloads(middleware: str) -> Workloads:
    """The cases of Django with `middleware` "none" or "seven"."""
    configure(SEVEN if middleware == "seven" else [])
    from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

    marshal = LambdaMarshaller().marshal_response
    adapters = make_adapters()
    found: Workloads = {}
    for name, form_ in FORMATS.items():
        cases = {adapter: call(function, get(form_, "/small/")) for adapter, function in adapters.items()}
        found[f"JSON GET, {name}"] = served({"floor": floor(get("http_api", "/small/")), **cases})
    event = get("http_api", "/small/")
    cases = {name: call(function, event) for name, function in {**adapters, "Pocket": pocket_async()}.items()}
    sync = {"floor": floor(event), "Pocket, sync view": call(adapters["Pocket"], event)}
    found["JSON GET, async view"] = {**served(sync), **served(cases, "django_async_urls")}
    event = post("http_api", "/form/", "application/x-www-form-urlencoded", FORM)
    cases = {adapter: call(function, event) for adapter, function in adapters.items()}
    found["form POST"] = served({"floor": floor(event), **cases})
    event = get("http_api", "/binary/")
    cases = {adapter: call(function, event, marshal) for adapter, function in adapters.items()}
    cases["Pocket, stdlib"] = plain(call(adapters["Pocket"], event, marshal))
    found["1 MB binary, marshalled"] = served({"floor": floor(event), **cases})
    return found


def served(calls: dict[str, Call], urls: str = __name__) -> dict[str, Case]:
    """Cases of which each is prepared with the URL configuration `urls`."""
    return {name: Case(called, partial(setattr, settings, "ROOT_URLCONF", urls)) for name, called in calls.items()}


def configure(middleware: list[str]) -> None:
    """Sets Django up with this module as its URL configuration."""
    contrib = ("auth", "contenttypes", "sessions", "messages")
    settings.configure(
        SECRET_KEY="benchmark",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        MIDDLEWARE=middleware,
        INSTALLED_APPS=[f"django.contrib.{name}" for name in contrib],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        LOGGING_CONFIG=None,
        USE_TZ=True,
    )
    django.setup()


def make_adapters() -> dict[str, Any]:
    """Lambda handlers of the project, by the name of what made them."""
    import apig_wsgi
    import mangum
    import serverless_wsgi

    from pocket.django.http.wsgi import make_wsgi_handler

    wsgi = WSGIHandler()
    return {
        "Pocket": make_wsgi_handler(),
        "apig-wsgi": apig_wsgi.make_lambda_handler(wsgi, binary_support=True),
        "serverless-wsgi": lambda event, context: serverless_wsgi.handle_request(wsgi, event, context),
        "Zappa": zappa(wsgi),
        "Mangum": mangum.Mangum(get_asgi_application(), lifespan="off"),
    }


def pocket_async() -> Any:
    """Pocket's handler for projects with asynchronous views."""
    from pocket.django.http.asgi import make_asgi_handler

    return make_asgi_handler()


def zappa(application: Any, kind: str = "wsgi") -> Any:
    """Zappa's handler of an application, with the settings that it would have generated."""
    logging.basicConfig(level="ERROR")
    module: Any = types.ModuleType("zappa_settings")
    module.__dict__.update(
        APP_MODULE="zappa_application",
        APP_FUNCTION="application",
        APP_TYPE=kind,
        DJANGO_SETTINGS=None,
        DEBUG=False,
        LOG_LEVEL="ERROR",
        BINARY_SUPPORT=True,
        CONTEXT_HEADER_MAPPINGS={},
        ENVIRONMENT_VARIABLES={},
        EXCEPTION_HANDLER=None,
        PROJECT_NAME="benchmark",
        API_STAGE="prod",
        DOMAIN=None,
        BASE_PATH=None,
        COGNITO_TRIGGER_MAPPING={},
        AWS_EVENT_MAPPING={},
        AWS_BOT_EVENT_MAPPING={},
    )
    sys.modules["zappa_settings"] = module
    holder: Any = types.ModuleType("zappa_application")
    holder.application = application
    sys.modules["zappa_application"] = holder
    from zappa.handler import LambdaHandler

    return LambdaHandler().handler


def plain(called: Call) -> Call:
    """`called` with the standard library's Base64 and JSON in Pocket."""
    from pocket.lambda_http import encoding, response

    fast = response.base64_ascii, response.json_bytes

    def run() -> Any:
        response.base64_ascii, response.json_bytes = encoding._base64_ascii, encoding._json_bytes
        try:
            return called()
        finally:
            response.base64_ascii, response.json_bytes = fast

    return run


class _Floor(WSGIHandler):
    """Django's handler, whose middleware chain is called directly."""


def floor(event: dict[str, Any]) -> Call:
    """Django alone: a request made by hand, the middleware chain, the response's content, and its end."""
    handler = _Floor()
    meta = meta_of(event)
    method, path_ = meta["REQUEST_METHOD"], meta["PATH_INFO"]
    kind, body = meta.get("CONTENT_TYPE", ""), event.get("body", "").encode()

    class Ready(HttpRequest):
        GET = _Query()
        scheme = "https"

    def run() -> bytes:
        request = Ready()
        request.method = method
        request.path = request.path_info = path_
        request.META = meta.copy()
        if body:
            request.content_type = kind
            request._stream = BytesIO(body)
            request._read_started = False
            request._load_post_and_files()
        response = handler.get_response(request)
        response._handler_class = _Floor
        content: bytes = response.content
        response.close()
        return content

    return run


def meta_of(event: dict[str, Any]) -> dict[str, Any]:
    """`request.META` of an HTTP API's event, made by hand, with all that a server puts there."""
    http = event["requestContext"]["http"]
    names = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers_of(event)}
    content = {
        name: names.pop(f"HTTP_{name}") for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if f"HTTP_{name}" in names
    }
    return {
        **names,
        **content,
        "REQUEST_METHOD": http["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": event["rawPath"],
        "QUERY_STRING": event["rawQueryString"],
        "SERVER_NAME": names["HTTP_HOST"],
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": http["protocol"],
        "REMOTE_ADDR": http["sourceIp"],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


class _Query:
    """`request.GET` as a server's request has it, made when it is asked for."""

    def __get__(self, request: Any, owner: Any = None) -> Any:
        from django.http import QueryDict

        found = request.__dict__.get("query")
        if found is None:
            found = request.__dict__["query"] = QueryDict(request.META["QUERY_STRING"])
        return found

    def __set__(self, request: Any, value: Any) -> None:
        """HttpRequest sets an empty one; the address has the last word."""
