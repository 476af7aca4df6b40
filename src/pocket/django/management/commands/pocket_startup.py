"""`manage.py pocket_startup`: the costs and issues of a start, measured in new processes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from pocket.errors import PocketError

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pocket.doctor.report.model import Report


class Command(BaseCommand):
    """Exits with 1 if it found issues, except with JSON."""

    help = "Start the project in new processes, and report what the start costs and which issues it has."
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django declares it

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=("text", "json"), default="text", help="How to print the report.")
        parser.add_argument("--html", metavar="FILE", help="Write the report as a page, too.")
        parser.add_argument("--compare", action="store_true", help="Compare with the last run.")
        parser.add_argument("--path", default="/", help="Path of the first request.")
        parser.add_argument("--runs", type=int, default=3, help="How often to measure; the fastest counts.")

    def handle(self, *args: Any, **options: Any) -> None:
        from pocket.doctor.examination import examine, project_directory

        directory = project_directory()
        if not options["path"].startswith("/"):
            raise CommandError(f"--path: {options['path']!r} does not start with a slash.")
        if options["html"] and not Path(options["html"]).absolute().parent.is_dir():
            raise CommandError(f"--html: Directory {Path(options['html']).parent} does not exist.")
        try:
            report = examine(directory, path=options["path"], runs=options["runs"])
        except PocketError as error:
            raise CommandError(str(error)) from error
        if options["format"] == "json":
            self.stdout.write(report.to_json())
            return
        self._show(report, directory, options)
        if report.issues:
            sys.exit(1)

    def _show(self, report: Report, directory: Path, options: dict[str, Any]) -> None:
        from pocket.doctor.report import history, page, text

        before = history.last(directory, report.place, report.stage) if options["compare"] else None
        if options["compare"] and before is None:
            self.stderr.write("There is no earlier run to compare with.")
        for line in text.lines(report, before):
            self.stdout.write(line)
        if options["html"]:
            Path(options["html"]).write_text(page.render(report, before), encoding="utf-8")
        try:
            history.keep(directory, report)
        except OSError:
            self.stderr.write(f"Could not save this run for --compare: {directory} is not writable.")
