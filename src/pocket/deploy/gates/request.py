"""Gate `request`: one request to the new version of each handler with an address, past everything in front of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from pocket.deploy.aws.invoke import GRACE, log_tail
from pocket.deploy.gates import log_lines
from pocket.deploy.gates.checks import note_init
from pocket.deploy.gates.gate import REQUEST, Candidate, refusal
from pocket.probe import http_event

if TYPE_CHECKING:
    from collections.abc import Mapping

_LAMBDAS_OWN = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_REPORT", "INIT_START")

_REDIRECTS = (301, 302, 303, 307, 308)

_OVER_HTTP = """Allow the stage to be served over http. For Django, in pocket.toml:
[{stage}.awscontainer.django.settings]
SECURE_SSL_REDIRECT = false
SESSION_COOKIE_SECURE = false
CSRF_COOKIE_SECURE = false"""

SHOWN = 20
"""Lines of the function's log that a refusal shows."""


def check(candidate: Candidate) -> None:
    """Asks each handler; raises GateRefused for the first that does not answer as it should."""
    container = candidate.stage.awscontainer
    for handler, address in candidate.addresses.items() if container is not None else ():
        if container is None or handler not in candidate.versions:
            continue
        with candidate.reporter.step(f"Gate {REQUEST}: GET {container.gate.path} from {handler}"):
            answer = _asked(candidate, handler, http_event(address, container.gate.path))
            tail = log_tail(answer)
            fault = _fault(answer, container.gate.path)
            hint = ""
            if not fault:
                fault, hint = astray(answer["Payload"], address, container.gate.path, candidate.stage.name)
            if fault:
                own = [line for line in tail.splitlines() if not line.startswith(_LAMBDAS_OWN)]
                said = "\n".join(log_lines.readable(own[-SHOWN:]))
                messages = [f"Handler {handler!r} {fault}" + (f"\n{said}" if said else "")]
                raise refusal(candidate.stage, candidate.live, REQUEST, messages, hint)
        note_init(candidate.reporter, handler, tail)


def passes(status: int, path: str) -> bool:
    """Whether a status will do: one below 500 for the default path, whatever it is; below 400 for a chosen one."""
    return 100 <= status < (500 if path == "/" else 400)


def astray(payload: str, address: str, path: str, stage: str) -> tuple[str, str]:
    """What is wrong with a redirect that leads nowhere, and what to do; empty where the answer is none.

    `payload` answers a GET of `path` at `address`. A rehearsal's address is `http`: nothing answers there over `https`.
    """
    answer = json.loads(payload)
    if not isinstance(answer, dict) or answer.get("statusCode") not in _REDIRECTS:
        return "", ""
    headers = {name.lower(): value for name, value in (answer.get("headers") or {}).items()}
    place = str(headers.get("location", ""))
    here, there = urlsplit(urljoin(f"{address}/", path)), urlsplit(urljoin(f"{address}{path}", place))
    if here.scheme == "http" and (there.scheme, there.netloc) == ("https", here.netloc):
        return f"redirects GET {path} to {place}, but the local AWS serves only http.", _OVER_HTTP.format(stage=stage)
    if there == here and not answer.get("cookies"):
        return f"redirects GET {path} to itself endlessly.", "Find the code that treats the request as http."
    return "", ""


def _asked(candidate: Candidate, handler: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of Lambda, its payload read."""
    container = candidate.stage.awscontainer
    timeout = container.handlers[handler].timeout if container is not None else 0
    answer = candidate.clients.invoker(timeout + GRACE).invoke(
        FunctionName=candidate.stage.function_name(handler),
        Qualifier=candidate.versions[handler],
        Payload=json.dumps(event),
        LogType="Tail",
    )
    return {**answer, "Payload": answer["Payload"].read().decode(errors="replace")}


def _fault(answer: Mapping[str, Any], path: str) -> str:
    """What is wrong with the answer; "" where it will do."""
    try:
        payload = json.loads(answer["Payload"])
    except ValueError:
        return f"answered GET {path} with something other than JSON: {answer['Payload'][:200]}"
    if answer.get("FunctionError"):
        facts = payload if isinstance(payload, dict) else {}
        kind, said = facts.get("errorType", "an error"), facts.get("errorMessage", "")
        return f"did not start, or failed at GET {path}: {kind}: {said}"
    # A gateway takes an answer without a status for the body of a 200.
    status = payload.get("statusCode", 200) if isinstance(payload, dict) else 200
    if not isinstance(status, int) or not passes(status, path):
        wanted = "below 500" if path == "/" else "below 400"
        return f"answered GET {path} with status {status}; expected a status {wanted}."
    return ""
