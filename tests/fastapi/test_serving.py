"""The API alone and beside Django, behind Lambda and behind a development server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from asgi_client import ServerClient, http_event
from fresh import HARMLESS, run, write_manifest
from lambda_events import FORMATS, RequestSpec, event_of

from pocket import manifest

PROJECT = Path(__file__).parent.parent / "projects" / "api"


@pytest.fixture
def combined(database: str) -> Any:
    """The combined handler of the API project, `/api` being the API's."""
    from pocket.asgi import make_handler
    from pocket.django.http.combining import Prefixed
    from pocket.django.http.wsgi import make_wsgi_handler
    from pocket.fastapi import create_app
    from pocket.fastapi.lambda_handlers import CombinedHandler

    api = make_handler(Prefixed(create_app(), "/api"))
    yield CombinedHandler(make_wsgi_handler(), api, "/api")
    api.close()


def body(answer: dict[str, Any]) -> str:
    return str(answer["body"])


def test_each_path_goes_to_its_application(combined: Any, books: Any) -> None:
    assert json.loads(body(combined(http_event("GET", "/api/books/"), None)))[0]["title"] == "Third"
    assert body(combined(http_event("GET", "/page/"), None)) == "Django at /page/ under ''"
    for path in ("/apis/", "/page/api/", "/books/"):
        assert combined(http_event("GET", path), None)["statusCode"] == 404
        assert "detail" not in body(combined(http_event("GET", path), None))


@pytest.mark.parametrize("form", FORMATS)
def test_a_path_belongs_to_the_api_however_it_is_encoded(combined: Any, books: Any, form: str) -> None:
    for path in ("/api/shelves/", "/%61pi/shelves/", "/a%70i/shelves%2F", "/%61%70%69/shelves/"):
        answer = combined(event_of(form, RequestSpec(path=path)), None)
        answer = json.loads(answer) if isinstance(answer, bytes) else answer
        assert (answer["statusCode"], body(answer)) == (200, '["left","right"]'), path
    for path in ("/%61pis/", "/page/%61pi/", "/%61/pi/"):
        answer = combined(event_of(form, RequestSpec(path=path)), None)
        answer = json.loads(answer) if isinstance(answer, bytes) else answer
        assert answer["statusCode"] == 404
        assert "detail" not in body(answer)


def test_the_documentations_page_links_and_redirects_respect_prefix_and_stage(combined: Any) -> None:
    gateway = "abc.execute-api.eu-west-1.amazonaws.com"
    for stage, host, root in (("$default", "testserver", "/api"), ("dev", gateway, "/dev/api")):

        def get(path: str, stage: str = stage, host: str = host) -> dict[str, Any]:
            answer: dict[str, Any] = combined(http_event("GET", path, stage=stage, host=host), None)
            return answer

        page = get(f"{root}/docs")
        assert page["statusCode"] == 200
        assert f"'{root}/openapi.json'" in body(page)
        assert json.loads(body(get(f"{root}/openapi.json")))["servers"] == [{"url": root}]
        redirect = get(f"{root}/shelves")
        assert redirect["statusCode"] == 307
        assert redirect["headers"]["location"] == f"https://{host}{root}/shelves/"
        assert body(get(f"{root.removesuffix('/api')}/page/")).endswith(f"under {root.removesuffix('/api')!r}")


def test_the_api_reverses_django_s_addresses_below_the_stage(database: str) -> None:
    from django.urls import reverse

    from pocket.asgi import make_handler
    from pocket.django.http.combining import Prefixed
    from pocket.fastapi import create_app

    app = create_app(discover=False)
    app.add_api_route("/plain", lambda: reverse("page", args=[7]))
    app.add_api_route("/awaited", awaited_address)
    handler = make_handler(Prefixed(app, "/api"))
    gateway = "abc.execute-api.eu-west-1.amazonaws.com"
    for path in ("plain", "awaited"):
        for stage, host, root in (("dev", gateway, "/dev"), ("$default", "testserver", "")):
            answer: Any = handler(http_event("GET", f"{root}/api/{path}", stage=stage, host=host), None)
            assert json.loads(body(answer)) == f"{root}/page/7/"
    handler.close()


async def awaited_address() -> str:
    from django.urls import reverse

    return reverse("page", args=[7])


def test_django_and_the_api_are_one_application_for_a_development_server(database: str, books: Any) -> None:
    from django.core.asgi import get_asgi_application

    from pocket.fastapi import combine, create_app

    with ServerClient(combine(create_app(), prefix="api/")) as client:
        assert client.get("/api/books/").json()[0]["title"] == "Third"
        assert client.get("/page/").body == b"Django at /page/ under ''"
        assert "'/api/openapi.json'" in client.get("/api/docs").body.decode()
        assert client.get("/api/shelves").headers["location"] == "http://testserver/api/shelves/"
    with pytest.raises(ValueError, match="leaves none to Django"):
        combine(create_app(), django=get_asgi_application(), prefix="/")


STAGE = manifest.Stage(stack_name="pocket-dev-board", api=manifest.Api("site_api:app", "/v1"))
SERVE = """
import json, os, sys
sys.path[:0] = [SUPPORT, PROJECT]
open("site_api.py", "w").write("from pocket.fastapi import create_app\\napp = create_app()\\n")
from pocket.fastapi import lambda_handlers
from asgi_client import http_event
print(json.dumps([lambda_handlers.HANDLER(http_event("GET", path), None)["statusCode"] for path in PATHS]))
"""


@pytest.mark.parametrize(
    ("handler", "paths", "expected"),
    [
        ("asgi_handler", ["/shelves/", "/v1/shelves/", "/page/"], [200, 404, 404]),
        ("combined_handler", ["/v1/shelves/", "/page/", "/shelves/"], [200, 200, 404]),
    ],
)
def test_the_handlers_serve_what_the_stage_names(
    tmp_path: Path, handler: str, paths: list[str], expected: list[int]
) -> None:
    code = (
        SERVE.replace("SUPPORT", repr(str(PROJECT.parent.parent / "support")))
        .replace("PROJECT", repr(str(PROJECT)))
        .replace("HANDLER", handler)
        .replace("PATHS", repr(paths))
    )
    environ = {
        "POCKET_STAGE": "dev",
        "POCKET_MANIFEST": str(write_manifest(tmp_path, STAGE)),
        "DJANGO_SETTINGS_MODULE": "api_settings",
        **HARMLESS,
    }
    done = run(code, tmp_path, environ)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected


def test_a_stage_without_an_api_is_an_error_with_a_hint(tmp_path: Path) -> None:
    code = "import django\nfrom pocket.django.configuration.source import api\napi()"
    environ = {
        "POCKET_STAGE": "dev",
        "POCKET_MANIFEST": str(write_manifest(tmp_path, manifest.Stage(stack_name="s"))),
    }
    done = run(code, tmp_path, environ)
    assert "has no API for stage" in done.stderr
    assert "[awscontainer.fastapi]" in done.stderr


def test_the_manifest_keeps_the_api() -> None:
    whole = manifest.Manifest(project_name="b", region="r", writer="0", stages={"dev": STAGE})
    assert manifest.Manifest.from_json(whole.to_json()).stages["dev"].api == manifest.Api("site_api:app", "/v1")
