"""The project's system checks as JSON, for `pocket check --remote`: inside Lambda, with the release as it is."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from pocket.django.checks.report import UnknownTag, add_arguments, collect


class Command(BaseCommand):
    """Writes the messages as one line of JSON; fails only for wrong options, whatever the messages' levels."""

    help = "Run the system checks and write their messages as one line of JSON."
    requires_system_checks: list[str] = []  # noqa: RUF012  (as in Django's own commands)

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of Django's `check` that select checks."""
        add_arguments(parser)

    def handle(self, *args: Any, deploy: bool, tags: list[str], databases: list[str], **options: Any) -> None:
        """Runs the checks; raises CommandError for an unknown tag."""
        try:
            found = collect(deploy=deploy, tags=tags, databases=databases)
        except UnknownTag as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(found))
