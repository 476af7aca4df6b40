"""`python -m pocket.django.checks.report`: the project's system checks, as JSON on standard output and nothing else.

Runs in the project's folder, with the environment for its settings. The project's own output goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pocket.check_issues import Issue
from pocket.django import origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.checks import CheckMessage


class UnknownTag(Exception):
    """No check has the tag."""


def collect(*, deploy: bool, tags: Sequence[str], databases: Sequence[str]) -> list[dict[str, Any]]:
    """The issues that Django's checks and Pocket's find, the highest level first, as dictionaries of `Issue`.

    Django is set up. Without `tags` all checks run; without `databases` no check uses a connection. Raises UnknownTag.
    """
    from django.core import checks

    from pocket.django.checks.registration import register

    register()
    for tag in tags:
        if not checks.tag_exists(tag, deploy):
            raise UnknownTag(f'There is no system check with the "{tag}" tag.')
    found = checks.run_checks(
        tags=list(tags) or None, include_deployment_checks=deploy, databases=list(databases) or None
    )
    issues = [_issue(message) for message in found]
    issues.sort(key=lambda item: (-item.level, item.id or "", item.object or "", item.message))
    return [asdict(issue) for issue in issues]


def add_arguments(parser: Any) -> None:
    """The options of `collect`, for a parser of argparse."""
    parser.add_argument("--deploy", action="store_true", help="Check deployment settings, too.")
    parser.add_argument("--tag", "-t", action="append", dest="tags", default=[], help="Run checks of this tag only.")
    parser.add_argument("--database", action="append", dest="databases", default=[], help="Check this database, too.")


def _issue(message: CheckMessage) -> Issue:
    from pocket.django.checks.places import place_of

    file, line = place_of(message.obj)
    return Issue(
        id=message.id,
        level=message.level,
        message=str(message.msg),
        hint=None if message.hint is None else str(message.hint),
        object=_named(message.obj),
        file=file,
        line=line,
        silenced=message.is_silenced(),
    )


def _named(obj: Any) -> str | None:
    from django.db.models.base import ModelBase

    if obj is None:
        return None
    meta: Any = getattr(obj, "_meta", None)
    return meta.label if isinstance(obj, ModelBase) else str(obj)


def main() -> int:
    """Runs the command; returns its exit status: 0, or 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m pocket.django.checks.report")
    add_arguments(parser)
    options = parser.parse_args()
    with origin.answering() as answer:
        try:
            found = collect(deploy=options.deploy, tags=options.tags, databases=options.databases)
        except UnknownTag as error:
            sys.stderr.write(f"{error}\n")
            return 2
        json.dump(found, answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
