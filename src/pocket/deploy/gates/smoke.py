"""One request to a deployed address.

A response with an error status, from the application or from AWS, does not pass; the error shows the last lines of the
function's log.
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
"""Seconds to wait for a response: an HTTP API waits 30 s for a function."""


@dataclass(frozen=True)
class Answer:
    """A response; without one, `status` is 0 and `body` the reason. `body` has the first bytes of an error's body."""

    status: int
    body: str = ""


def check(clients: Clients, stage: StageConfig, handler: str, address: str, reporter: Reporter) -> None:
    """Requests the stage's gate path at `address` once. Raises DeployError, with the function's last log lines, for a
    status that the gate `request` would refuse."""
    path = stage.awscontainer.gate.path if stage.awscontainer else "/"
    answer = get(address, path)
    if passes(answer.status, path):
        reporter.note(f"{address} answered with status {answer.status}.")
        return
    raise DeployError(
        f"Handler {handler!r} is deployed but fails at GET {path}:"
        f" {describe(clients, stage, handler, address, answer)}",
        f"`pocket logs --stage {stage.name}` shows more. Fix the cause, then deploy again.",
    )


def describe(clients: Clients, stage: StageConfig, handler: str, address: str, answer: Answer) -> str:
    """The response, and the last lines that the handler wrote to its log."""
    log = log_lines.written(line.message for line in log_groups.recent_lines(clients, stage, handler))
    result = f"answered with status {answer.status}" if answer.status else f"did not answer: {answer.body}"
    return f"{address} {result}." + (f"\n{log}" if log else " The function logged nothing.")


def get(address: str, path: str = "/") -> Answer:
    """The response to a GET of a path at the address; redirects are not followed."""
    request = urllib.request.Request(f"{address.rstrip('/')}{path}", headers={"User-Agent": "pocket"})  # noqa: S310
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if address.startswith("http://"):
        # The local AWS is on this machine, which needs no proxy.
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
