"""Requests and functions' output, as they come, in a file of JSON lines that `pocket local --watch` reads.

The file exists only while something reads it.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

    from pocket.local.launcher.asgi_helpers import Application, Receive, Scope, Send


class Activity:
    """Appends to the file at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def wrote(self, function: str, text: str) -> None:
        """Adds what a function wrote during an invocation."""
        if text:
            self._add({"function": function, "text": text})

    def showing(self, application: Application) -> Application:
        """The application of a site, with a line for each request: method, path with query, status, milliseconds."""

        async def shown(scope: Scope, receive: Receive, send: Send) -> None:
            begun, status = time.perf_counter(), 0
            query = scope.get("query_string", b"").decode("latin-1")
            path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]

            async def noting(message: MutableMapping[str, Any]) -> None:
                nonlocal status
                status = message.get("status", status)
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    milliseconds = round(1000 * (time.perf_counter() - begun))
                    wanted = {"method": scope["method"], "path": f"{path}?{query}" if query else path}
                    self._add({"time": time.time(), **wanted, "status": status, "milliseconds": milliseconds})
                await send(message)

            await application(scope, receive, noting)

        return shown

    def _add(self, entry: dict[str, Any]) -> None:
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        except FileNotFoundError:
            return
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(entry) + "\n")
