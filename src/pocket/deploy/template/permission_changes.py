"""What the file's `permissions` let each function do, before and after a change, in words for the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.intrinsics import in_words
from pocket.deploy.template.own_resources import is_own
from pocket.deploy.template.permissions import DECLARED
from pocket.deploy.template.steps import ROLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Granted = Mapping[str, Sequence[str]]
    """The handlers that may do something, by a sentence's end that says what."""


def permission_changes(before: Mapping[str, Any], after: Mapping[str, Any], handlers: Iterable[str]) -> Iterator[str]:
    """A sentence for each permission that comes or goes between two templates of the stage's stack."""
    names = {naming.logical_id(handler, "Role"): handler for handler in handlers}
    had, gets = _granted(before, names), _granted(after, names)
    for verb, ones, others in (("may call", gets, had), ("may no longer call", had, gets)):
        for what, allowed in ones.items():
            if changed := [name for name in allowed if name not in others.get(what, ())]:
                yield f"{', '.join(changed)} {verb} {what}."


def _granted(body: Mapping[str, Any], names: Mapping[str, str]) -> Granted:
    found: dict[str, list[str]] = {}
    for logical_id, resource in (body.get("Resources") or {}).items():
        if resource["Type"] != ROLE or is_own(resource):
            continue
        documents = [item["PolicyDocument"] for item in resource["Properties"].get("Policies", ())]
        for statement in (item for document in documents for item in document["Statement"]):
            if str(statement.get("Sid", "")).startswith(DECLARED):
                handler = names.get(logical_id, logical_id.removesuffix("Role"))
                holders = found.setdefault(_described(statement), [])
                holders += [handler] if handler not in holders else []
    return found


def _described(statement: Mapping[str, Any]) -> str:
    resources = " and ".join("everything" if item == "*" else in_words(item) for item in statement["Resource"])
    conditions = [
        f"{key} {operator} {' or '.join(map(in_words, values))}"
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    ]
    where = f", if {' and '.join(conditions)}" if conditions else ""
    return f"{', '.join(statement['Action'])} on {resources}{where}"
