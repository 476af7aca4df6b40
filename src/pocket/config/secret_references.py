"""References to the user's own secrets: an ARN or a name, with an optional `#key`.

Sources: the naming rules of Secrets Manager's CreateSecret and of Systems Manager's PutParameter. The names of secrets
that AWS services manage also have a `!`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Service = Literal["secretsmanager", "ssm"]

_ARN = re.compile(
    r"arn:aws[a-z-]*:(?P<service>[a-z]+):(?P<region>[a-z0-9-]+):[0-9]{12}:(?P<kind>[a-z]+)(?P<between>[:/])(?P<name>.+)"
)
NAMES = {"secretsmanager": r"[A-Za-z0-9/_+=.@!-]{1,512}", "ssm": r"[A-Za-z0-9_./-]{1,1011}"}
_KINDS = {"secretsmanager": ("secret", ":"), "ssm": ("parameter", "/")}
_FORMS = (
    "a secret's name, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME or arn:aws:ssm:REGION:ACCOUNT:parameter/NAME,"
    " with #KEY at the end for one key of a JSON secret"
)


@dataclass(frozen=True)
class Reference:
    """A parsed reference; `service` and `region` are None for a bare name, which uses the stage's."""

    secret_id: str
    key: str | None
    service: Service | None
    region: str | None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """The parts of a reference for which `issue_with_reference` is empty."""
        secret_id, _, key = text.partition("#")
        match = _ARN.fullmatch(secret_id)
        if match is None:
            return cls(secret_id, key or None, None, None)
        service: Service = "ssm" if match["service"] == "ssm" else "secretsmanager"
        return cls(secret_id, key or None, service, match["region"])


def issue_with_reference(text: str) -> str:
    """What is expected instead of `text`, to follow "Expected", without repeating `text`; empty if `text` is valid."""
    secret_id, mark, key = text.partition("#")
    if mark and not (key and key.isprintable()):
        return "the name of a key after the #, on one line"
    if not secret_id.startswith("arn:"):
        return "" if re.fullmatch(NAMES["secretsmanager"], secret_id) else _FORMS
    match = _ARN.fullmatch(secret_id)
    if match is None or match["service"] not in _KINDS:
        return _FORMS
    known = _KINDS[match["service"]] == (match["kind"], match["between"])
    return "" if known and re.fullmatch(NAMES[match["service"]], match["name"]) else _FORMS
