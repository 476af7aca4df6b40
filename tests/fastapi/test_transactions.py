"""ATOMIC_REQUESTS and `atomic` on routes, for both kinds of endpoints."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_client import Client


def names() -> list[str]:
    from library.models import Author

    return sorted(Author.objects.exclude(name__in=["Novelist", "Essayist"]).values_list("name", flat=True))


@pytest.mark.parametrize("path", ["/books/atomic", "/books/async-atomic"])
def test_what_an_atomic_route_wrote_is_rolled_back_when_it_fails(client: Client, books: Any, path: str) -> None:
    answer = client.post(path, {"name": "Gone"}, query={"fail": "true"})
    assert (answer.status, answer.json()) == (403, {"detail": "no"})
    assert names() == []
    assert client.post(path, {"name": "Kept"}).status in {200, 204}
    assert names() == ["Kept"]


def test_routes_are_transactions_with_atomic_requests(client: Client, books: Any) -> None:
    from django.db import connections
    from library.api import plain_async_transaction, plain_transaction

    for prefix in ("/with", "/without"):  # each route reads the settings when it is first called
        client.app.get(f"{prefix}/1")(plain_transaction)  # type: ignore[attr-defined]
        client.app.get(f"{prefix}/2")(plain_async_transaction)  # type: ignore[attr-defined]
    assert [client.get(f"/without/{number}").json() for number in (1, 2)] == [False, False]
    connections.settings["default"]["ATOMIC_REQUESTS"] = True
    try:
        assert [client.get(f"/with/{number}").json() for number in (1, 2, 1, 2)] == [True] * 4
    finally:
        connections.settings["default"]["ATOMIC_REQUESTS"] = False


def test_non_atomic_requests_and_atomic_false_are_respected(database: str) -> None:
    from django.db import connections, transaction

    from pocket.fastapi.transactions import aliases

    @transaction.non_atomic_requests
    def exempt() -> None: ...

    def usual() -> None: ...

    connections.settings["default"]["ATOMIC_REQUESTS"] = True
    try:
        assert aliases(None, usual) == ("default",)
        assert aliases(None, exempt) == ()
        assert aliases(True, exempt) == ("default",)
        assert aliases(False, usual) == ()
    finally:
        connections.settings["default"]["ATOMIC_REQUESTS"] = False
