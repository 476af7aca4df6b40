"""The file's own tags on a stack: which it has to get, and which it has to lose.

A template records the keys that came from the file: a key that left the file is removed, and a tag that something else
set stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pocket.deploy.template.marks import METADATA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.deploy.stacks.stack import State
    from pocket.deploy.template.body import Template

_RECORD = "Tags"


@dataclass(frozen=True)
class Retagging:
    """The tags that change: those to set, by key, and the keys to remove."""

    wanted: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.wanted or self.removed)

    def __str__(self) -> str:
        parts = [f"tag {key} = {value}" for key, value in self.wanted.items()]
        return ", ".join([*parts, *(f"no tag {key}" for key in self.removed)])


def retagging(before: State, own: Mapping[str, str] | None) -> Retagging:
    """How the file's tags differ from those of a stack; no change without a file's tags."""
    if own is None:
        return Retagging()
    existing = before.stack.tags if before.stack is not None else {}
    return Retagging(
        {key: value for key, value in own.items() if existing.get(key) != value},
        tuple(key for key in recorded(before.body) if key in existing and key not in own),
    )


def recorded(body: Mapping[str, Any]) -> list[str]:
    """The tag keys from pocket.toml that a deployed template records."""
    written = (body.get("Metadata") or {}).get(METADATA)
    listed = written.get(_RECORD) if isinstance(written, dict) else None
    return [key for key in listed if isinstance(key, str)] if isinstance(listed, list) else []


def recording(template: Template, before: State, own: Mapping[str, str] | None) -> Template:
    """The template with the record of the file's keys or, without these, with that of the deployed template."""
    keys = recorded(before.body) if own is None else list(own)
    if not keys:
        return template
    metadata = template.body.get("Metadata") or {}
    record: dict[str, Any] = {**metadata.get(METADATA, {}), _RECORD: sorted(keys)}
    return replace(template, body={**template.body, "Metadata": {**metadata, METADATA: record}})
