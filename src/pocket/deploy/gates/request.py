"""Gate `request`: one request to the new version of each handler with an address, past everything in front of it."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from pocket.deploy.aws.invoke import GRACE, log_tail
from pocket.deploy.gates.checks import note_init
from pocket.deploy.gates.gate import REQUEST, Candidate, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

_LAMBDAS_OWN = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_REPORT", "INIT_START")

AGENT = "pocket"
SHOWN = 20
"""Lines of the function's log that a refusal shows."""


def check(candidate: Candidate) -> None:
    """Asks each handler; raises GateRefused for the first that does not answer as it should."""
    container = candidate.stage.awscontainer
    for handler, address in candidate.addresses.items() if container is not None else ():
        if container is None or handler not in candidate.versions:
            continue
        with candidate.reporter.step(f"Gate {REQUEST}: {container.gate.path} of {handler}"):
            answer = _asked(candidate, handler, http_event(address, container.gate.path))
            tail = log_tail(answer)
            fault = _fault(answer, container.gate.path)
            if fault:
                own = [line for line in tail.splitlines() if not line.startswith(_LAMBDAS_OWN)]
                said = "\n".join(own[-SHOWN:])
                messages = [f"Handler {handler!r} {fault}" + (f"\n{said}" if said else "")]
                raise refusal(candidate.stage, candidate.live, REQUEST, messages)
        note_init(candidate.reporter, handler, tail)


def passes(status: int, path: str) -> bool:
    """Whether a status will do: one below 500 for the default path, whatever it is; below 400 for a chosen one."""
    return 100 <= status < (500 if path == "/" else 400)


def http_event(address: str, target: str) -> dict[str, Any]:
    """A GET of `target`, a path with or without a query, as an HTTP API and a function URL bring it.

    `address` is the handler's own, such as `https://HOST`. Format 2.0:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    scheme, _, host = address.rstrip("/").partition("://")
    path, _, query = target.partition("?")
    # An HTTP API decodes the path, but for an encoded percent sign; a function URL leaves it as it came.
    raw_path = path if ".lambda-url." in host else unquote(path.replace("%25", "%2525"))
    port = host.rpartition(":")[2] if ":" in host else {"http": "80"}.get(scheme, "443")
    now = time.time()
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": raw_path,
        "rawQueryString": query,
        "headers": {
            "accept": "*/*",
            "host": host,
            "user-agent": AGENT,
            "x-amzn-trace-id": f"Root=1-{int(now):08x}-{uuid.uuid4().hex[:24]}",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": port,
            "x-forwarded-proto": scheme,
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": host.partition(".")[0],
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": "GET",
                "path": raw_path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": AGENT,
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = _joined(query)
    return event


def _joined(query: str) -> dict[str, str]:
    """Parameters by name; values of one name are joined by commas, as both gateways do."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


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
        return f"answered GET {path} with what is not JSON: {answer['Payload'][:200]}"
    if answer.get("FunctionError"):
        facts = payload if isinstance(payload, dict) else {}
        kind, said = facts.get("errorType", "an error"), facts.get("errorMessage", "")
        return f"does not start, or broke at GET {path}: {kind}: {said}"
    # A gateway takes an answer without a status for the body of a 200.
    status = payload.get("statusCode", 200) if isinstance(payload, dict) else 200
    if not isinstance(status, int) or not passes(status, path):
        wanted = "below 500" if path == "/" else "below 400"
        return f"answered GET {path} with status {status}; {wanted} was expected."
    return ""
