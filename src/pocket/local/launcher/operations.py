"""The paths under `/_pocket/`, by which the `pocket` command controls an emulator; `guard` requires its token."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.local.launcher import environments, sent_mail
from pocket.local.launcher.asgi_helpers import TooLarge, read_body, respond
from pocket.local.launcher.execution import InvocationFailed
from pocket.local.launcher.saved_files import Saved
from pocket.local.launcher.state import Unsaved

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocket.local.launcher.asgi_helpers import Receive, Scope, Send
    from pocket.local.launcher.front import FrontPort
    from pocket.local.launcher.ports import PortMemory
    from pocket.local.launcher.saved_files import SavedFiles

LIMIT = 64 * 1024 * 1024
"""Bytes of a request: `serve` names every file that another branch has changed, or that was collected."""


class Admin:
    """Answers `health`, `save`, `stop`, `mails`, and with a JSON object `route`, of site and id, and `serve`."""

    def __init__(
        self,
        sites: dict[str, FrontPort],
        memory: PortMemory,
        files: SavedFiles,
        *,
        exists: Callable[[str], bool],
        save: Callable[[], None],
        stop: Callable[[], None],
    ) -> None:
        self._sites = sites
        self._memory = memory
        self._files = files
        self._exists = exists
        self._save = save
        self._stop = stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = scope["path"].removeprefix("/_pocket/")
        error, found, status = "", {}, 400
        try:
            if operation == "save":
                error = self.save()
            elif operation == "stop":
                self._stop()
            elif operation == "route":
                error = self.route(json.loads(await read_body(receive, LIMIT)))
            elif operation == "serve":
                found = await asyncio.to_thread(self.serve, json.loads(await read_body(receive, LIMIT)))
            elif operation == "mails":
                found = {"mails": sent_mail.kept()}
            elif operation != "health":
                error = f"no such operation: {operation}"
        except TooLarge:
            error, status = f"the request has more than {LIMIT:,} bytes", 413
        body: dict[str, Any] = {"error": error} if error else {"ok": True, **found}
        await respond(send, status if error else 200, "application/json", json.dumps(body))

    def save(self) -> str:
        """Write the state; returns the error, or ""."""
        try:
            self._save()
        except Unsaved as unsaved:
            return str(unsaved)
        return ""

    def serve(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Serve the saved files of `LocalAWS.serve`; `failed` is the error of a function that does not start."""
        files = {name: Path(source) if source else None for name, source in wanted["files"].items()}
        saved = Saved(Path(wanted["project"]), frozenset(wanted["functions"]), files, wanted["changed"])
        try:
            with environments.settled:
                if self._files.put_in_place(saved):
                    environments.end_outdated(saved.functions)
                    environments.start(wanted["first"])
                else:
                    with self._files.replacing(saved):
                        environments.replace(saved.functions, wanted["first"])
        except InvocationFailed as failed:
            return {"failed": failed.payload}
        return {}

    def route(self, routes: dict[str, str]) -> str:
        """Route sites to APIs or function URLs and save the routes; returns an error and changes nothing, or ""."""
        for site, identity in routes.items():
            if site not in self._sites:
                known = ", ".join(sorted(self._sites)) or "none"
                return f"the local AWS was started without a site {site!r}; its sites: {known}"
            if not self._exists(identity):
                return f"API or function URL {identity!r} of site {site!r} does not exist"
        for site, identity in routes.items():
            self._sites[site].identity = identity
            self._memory.sites[site]["route"] = identity
        self._memory.save()
        return ""
