"""References to the user's own secrets: `ARN`, `name`, and either with `#key` behind.

Sources: the naming rules of Secrets Manager's CreateSecret and of Systems Manager's PutParameter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Service = Literal["secretsmanager", "ssm"]

_ARN = re.compile(
    r"arn:aws[a-z-]*:(?P<service>[a-z]+):(?P<region>[a-z0-9-]+):[0-9]{12}:(?P<kind>[a-z]+)(?P<between>[:/])(?P<name>.+)"
)
NAMES = {"secretsmanager": r"[A-Za-z0-9/_+=.@-]{1,512}", "ssm": r"[A-Za-z0-9_./-]{1,1011}"}
_KINDS = {"secretsmanager": ("secret", ":"), "ssm": ("parameter", "/")}
_FORMS = (
    "a secret's name, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME or arn:aws:ssm:REGION:ACCOUNT:parameter/NAME,"
    " and #KEY behind it for one key of a JSON secret"
)


@dataclass(frozen=True)
class Reference:
    """What a reference says: `service` and `region` are None where a bare name leaves them to the stage."""

    secret_id: str
    key: str | None
    service: Service | None
    region: str | None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """The parts of a reference in which `fault_of_reference` finds no fault."""
        secret_id, _, key = text.partition("#")
        match = _ARN.fullmatch(secret_id)
        if match is None:
            return cls(secret_id, key or None, None, None)
        service: Service = "ssm" if match["service"] == "ssm" else "secretsmanager"
        return cls(secret_id, key or None, service, match["region"])


def fault_of_reference(text: str) -> str:
    """What is wrong with a reference, in words that follow "Expected" and never repeat it; empty where it is good."""
    secret_id, mark, key = text.partition("#")
    if mark and not (key and key.isprintable()):
        return "the key's name behind the #, on one line"
    if not secret_id.startswith("arn:"):
        return "" if re.fullmatch(NAMES["secretsmanager"], secret_id) else _FORMS
    match = _ARN.fullmatch(secret_id)
    if match is None or match["service"] not in _KINDS:
        return _FORMS
    known = _KINDS[match["service"]] == (match["kind"], match["between"])
    return "" if known and re.fullmatch(NAMES[match["service"]], match["name"]) else _FORMS
