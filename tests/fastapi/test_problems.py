"""Django's exceptions as answers."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_client import Client


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("missing", 404, "Book not found"),
        ("forbidden", 403, "Forbidden"),
        ("suspicious", 400, "Bad Request"),
        ("conflict", 409, "This conflicts with what is stored already."),
    ],
)
def test_an_exception_of_django_has_its_status(client: Client, books: Any, path: str, status: int, detail: str) -> None:
    answer = client.get(f"/errors/{path}")
    assert (answer.status, answer.json()) == (status, {"detail": detail})


def test_a_validation_error_has_fastapis_shape(client: Client, books: Any) -> None:
    answer = client.get("/errors/invalid")
    assert answer.status == 422
    issues = {tuple(issue["loc"]): (issue["type"], issue["msg"]) for issue in answer.json()["detail"]}
    assert issues["body", "title"] == ("shouted", "Do not shout.")
    assert issues["body", "kind"] == ("invalid_choice", "Value 'poem' is not a valid choice.")
    assert issues["body", "author"][0] == "null"


def test_what_an_application_handles_itself_is_left_to_it(database: str) -> None:
    from django.core.exceptions import PermissionDenied
    from fastapi import FastAPI

    from pocket.fastapi import handle_errors

    def own(*_: Any) -> None: ...

    app = FastAPI(exception_handlers={PermissionDenied: own})
    handle_errors(app)
    assert app.exception_handlers[PermissionDenied] is own
