"""The documentation pages load nothing from elsewhere where the project has installed what they need."""

from __future__ import annotations

import re

import pytest
from asgi_client import LambdaClient
from django.test import override_settings


def addresses(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="([^"]+)"', page)


def test_without_the_files_the_pages_are_fastapis_own(database: str) -> None:
    from pocket.fastapi import create_app

    with LambdaClient(create_app(discover=False)) as client:
        assert any("cdn.jsdelivr.net" in address for address in addresses(client.get("/docs").body.decode()))


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_with_the_files_installed_every_address_is_the_sites(
    database: str, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    from django.apps import apps

    from pocket.django.http.combining import Prefixed
    from pocket.fastapi import create_app

    installed = apps.is_installed
    monkeypatch.setattr(apps, "is_installed", lambda name: name == "drf_spectacular_sidecar" or installed(name))
    app = create_app(discover=False, title="Library")
    with override_settings(STATIC_URL="/static/"), LambdaClient(Prefixed(app, "/api")) as client:
        answer = client.get(f"/api{page}")
    text = answer.body.decode()
    assert answer.status == 200
    assert "Library" in text
    assert "/api/openapi.json" in text
    assert addresses(text)
    assert all(address.startswith(("/static/drf_spectacular_sidecar/", "/api/")) for address in addresses(text))


def test_pages_that_are_switched_off_stay_so(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.apps import apps

    from pocket.fastapi import create_app

    monkeypatch.setattr(apps, "is_installed", lambda name: True)
    with LambdaClient(create_app(discover=False, docs_url=None, redoc_url=None)) as client:
        assert [client.get(path).status for path in ("/docs", "/redoc")] == [404, 404]
