"""`manage.py pocket_startup`: the costs and issues of a start, measured in new processes, also for the gate."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from pocket.errors import PocketError

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Exits with 1 if it found issues, except with JSON."""

    help = "Start the project in new processes, and report what the start costs and which issues it has."
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django declares it

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=("text", "json"), default="text", help="How to print the report.")
        parser.add_argument("--path", default="/", help="Path of the first request.")
        parser.add_argument("--runs", type=int, default=3, help="How often to measure; the fastest counts.")

    def handle(self, *args: Any, **options: Any) -> None:
        from pocket.doctor.examination import examine, project_directory
        from pocket.doctor.report import text

        if not options["path"].startswith("/"):
            raise CommandError(f"--path: {options['path']!r} does not start with a slash.")
        try:
            report = examine(project_directory(), path=options["path"], runs=options["runs"])
        except PocketError as error:
            raise CommandError(str(error)) from error
        if options["format"] == "json":
            self.stdout.write(report.to_json())
            return
        for line in text.lines(report):
            self.stdout.write(line)
        if report.issues:
            sys.exit(1)
