"""One request to a deployed address.

A response with an error status, from the application or from AWS, does not pass; the error then shows the last lines
of the function's log.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocket.deploy.aws import log_lines
from pocket.deploy.gates.request import passes
from pocket.deploy.stacks import log_groups
from pocket.errors import DeployError

if TYPE_CHECKING:
    from pocket.config import StageConfig
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter

TIMEOUT = 35
"""Seconds to wait for an answer: an HTTP API gives a function 30."""


@dataclass(frozen=True)
class Answer:
    """What came back: `status` 0 where nothing did, `body` its first bytes or why there is none."""

    status: int
    body: str = ""


def check(clients: Clients, stage: StageConfig, handler: str, address: str, reporter: Reporter) -> None:
    """Asks `address` for the stage's gate path once. Raises DeployError, with the function's last log lines, where the
    status is one that the gate `request` would refuse."""
    path = stage.awscontainer.gate.path if stage.awscontainer else "/"
    answer = ask(address, path)
    if passes(answer.status, path):
        reporter.note(f"{address} answered with status {answer.status}.")
        return
    raise DeployError(
        f"Handler {handler!r} is deployed but fails at GET {path}: {told(clients, stage, handler, address, answer)}",
        f"`pocket logs --stage {stage.name}` shows more. Fix the cause, then deploy again.",
    )


def told(clients: Clients, stage: StageConfig, handler: str, address: str, answer: Answer) -> str:
    """What the address answered, and the last lines of the handler's log."""
    lines = log_lines.readable(line.message for line in log_groups.last_lines(clients, stage, handler, log_lines.SHOWN))
    said = f"answered with status {answer.status}" if answer.status else f"did not answer: {answer.body}"
    return f"{address} {said}." + ("\n".join(["", *lines]) if lines else " The function logged nothing.")


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
