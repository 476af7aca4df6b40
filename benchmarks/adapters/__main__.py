"""What an HTTP adapter adds to a request, against the framework called directly and against the peers.

    python benchmarks/adapters [--rounds 100] [--python 3.13] [--callgrind] [--only "GET" "1 MB"]

Django without middleware and with its default seven, and FastAPI, each behind Pocket, apig-wsgi, serverless-wsgi,
Zappa and Mangum, all from PyPI but Pocket, in one environment that this makes with uv. A case is a workload in a wire
format behind an adapter; in each round all cases run, in a random order, for some milliseconds each. Shown are medians
of the ratios, within each round, to the floor: the framework alone, given a request that is ready. The rounds are those
of several processes, each with another seed of Python's hashes, since where objects are in memory changes a ratio by up
to two percent. Time is the processor's, of all threads, which other programs disturb less than the clock's. With
--callgrind it counts instructions (valgrind) instead, which a busy machine does not disturb at all, of all but Mangum
around Django, whose threads mostly wait.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from machine import REPOSITORY, find_python, find_uv  # noqa: E402  the folder beside this one

WORKER = HERE / "worker.py"
PACKAGES = (
    "django>=5.2",
    "fastapi==0.165.0",
    "apig-wsgi==2.20.0",
    "serverless-wsgi==3.1.0",
    "mangum==0.22.0",
    "zappa==0.63.0",
    "setuptools",
    "awslambdaric>=3",
    "orjson",
    "pybase64",
)
SEEDS = 5
FRAMEWORKS = {
    "none": "Django, no middleware",
    "seven": "Django, default middleware",
    "fastapi": "FastAPI",
}


def main() -> int:
    """Runs the benchmark and prints a table for each framework."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument(
        "--python", default=f"{sys.version_info[0]}.{sys.version_info[1]}", help="a version, such as 3.13, or a path"
    )
    parser.add_argument("--callgrind", action="store_true", help="count instructions instead of time")
    parser.add_argument("--only", nargs="*", default=[], help="workloads whose names contain one of these")
    parser.add_argument("--frameworks", nargs="*", choices=list(FRAMEWORKS), default=list(FRAMEWORKS))
    options = parser.parse_args()
    if options.callgrind and shutil.which("callgrind_control") is None:
        parser.error("--callgrind needs valgrind")
    python = environment(options.python)
    print(version(python))
    for framework in options.frameworks:
        show(FRAMEWORKS[framework], measure(python, framework, options), "instructions" if options.callgrind else "µs")
    return 0


def environment(python: str) -> Path:
    """An environment with all adapters, which is kept, and created again if the packages change."""
    directory = REPOSITORY / ".tools" / f"benchmark-http-{Path(python).name}"
    interpreter = directory / "bin" / "python"
    stamp = directory / "packages.json"
    wanted = json.dumps([python, PACKAGES])
    if not stamp.exists() or stamp.read_text() != wanted:
        create = [find_uv(), "venv", "--quiet", "--clear", "--python", find_python(python)]
        subprocess.run([*create, str(directory)], check=True)
        install = [find_uv(), "pip", "install", "--quiet", "--python", str(interpreter)]
        subprocess.run([*install, *PACKAGES], check=True)
        stamp.write_text(wanted)
    return interpreter


def version(python: Path) -> str:
    """The versions that the figures are of."""
    code = (
        "import sys; from importlib.metadata import version; print('Python', sys.version.split()[0], *("
        "f'{name} {version(name)}' for name in ('django', 'fastapi', 'apig-wsgi', 'serverless-wsgi', 'zappa', 'mangum')"
        "), sep=', ')"
    )
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def measure(python: Path, framework: str, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Medians of each workload's cases, in the worker's order: of processes, the medians of floors and of ratios."""
    seeds = range(1 if options.callgrind else min(SEEDS, options.rounds))
    found = [measure_once(python, framework, options, seed, options.rounds // len(seeds)) for seed in seeds]
    middle: dict[str, dict[str, float]] = {}
    for workload, cases in found[0].items():
        floor = median(result[workload]["floor"] for result in found)
        ratios = {name: [result[workload][name] / result[workload]["floor"] for result in found] for name in cases}
        middle[workload] = {name: floor * median(of_processes) for name, of_processes in ratios.items()}
    return middle


def measure_once(
    python: Path, framework: str, options: argparse.Namespace, seed: int, rounds: int
) -> dict[str, dict[str, float]]:
    """The same of one process."""
    with tempfile.TemporaryDirectory(prefix="pocket-benchmark-") as directory:
        command: list[str] = [str(python), str(WORKER), framework, str(rounds), *options.only]
        environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY / "src"), "PYTHONHASHSEED": str(seed)}
        environ["POCKET_BENCHMARK_DIRECTORY"] = directory
        if options.callgrind:
            environ["POCKET_BENCHMARK_INSTRUCTIONS"] = "1"
            out = f"--callgrind-out-file={directory}/callgrind.%p"
            command = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", out, *command]
        done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    result: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return result


def show(title: str, workloads: dict[str, dict[str, float]], unit: str) -> None:
    """Prints the table of one framework, in Markdown."""
    adapters = list(dict.fromkeys(name for cases in workloads.values() for name in cases))
    print(f"\n### {title} ({unit}, and ratio to the floor)\n")
    line(["workload", *adapters])
    line(["---", *("---:" for _ in adapters)])
    for workload, cases in workloads.items():
        floor = cases["floor"]
        cells: list[Any] = []
        for adapter in adapters:
            value = cases.get(adapter)
            if value is None:
                cells.append("–")
            elif adapter == "floor":
                cells.append(f"{value:,.0f}")
            else:
                cells.append(f"{value:,.0f} ({value / floor:.2f})")
        line([workload, *cells])


def line(cells: Iterable[str]) -> None:
    """Prints a row of a Markdown table."""
    print("|", " | ".join(cells), "|")


if __name__ == "__main__":
    sys.exit(main())
