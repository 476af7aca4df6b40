"""FastAPI over Django's ORM: the handwritten recipe, FastAPI's `def` endpoints, django-ninja, DRF and Pocket.

    python benchmarks/fastapi_orm.py [--rounds 15] [--databases sqlite postgresql] [--seconds 0.4] [--skip-server]
    python benchmarks/fastapi_orm.py --threads 1 2 4 8 40

Needs uv and PostgreSQL's server programs. The peers are installed from PyPI into an environment of their own, together
with this checkout. All cases are interleaved in one run; figures are medians of the rounds. Ratios are medians of each
round's own: their parts were measured within a second or two of each other. Processor time is that of the process, or
of the server's processes, and says more than time where the machine does other things too.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from machine import find_uv

HERE = Path(__file__).parent
PROJECT = HERE / "fastapi_orm_project"
NAME = f"pocket-benchmark-fastapi-{sys.version_info.major}.{sys.version_info.minor}"
"""An environment for each Python, since the peers are compared on one."""

PEERS = [
    *("django~=5.2.0", "django-ninja", "djangorestframework", "orjson"),
    *("uvicorn[standard]", "gunicorn", "psycopg[binary]"),
]

sys.path.insert(0, str(HERE.parent / "tests" / "support"))


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """What BENCHMARK_DATABASE is to be: the path of a SQLite file or the port of a PostgreSQL server."""
    if kind == "sqlite":
        yield str(folder / "db.sqlite3")
        return
    from postgres import binaries, running

    try:
        binaries()
    except RuntimeError as error:
        sys.exit(str(error))
    with running() as server:
        yield str(server.port)


def environment(folder: Path) -> Path:
    """An environment with the peers and this checkout; its Python."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([find_uv(), "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    checkout = f"{HERE.parent}[fastapi]"
    install = [find_uv(), "pip", "install", "--quiet", "--python", str(python)]
    subprocess.run([*install, "-e", checkout, *PEERS], check=True)
    return python


def run(python: Path, script: str, database: str, *arguments: str) -> Any:
    """What one of the project's scripts prints last, as JSON."""
    environ = {
        **os.environ,
        "BENCHMARK_DATABASE": database,
        "DJANGO_SETTINGS_MODULE": "orm_settings",
        "PYTHONPATH": str(PROJECT),
    }
    command = [str(python), "-W", "ignore", str(PROJECT / script), *arguments]
    done = subprocess.run(command, env=environ, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.4, help="a round of one case at concurrency 32")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--environment", type=Path, default=Path(tempfile.gettempdir()) / NAME)
    parser.add_argument("--skip-server", action="store_true")
    parser.add_argument(
        "--threads", nargs="+", default=[], help="Pocket under a server alone, with as many threads each"
    )
    options = parser.parse_args()
    random.seed(5)
    python = environment(options.environment)
    print(f"Python {sys.version.split()[0]}")
    for kind in options.databases:
        with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as name:
            single = run(python, "orm_single.py", name, "1" if options.threads else str(options.rounds))
            if options.threads:
                measured = run(
                    python, "orm_served.py", name, str(options.rounds), str(options.seconds), *options.threads
                )
                report(f"{kind}, concurrency 32: requests a second", measured["rate"])
                report(f"{kind}, concurrency 32: microseconds of processor time a request", measured["processor"])
                continue
            report(f"{kind}, concurrency 1 (Lambda): microseconds a request", single["wall"])
            report(f"{kind}, concurrency 1 (Lambda): microseconds of processor time a request", single["processor"])
            for words, ratios in single["ratios"].items():
                print(f"\n{words}: {ratios['wall']:.2f} in time, {ratios['processor']:.2f} in processor time")
            print(f"\nDatabase sessions opened by warm requests: {single['opened'] or 'none'}")
            if not options.skip_server:
                served = run(python, "orm_served.py", name, str(options.rounds), str(options.seconds))
                report(f"{kind}, concurrency 32: requests a second", served["rate"])
                report(f"{kind}, concurrency 32: microseconds of processor time a request", served["processor"])
                for words, (rate, processor) in served["ratios"].items():
                    print(f"\n{words}: {rate:.2f} in requests a second, {processor:.2f} in processor time")


def report(title: str, figures: dict[str, list[float]]) -> None:
    """Prints a Markdown table; the figures stand for 1, 100 and 1000 rows, those of one row alone for the first."""
    print(f"\n## {title}\n\n| | 1 row | 100 rows | 1000 rows |\n|---|---|---|---|")
    for case, values in figures.items():
        cells = [f"{value:.0f}" for value in values] + [""] * (3 - len(values))
        print(f"| {case} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
