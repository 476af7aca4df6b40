"""One request to a deployed address.

A response with an error status, from the application or from AWS, does not pass; the error shows the last lines of the
function's log.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pocket.deploy.aws import log_text
from pocket.deploy.gates.request import passes
from pocket.deploy.stacks import log_groups
from pocket.errors import DeployError

if TYPE_CHECKING:
    from pocket.config import StageConfig
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter

TIMEOUT = 35
"""Seconds to wait for a response: an HTTP API waits 30 s for a function."""


READY_AFTER, PAUSE = 120.0, 5.0
"""Seconds for which a domain may take to answer, and between two tries."""

FORBIDDEN = '{"message":"Forbidden"}'
"""API Gateway's own response at a domain that leads to no API yet."""


@dataclass(frozen=True)
class Answer:
    """A response; without one, `status` is 0 and `body` the reason. `body` has the first bytes of an error's body."""

    status: int
    body: str = ""


def check(
    clients: Clients, stage: StageConfig, handler: str, address: str, reporter: Reporter, *, through: str = ""
) -> None:
    """Requests the stage's gate path at `address` once, `through` as in `get`. Raises DeployError, with the function's
    last log lines, for a status that the gate `request` would refuse."""
    path = stage.awscontainer.gate.path if stage.awscontainer else "/"
    answer = get(address, path, through=through)
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
    log = log_text.written(line.message for line in log_groups.recent_lines(clients, stage, handler))
    result = f"answered with status {answer.status}" if answer.status else f"did not answer: {answer.body}"
    return f"{address} {result}." + (f"\n{log}" if log else " The function logged nothing.")


def get(address: str, path: str = "/", *, through: str = "") -> Answer:
    """The response to a GET of a path at the address; redirects are not followed.

    `through` is the DNS name that the records of the address's domain lead to. The request goes there without asking
    for the domain's own records, since this machine's resolver may remember for a while that there were none. A domain
    that was just created may need a moment, so it is tried again for READY_AFTER seconds.
    """
    if not through or "https" in urllib.request.getproxies():
        return _get(address, path)
    last = time.monotonic() + READY_AFTER
    while not_ready(answer := _get(address, path, _Through(through))) and time.monotonic() < last:
        time.sleep(PAUSE)
    return answer


def not_ready(answer: Answer) -> bool:
    """Whether a domain of API Gateway answers as it does before it knows its certificate and its API."""
    return answer.status == 0 or (answer.status == 403 and answer.body.strip() == FORBIDDEN)


def _get(address: str, path: str, *more: urllib.request.BaseHandler) -> Answer:
    request = urllib.request.Request(f"{address.rstrip('/')}{path}", headers={"User-Agent": "pocket"})  # noqa: S310
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect(), *more]
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


class _Through(urllib.request.HTTPSHandler):
    """Opens HTTPS addresses at the host `name`, whatever their own host is."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_Connection, name=self._name), request)


class _Connection(http.client.HTTPSConnection):
    """A connection to `name` that expects the certificate of `host`."""

    def __init__(self, host: str, *, name: str, timeout: float) -> None:
        super().__init__(host, timeout=timeout)
        self._name = name

    def connect(self) -> None:
        plain = socket.create_connection((self._name, self.port), self.timeout)
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object, **_named: object) -> None:
        return None
