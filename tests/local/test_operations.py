"""The operations on the control port: the answer to a request that is too large."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest

from pocket.local.launcher import operations
from pocket.local.launcher.operations import Admin
from pocket.local.launcher.saved_files import SavedFiles


@pytest.mark.parametrize("operation", ["serve", "route"])
def test_a_request_that_is_too_large_is_answered(operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "LIMIT", 9)
    admin = Admin({}, cast("Any", None), cast("SavedFiles", None), exists=bool, save=list, stop=list)
    answered: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b'{"web": ""}'}

    async def send(message: Any) -> None:
        answered.append(message)

    asyncio.run(admin({"path": f"/_pocket/{operation}"}, receive, send))
    start, body = answered
    assert start["status"] == 413
    assert json.loads(body["body"]) == {"error": "the request has more than 9 bytes"}
