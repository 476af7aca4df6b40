"""Neon's HTTP API on loopback, held against the published description in `neon_api.json`.

Every request and every answer is checked by its operation's schemas. A password is one of this branch alone once it was
reset on it.
"""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

DESCRIPTION = json.loads(Path(__file__).with_name("neon_api.json").read_text())
PROJECT, KEY = "shiny-wind-028834", "neon-key-0123456789"
NOW = "2026-11-28T00:00:00Z"
COUNTS = ("cpu_used_sec", "active_time_seconds", "compute_time_seconds", "written_data_bytes", "data_transfer_bytes")


def problems_with(value: Any, schema: dict[str, Any] | None) -> list[str]:
    """What the schema refuses in the value, by cfn-lint's validator; a schema of None takes anything."""
    from cfnlint.jsonschema import StandardValidator

    if schema is None:
        return []
    whole = {**schema, "schemas": DESCRIPTION["schemas"]}
    return [error.message for error in StandardValidator(whole).iter_errors(value)]


class NeonDouble:
    """`branches` by id, `calls`, and `failures`: a status, a code and a message for the next calls (None: answered).

    `running` is how often an operation is said to run before it has finished.
    """

    def __init__(self) -> None:
        self.branches: dict[str, dict[str, Any]] = {}
        self.annotations: dict[str, Any] = {}
        self.databases = {"app": "app_owner"}
        self.passwords: dict[str, str] = {}
        self.keeps_passwords = True
        self.calls: list[str] = []
        self.bodies: list[Any] = []
        self.failures: deque[tuple[int, str, str] | None] = deque()
        self.outcome = "finished"
        self.running = 0
        self.problems: list[str] = []
        self.add("main", default=True)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/v2"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def changes(self) -> list[str]:
        return [call for call in self.calls if not call.startswith("GET")]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def add(self, name: str, *, default: bool = False, parent: str = "", annotation: Any = None) -> dict[str, Any]:
        number = f"br-{len(self.branches)}"
        branch = {"id": number, "project_id": PROJECT, "name": name, "default": default, **dict.fromkeys(COUNTS, 0)}
        branch |= {"current_state": "ready", "creation_source": "console", "protected": False}
        branch |= dict.fromkeys(("state_changed_at", "created_at", "updated_at"), NOW)
        self.branches[number] = {**branch, **({"parent_id": parent} if parent else {})}
        if annotation is not None:
            about = {"type": "branch", "id": number}
            self.annotations[number] = {"object": about, "value": annotation, "created_at": NOW, "updated_at": NOW}
        return self.branches[number]

    def host(self, branch: str) -> str:
        return f"ep-{branch}-1.eu-central-1.aws.neon.tech"

    def _operation(self, action: str) -> dict[str, Any]:
        status = "running" if self.running else self.outcome
        self.running = max(0, self.running - 1)
        found = {"id": "6bef07a0", "project_id": PROJECT, "action": action, "status": status, "failures_count": 0}
        return {**found, "created_at": NOW, "updated_at": NOW, "total_duration_ms": 1}

    def answer(self, operation: str, parts: list[str], query: dict[str, str], body: Any) -> tuple[int, Any]:  # noqa: PLR0911 - one answer for each operation
        match operation.split(" ", maxsplit=1)[0], parts[1:]:
            case "GET", ["branches"]:
                found = [item for item in self.branches.values() if query.get("search", "") in item["name"]]
                kept = {item["id"] for item in found} & self.annotations.keys()
                annotations = {key: self.annotations[key] for key in kept}
                return 200, {"branches": found, "annotations": annotations, "pagination": {}}
            case "POST", ["branches"]:
                given = body["branch"]
                made = self.add(given["name"], parent=given.get("parent_id", ""), annotation=body["annotation_value"])
                operations = [self._operation("create_branch")]
                return 201, {"branch": made, "endpoints": [], "operations": operations, "roles": [], "databases": []}
            case "DELETE", ["branches", branch]:
                return 200, {"branch": self.branches.pop(branch), "operations": [self._operation("delete_timeline")]}
            case "GET", ["branches", branch, "databases"]:
                stamps = {"created_at": NOW, "updated_at": NOW, "branch_id": branch}
                rows = enumerate(self.databases.items())
                return 200, {"databases": [{"id": n, "name": k, "owner_name": v, **stamps} for n, (k, v) in rows]}
            case "POST", ["branches", branch, "roles", role, "reset_password"]:
                self.passwords[branch] = f"p@ss/{branch}/{len(self.passwords)}{len(self.changes)}"
                about = {"branch_id": branch, "name": role, "created_at": NOW, "updated_at": NOW}
                role_found = {**about, "password": self.passwords[branch]}
                return 200, {"role": role_found, "operations": [self._operation("apply_config")]}
            case "GET", ["connection_uri"]:
                branch, pooler = query["branch_id"], "-pooler" if query.get("pooled") == "true" else ""
                first, _, rest = self.host(branch).partition(".")
                secret = self.passwords.get(branch, "of-the-parent").replace("@", "%40").replace("/", "%2F")
                login = f"{query['role_name']}:{secret}" if self.keeps_passwords else query["role_name"]
                options = "sslmode=require&channel_binding=require"
                return 200, {"uri": f"postgresql://{login}@{first}{pooler}.{rest}/{query['database_name']}?{options}"}
            case "GET", ["operations", _]:
                return 200, {"operation": self._operation("create_branch")}
        raise AssertionError(f"{operation} is not spoken here")


def _operation(method: str, parts: list[str]) -> str:
    for name in DESCRIPTION["operations"]:
        verb, _, path = name.partition(" ")
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))
        if verb == method and re.fullmatch(pattern, "/projects/" + "/".join(parts)):
            return str(name)
    raise AssertionError(f"Neon has no {method} {parts}")


def _handler(double: NeonDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Prints nothing."""

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(length)
            try:
                status, answer = self._answer(json.loads(text) if text else None)
            except AssertionError as error:
                double.problems.append(str(error))
                status, answer = 500, {"code": "", "message": str(error)}
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - names of http.server

        def _answer(self, body: Any) -> tuple[int, Any]:
            url = urlsplit(self.path)
            parts = [unquote(part) for part in url.path.removeprefix("/api/v2/projects/").split("/")]
            query = dict(parse_qsl(url.query))
            operation = _operation(self.command, parts)
            described = DESCRIPTION["operations"][operation]
            double.calls.append(f"{self.command} {'/'.join(parts[1:])}")
            double.bodies.append(body)
            assert query.keys() <= described["query"].keys(), f"{operation} knows no {query}"
            assert set(described["required"]) <= query.keys(), f"{operation} needs {described['required']}"
            assert (found := problems_with(body, described["request"]) if body else []) == [], found
            failure = double.failures.popleft() if double.failures else None
            if self.headers["Authorization"] != f"Bearer {KEY}":
                failure = (401, "", "supplied credentials do not pass authentication")
            elif parts[0] != PROJECT:
                failure = (404, "", "project not found")
            if failure is not None:
                refused = {"code": failure[1], "message": failure[2]}
                assert (found := problems_with(refused, described["responses"]["default"])) == [], found
                return failure[0], refused
            status, answer = double.answer(operation, parts, query, body)
            assert (found := problems_with(answer, described["responses"][str(status)])) == [], found
            return status, answer

    return Handler
