"""Gate `request`: one request to the new version of each handler with an address, by invoking the function."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from pocket import naming
from pocket.deploy.aws import log_text
from pocket.deploy.aws.invoke import log_tail
from pocket.deploy.gates.checks import note_init
from pocket.deploy.gates.gate import REQUEST, Candidate, refusal
from pocket.probe import http_event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.deploy.gates.invocations import Answers

_REDIRECTS = (301, 302, 303, 307, 308)

_OVER_HTTP = """Allow the stage to be served over http. For Django, in pocket.toml:
[{stage}.awscontainer.django.settings]
SECURE_SSL_REDIRECT = false
SESSION_COOKIE_SECURE = false
CSRF_COOKIE_SECURE = false"""


def events(candidate: Candidate) -> dict[str, Mapping[str, Any]]:
    """The request to each handler that has an address."""
    container = candidate.stage.awscontainer
    return {
        handler: http_event(address, container.gate.path, headers=_through_cdn(candidate, handler, address))
        for handler, address in candidate.addresses.items()
        if container is not None and handler in candidate.versions
    }


def check(candidate: Candidate, answers: Answers) -> None:
    """Waits for the responses to `events`. Raises GateRefused for the first one that does not pass."""
    container = candidate.stage.awscontainer
    if container is None:
        return
    for handler, waited in answers.items():
        address = candidate.addresses[handler]
        with candidate.reporter.step(f"Gate {REQUEST}: GET {container.gate.path} from {handler}"):
            answer = waited.result()
            tail = log_tail(answer)
            issue, hint = _issue(answer, container.gate.path), ""
            if not issue:
                issue, hint = bad_redirect(answer["Payload"], address, container.gate.path, candidate.stage.name)
            if issue:
                log = log_text.written(tail.splitlines())
                messages = [f"Handler {handler!r} {issue}" + (f"\n{log}" if log else "")]
                raise refusal(candidate.stage, candidate.live, REQUEST, messages, hint)
        note_init(candidate.reporter, handler, tail)


def passes(status: int, path: str) -> bool:
    """Whether a status passes: below 500 for the default path `/`, below 400 for any other path."""
    return 100 <= status < (500 if path == "/" else 400)


def bad_redirect(payload: str, address: str, path: str, stage: str) -> tuple[str, str]:
    """The issue of a redirect that leads nowhere, and a hint; two empty strings for any other response.

    `payload` is the response to a GET of `path` at `address`. A rehearsal's address is `http`; `https` does not work
    there.
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


def _through_cdn(candidate: Candidate, handler: str, address: str) -> dict[str, str]:
    """What the stage's distribution adds to a request, for the handler behind it."""
    if handler != candidate.stage.cdn_handler:
        return {}
    return {
        naming.ORIGIN_HEADER: candidate.origin_secret,
        naming.HOST_HEADER: urlsplit(address).netloc,
        naming.CLIENT_HEADER: "127.0.0.1",
    }


def _issue(answer: Mapping[str, Any], path: str) -> str:
    """The issue with the response; "" if it passes."""
    try:
        payload = json.loads(answer["Payload"])
    except ValueError:
        return f"answered GET {path} with something other than JSON: {answer['Payload'][:200]}"
    if answer.get("FunctionError"):
        facts = payload if isinstance(payload, dict) else {}
        kind, message = facts.get("errorType", "an error"), facts.get("errorMessage", "")
        return f"did not start, or failed at GET {path}: {kind}: {message}"
    # A gateway treats a response without a status as the body of a 200.
    status = payload.get("statusCode", 200) if isinstance(payload, dict) else 200
    if not isinstance(status, int) or not passes(status, path):
        wanted = "below 500" if path == "/" else "below 400"
        return f"answered GET {path} with status {status}; expected a status {wanted}."
    return ""
