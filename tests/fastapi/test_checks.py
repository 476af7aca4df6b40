"""What the source and the routes of an API tell."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from checking import checked
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning
from fastapi import FastAPI

from pocket.django.configuration.errors import SetupFailed


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The endpoints of the project `checked`, which is set up."""
    with checked(tmp_path_factory.mktemp("checked")):
        from gallery import endpoints

        yield endpoints


def messages(endpoints: Any, monkeypatch: pytest.MonkeyPatch, *names: str) -> list[Any]:
    """What is said of an application with the routers of these names."""
    from pocket.fastapi import checks
    from pocket.fastapi import endpoint_sources as endpoint_module

    app = FastAPI()
    for name in names:
        app.include_router(getattr(endpoints, name))
    monkeypatch.setattr("gallery.views.app", app, raising=False)
    monkeypatch.setattr(endpoint_module, "discover", lambda: iter(()))
    return list(checks.routes())


def but_unnamed(found: list[Any]) -> list[Any]:
    """Without the warnings of missing response models, of which there are some everywhere."""
    return [item for item in found if item.id != "pocket.W065"]


def blocks(name: str, call: str) -> Error:
    return Error(
        f"gallery.endpoints.{name} is async and calls {call}, which waits for the database: Django raises"
        " SynchronousOnlyOperation.",
        hint="Make it a plain def, await the asynchronous counterpart (aget, acount, async for), or put the query into"
        " a function with @orm.",
        obj=f"gallery.endpoints.{name}",
        id="pocket.E061",
    )


def test_queries_that_block_a_coroutine(endpoints: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert but_unnamed(messages(endpoints, monkeypatch, "blocking")) == [
        blocks("gets", "Painting.objects.get()"),
        blocks("chains", "Painting.objects.filter(title='x').order_by('title').exists()"),
        blocks("lists", "list(Painting.objects.all()[:3])"),
        blocks("loops", "Painting.objects.only('title')"),
    ]
    assert but_unnamed(messages(endpoints, monkeypatch, "patient")) == []


def reads(name: str, item: str, attribute: str, method: str) -> CheckWarning:
    return CheckWarning(
        f"gallery.endpoints.{name} returns {item}, which reads {attribute} with one query for each object.",
        hint=f'Add .{method}("{attribute.partition(".")[2]}") to the query.',
        obj=f"gallery.endpoints.{name}",
        id="pocket.W062",
    )


def test_relations_that_are_read_one_after_the_other(endpoints: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert messages(endpoints, monkeypatch, "reading") == [
        reads("forward", "PaintingOut", "Painting.artist", "select_related"),
        reads("reverse", "ArtistWithPaintings", "Artist.paintings", "prefetch_related"),
    ]
    assert messages(endpoints, monkeypatch, "loaded") == []


def sends_all(name: str) -> CheckWarning:
    return CheckWarning(
        f"gallery.endpoints.{name} returns objects of Painting without a response model: clients get all columns.",
        hint='Select the columns: response_model=schema(Painting, "id", ...).',
        obj=f"gallery.endpoints.{name}",
        id="pocket.W065",
    )


def test_objects_that_are_returned_without_a_response_model(endpoints: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert messages(endpoints, monkeypatch, "unnamed") == [
        *(sends_all(name) for name in ("all_of_them", "filtered", "first_of_them", "awaited_one", "created")),
        *(sends_all(name) for name in ("bound", "contained", "listed", "without_columns", "made")),
    ]
    assert messages(endpoints, monkeypatch, "named") == []


def test_a_setting_that_is_not_a_number_of_threads(endpoints: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (0, -1, "4", 2.5, True):
        monkeypatch.setattr("django.conf.settings.POCKET_API_THREADS", value, raising=False)
        (error,) = messages(endpoints, monkeypatch)
        assert (error.id, error.msg) == ("pocket.E066", f"POCKET_API_THREADS is {value!r}.")
    monkeypatch.setattr("django.conf.settings.POCKET_API_THREADS", 8, raising=False)
    assert messages(endpoints, monkeypatch) == []


def unauthenticated(name: str, where: str) -> CheckWarning:
    return CheckWarning(
        f"gallery.endpoints.{name} writes, but {where} requires no authentication.",
        hint="Add a dependency such as require_user or require_permission(...) of pocket.fastapi; if anyone may write,"
        ' declare it: openapi_extra={"security": []}.',
        obj=f"gallery.endpoints.{name}",
        id="pocket.W063",
    )


def test_endpoints_that_write_without_authentication(endpoints: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert messages(endpoints, monkeypatch, "writing") == [
        unauthenticated("creates", "POST /writing/create"),
        unauthenticated("deletes", "DELETE /writing/delete/{pk}"),
        unauthenticated("saves", "PUT /writing/save/{pk}"),
    ]
    assert but_unnamed(messages(endpoints, monkeypatch, "guarded")) == []


def test_two_routers_on_one_path(endpoints: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert messages(endpoints, monkeypatch, "first", "second") == [
        Error(
            "gallery.endpoints.never_reached is never reached: gallery.endpoints.reached is registered before it for"
            " GET /same/{number}.",
            hint="Give one of the routers its own prefix: Router(prefix=...).",
            obj="gallery.endpoints.never_reached",
            id="pocket.E060",
        )
    ]
    assert messages(endpoints, monkeypatch, "first") == messages(endpoints, monkeypatch, "second") == []


def test_an_api_that_cannot_be_imported(endpoints: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pocket.fastapi import checks
    from pocket.fastapi import endpoint_sources as endpoint_module

    def refuse() -> Iterator[Any]:
        raise SetupFailed("gallery.api cannot be imported", "See its traceback.")
        yield

    monkeypatch.setattr(endpoint_module, "discover", refuse)
    assert list(checks.routes()) == [
        Error("gallery.api cannot be imported", hint="See its traceback.", obj="api", id="pocket.E064")
    ]


def test_the_application_of_the_settings_is_looked_at(
    endpoints: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from pocket.fastapi import checks

    (tmp_path / "application_of_api.py").write_text(
        "from fastapi import FastAPI\nfrom gallery.endpoints import writing\n"
        "app = FastAPI()\napp.include_router(writing)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("django.conf.settings.ASGI_APPLICATION", "application_of_api.app", raising=False)
    assert [item.id for item in checks.routes()] == ["pocket.W063"] * 3
    del sys.modules["application_of_api"]


def test_only_the_apps_that_are_given_are_looked_at(endpoints: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.apps import apps

    from pocket.fastapi import checks
    from pocket.fastapi import endpoint_sources as endpoint_module

    gallery, auth = apps.get_app_config("gallery"), apps.get_app_config("auth")
    monkeypatch.setattr(endpoint_module, "discover", lambda: iter([(gallery, endpoints.writing)]))
    assert list(checks.routes(app_configs=[auth])) == []
    assert len(list(checks.routes(app_configs=[gallery]))) == 3


def test_the_first_path_that_needs_nothing(endpoints: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pocket.fastapi.endpoint_sources import first_path

    app = FastAPI()
    monkeypatch.setattr("gallery.views.app", app, raising=False)
    assert first_path("gallery.views:app") == "/"
    app.post("/sent")(lambda: 0)
    app.get("/of/{number}")(lambda number: number)
    app.get("/about")(lambda what: what)
    app.include_router(endpoints.first, prefix="/more")
    assert first_path("gallery.views:app") == "/"
    app.get("/all")(lambda page=1: page)
    assert first_path("gallery.views:app") == "/all"


def test_a_project_without_an_api_does_not_import_fastapi(tmp_path: Path) -> None:
    from fresh import evaluate, write_settings

    text = 'SECRET_KEY = "x"\nINSTALLED_APPS = ["django.contrib.contenttypes", "pocket.django"]\n'
    code = """
import sys
import django; django.setup()
from django.core.checks import run_checks
run_checks(tags=["fastapi"])
result = "fastapi" in sys.modules
"""
    assert evaluate(code, tmp_path, write_settings(tmp_path, text)) is False
