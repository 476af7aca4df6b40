"""One request to what was deployed: does the function start?

An answer of the application's own, whatever its status, is a yes: a site may want to be migrated first. An answer
that AWS gives in the function's place is a no, and the last lines of the function's log say why.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocket.deploy.gates import log_lines
from pocket.deploy.operate import logs
from pocket.errors import DeployError

if TYPE_CHECKING:
    from pocket.config import StageConfig
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter

TIMEOUT = 35
"""Seconds to wait for an answer: an HTTP API gives a function 30."""

SHOWN_LINES = 20

_BARE = frozenset({"", "Internal Server Error", "Bad Gateway", "Service Unavailable", "Gateway Timeout"})


@dataclass(frozen=True)
class Answer:
    """What came back: `status` 0 where nothing did, `body` its first bytes or why there is none."""

    status: int
    body: str = ""

    @property
    def from_application(self) -> bool:
        """Whether the function itself gave it: AWS answers a crash with a bare status, or JSON of a `message` alone."""
        if self.status < 500:
            return self.status > 0
        try:
            body = json.loads(self.body)
        except ValueError:
            return self.body.strip() not in _BARE
        return not (isinstance(body, dict) and body.keys() <= {"message", "Message"})


def check(clients: Clients, stage: StageConfig, handler: str, address: str, reporter: Reporter) -> None:
    """Asks `address` once. Raises DeployError with the function's last log lines where it does not start."""
    answer = ask(address)
    if answer.from_application:
        reporter.note(f"{address} answers with {answer.status}.")
        return
    raise DeployError(
        f"Handler {handler!r} is deployed and does not start: {told(clients, stage, handler, address, answer)}",
        f"`pocket logs --stage {stage.name}` shows more. Once the cause is repaired, deploy again.",
    )


def told(clients: Clients, stage: StageConfig, handler: str, address: str, answer: Answer) -> str:
    """What the address answered, and the last lines of the handler's log."""
    lines = log_lines.readable(line.message for line in logs.last_lines(clients, stage, handler, SHOWN_LINES))
    said = f"answered with {answer.status}" if answer.status else f"did not answer: {answer.body}"
    return f"{address} {said}." + ("\n".join(["", *lines]) if lines else " It logged nothing.")


def ask(address: str, path: str = "/") -> Answer:
    """One GET of a path at the address, redirects not followed."""
    request = urllib.request.Request(f"{address.rstrip('/')}{path}", headers={"User-Agent": "pocket"})  # noqa: S310
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if address.startswith("http://"):
        # The embedded AWS is on this machine, where a proxy has no business.
        handlers.append(urllib.request.ProxyHandler({}))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(request, timeout=TIMEOUT) as response:
            return Answer(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read(4096).decode(errors="replace"))
    except OSError as error:
        return Answer(0, str(getattr(error, "reason", error)))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object, **_named: object) -> None:
        return None
