"""FastAPI over Django's ORM: the hand-made recipe, FastAPI's `def` endpoints, django-ninja, DRF and Pocket.

    python benchmarks/fastapi_orm.py [--rounds 15] [--databases sqlite postgresql] [--seconds 1.0] [--skip-server]

Needs uv and PostgreSQL's server programs. The peers are installed from PyPI into an environment of their own, together
with this checkout. All cases are interleaved in one run; figures are medians of the rounds.
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

HERE = Path(__file__).parent
PROJECT = HERE / "fastapi_orm_project"
PEERS = ["django~=5.2.0", "django-ninja", "djangorestframework", "orjson", "uvicorn", "gunicorn", "psycopg[binary]"]

sys.path.insert(0, str(HERE.parent / "tests" / "support"))


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """What BENCHMARK_DATABASE is to be: the path of a SQLite file or the port of a PostgreSQL server."""
    if kind == "sqlite":
        yield str(folder / "db.sqlite3")
        return
    from postgres import running

    with running() as server:
        yield str(server.port)


def environment(folder: Path) -> Path:
    """An environment with the peers and this checkout; its Python."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    checkout = f"{HERE.parent}[fastapi]"
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", str(python), "-e", checkout, *PEERS], check=True)
    return python


def run(python: Path, script: str, database: str, *arguments: str) -> dict[str, list[float]]:
    """The figures that one of the project's scripts prints, by case."""
    environ = {
        **os.environ,
        "BENCHMARK_DATABASE": database,
        "DJANGO_SETTINGS_MODULE": "orm_settings",
        "PYTHONPATH": str(PROJECT),
    }
    command = [str(python), "-W", "ignore", str(PROJECT / script), *arguments]
    done = subprocess.run(command, env=environ, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0, help="a round of one case at concurrency 32")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--environment", type=Path, default=Path(tempfile.gettempdir()) / "pocket-benchmark-fastapi")
    parser.add_argument("--skip-server", action="store_true")
    options = parser.parse_args()
    random.seed(5)
    python = environment(options.environment)
    for kind in options.databases:
        with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as name:
            print(f"\n## {kind}, concurrency 1 (Lambda): microseconds a request\n")
            report(run(python, "orm_single.py", name, str(options.rounds)), "{:.0f}")
            if not options.skip_server:
                print(f"\n## {kind}, concurrency 32: requests a second\n")
                report(
                    run(python, "orm_served.py", name, str(max(options.rounds // 5, 1)), str(options.seconds)), "{:.0f}"
                )


def report(figures: dict[str, list[float]], form: str) -> None:
    """Prints a Markdown table; the figures stand for 1, 100 and 1000 rows, those of one row alone for the first."""
    print("| | 1 row | 100 rows | 1000 rows |\n|---|---|---|---|")
    for case, values in figures.items():
        cells = [form.format(value) for value in values] + [""] * (3 - len(values))
        print(f"| {case} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
