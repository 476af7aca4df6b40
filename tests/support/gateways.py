"""What each gateway sends to the client for a response that a function returned."""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple


class Sent(NamedTuple):
    """A response on the wire; header names in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        """The values of a header, in order."""
        return [value for key, value in self.headers if key == name]


def sent(form: str, returned: dict[str, Any] | bytes) -> Sent:
    """The response of the gateway `form` for what the function returned, after its way through JSON."""
    answer = json.loads(returned if isinstance(returned, bytes) else json.dumps(returned))
    if form in {"rest_api", "load_balancer_multi"}:
        assert "headers" not in answer
        pairs = _flat(answer["multiValueHeaders"])
    else:
        assert "multiValueHeaders" not in answer
        pairs = list(answer["headers"].items())
    pairs += [("set-cookie", cookie) for cookie in answer.get("cookies", [])]
    body = base64.b64decode(answer["body"], validate=True) if answer["isBase64Encoded"] else answer["body"].encode()
    return Sent(answer["statusCode"], [(name.lower(), value) for name, value in pairs], body)


def _flat(lists: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, values in lists.items() for value in values]
