"""A finished template: its body and the values of its parameters."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Template:
    """A template's `body`, and the values of its parameters, which may be secret; one without a value keeps its own."""

    body: dict[str, Any]
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)

    def to_json(self) -> str:
        """The body as compact JSON: CloudFormation accepts at most 51,200 bytes."""
        return json.dumps(self.body, separators=(",", ":"), ensure_ascii=False)
