"""Who asks: Django's session with its CSRF check, or a header that a backend understands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asgi_client import Client, LambdaClient

TOKEN = "a" * 32


@pytest.fixture
def guarded(client: Client, database: str) -> Iterator[Client]:
    """The API, and two users who ask it."""
    from django.contrib.auth.models import Permission, User

    for username in ("reader", "editor"):
        user = User.objects.create_user(username, password="secret")
        if username == "editor":
            user.user_permissions.add(Permission.objects.get(codename="change_book"))
    yield client
    User.objects.all().delete()


def session_of(username: str) -> str:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore

    user = User.objects.get(username=username)
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    return f"sessionid={store.session_key}; csrftoken={TOKEN}"


def test_without_a_user_it_is_anonymous_or_401(guarded: Client) -> None:
    assert guarded.get("/me/whoever").json() == ""
    answer = guarded.get("/me/somebody")
    assert (answer.status, answer.json()) == (401, {"detail": "Log in first."})
    assert answer.headers["www-authenticate"] == "Bearer"
    assert guarded.get("/me/editor").status == 401


def test_a_session_has_the_user(guarded: Client) -> None:
    cookie = {"cookie": session_of("reader")}
    assert guarded.get("/me/whoever", headers=cookie).json() == "reader"
    assert guarded.get("/me/somebody", headers=cookie).json() == "reader"
    answer = guarded.get("/me/editor", headers=cookie)
    assert (answer.status, answer.json()) == (403, {"detail": "You lack the permission library.change_book."})
    assert guarded.get("/me/editor", headers={"cookie": session_of("editor")}).json() == "editor"


def test_unsafe_methods_need_the_csrf_token_with_a_session(guarded: Client, serving: type[Client]) -> None:
    scheme = "https" if serving is LambdaClient else "http"
    cookie = {"cookie": session_of("reader"), "origin": f"{scheme}://testserver"}
    refused = guarded.post("/me/somebody", headers=cookie)
    assert refused.status == 403
    assert refused.json()["detail"].startswith("CSRF check failed: ")
    assert guarded.post("/me/whoever", headers={**cookie, "x-csrftoken": "b" * 32}).status == 403
    assert guarded.post("/me/somebody", headers={**cookie, "x-csrftoken": TOKEN}).json() == "reader"
    foreign = {**cookie, "x-csrftoken": TOKEN, "origin": "https://evil.example"}
    assert guarded.post("/me/somebody", headers=foreign).status == 403


def test_a_form_with_a_false_length_does_not_evade_the_check(guarded: Client) -> None:
    headers = {
        "cookie": session_of("reader"),
        "content-type": "multipart/form-data; boundary=x",
        "content-length": "1000",
    }
    assert guarded.post("/me/somebody", headers=headers).status == 403


def test_a_header_that_a_backend_understands_needs_no_csrf_token(guarded: Client) -> None:
    header = {"authorization": "Bearer token-of-editor"}
    assert guarded.post("/me/editor", headers=header).json() == "editor"
    answer = guarded.get("/me/whoever", headers={"authorization": "Bearer token-of-nobody"})
    assert (answer.status, answer.json()) == (401, {"detail": "These credentials are not valid."})
    assert guarded.get("/me/whoever", headers={"authorization": "Basic eDp5"}).json() == ""


def test_an_invalid_header_is_not_made_good_by_a_session(guarded: Client) -> None:
    headers = {"cookie": session_of("editor"), "authorization": "Bearer token-of-nobody"}
    assert guarded.get("/me/whoever", headers=headers).status == 401


def test_the_documentation_has_the_authentication(guarded: Client) -> None:
    paths = guarded.get("/openapi.json").json()
    assert set(paths["components"]["securitySchemes"]) == {"DjangoSession", "DjangoBackend"}
    somebody = paths["paths"]["/me/somebody"]["get"]
    assert {"401", "403"} <= somebody["responses"].keys()
    assert somebody["security"] == [{"DjangoSession": []}, {"DjangoBackend": []}]
    assert "401" not in paths["paths"]["/me/whoever"]["get"]["responses"]


@pytest.mark.parametrize("engine", ["db", "cached_db", "cache", "signed_cookies"])
def test_a_session_is_read_and_not_written_while_keys_are_rotated(guarded: Client, engine: str) -> None:
    from importlib import import_module

    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.test import override_settings

    user = User.objects.get(username="reader")
    with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"):
        store = import_module(f"django.contrib.sessions.backends.{engine}").SessionStore()
        store[SESSION_KEY] = str(user.pk)
        store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        store[HASH_SESSION_KEY] = user.get_session_auth_hash()
        store.save()
        cookie = {"cookie": f"sessionid={store.session_key}; csrftoken={TOKEN}"}
        with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["api"]):
            assert [guarded.get("/me/somebody", headers=cookie).status for _ in range(3)] == [200] * 3
        with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[]):
            assert guarded.get("/me/somebody", headers=cookie).status == 401
        assert guarded.get("/me/somebody", headers=cookie).status == 200, "it is not dropped either"
