"""`python -m pocket.doctor`: the start-up report of the project in the current folder, as JSON.

Unlike `manage.py pocket_startup`, it also works for a project that does not start.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pocket.django import origin
from pocket.doctor.examination import RUNS, examine
from pocket.errors import PocketError


def main() -> int:
    """Writes the report; returns the exit status: 1 if there is no report."""
    parser = argparse.ArgumentParser(prog="python -m pocket.doctor", description="Explain the project's start.")
    parser.add_argument("--path", default="/", help="Path of the first request.")
    parser.add_argument("--runs", type=int, default=RUNS, help="How often to measure; the fastest counts.")
    options = parser.parse_args()
    sys.path.insert(0, str(Path.cwd()))
    origin.leave()
    try:
        report = examine(Path.cwd(), path=options.path, runs=options.runs)
    except PocketError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(report.to_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
