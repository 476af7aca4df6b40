"""How long it takes from a saved file to the page with it: the example of this repository, `pocket local --watch`."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from machine import REPOSITORY

WORK = REPOSITORY / ".e2e" / "benchmark-watch"
"""As deep below the repository as the example, whose lock names the repository by a relative path."""

LOG = REPOSITORY / ".e2e" / "benchmark-watch.log"
IGNORED = shutil.ignore_patterns(".pocket", ".venv", ".env", "db.sqlite3", "__pycache__", "media")
VIEWS, TEMPLATE, STYLE = (
    WORK / "bbs" / name for name in ("views.py", "templates/bbs/topic_list.html", "static/bbs/board.css")
)
SECONDS = 60.0
"""How long a page, and then its release, may take."""

PAUSE = 0.02
"""Seconds between two requests for a new page."""


@dataclass
class Watching:
    """A running `pocket local --watch`: its address, and what it has written."""

    address: str
    lines: list[str] = field(default_factory=list)

    def get(self, path: str) -> str:
        with urllib.request.urlopen(path if path.startswith("http") else self.address + path, timeout=SECONDS) as found:
            text: str = found.read().decode()
        return text

    def released(self) -> int:
        return sum(bool(re.search(r": release \d+, ", line)) for line in self.lines)

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + SECONDS
        while not holds():
            if time.monotonic() > end:
                sys.exit(f"{what} did not come. The last lines:\n{''.join(self.lines[-20:])}")
            time.sleep(PAUSE)


@contextmanager
def watching() -> Iterator[Watching]:
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.copytree(REPOSITORY / "examples" / "board", WORK, ignore=IGNORED)
    VIEWS.write_text(VIEWS.read_text().replace('{"section": "topics"}', '{"section": "topics", "mark": "0"}'))
    marks = "{% block content %}<!-- view {{ mark }} --><!-- template 0 -->"
    TEMPLATE.write_text(TEMPLATE.read_text().replace("{% block content %}", marks))
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "POCKET_", "DJANGO_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "pocket", "local", "--watch"],
        cwd=WORK,
        env={**kept, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    assert process.stderr
    found = Watching("")
    errors = process.stderr
    threading.Thread(target=lambda: found.lines.extend(iter(errors.readline, "")), daemon=True).start()
    try:
        found.address = process.stdout.readline().strip()
        found.wait_until(lambda: any(line.startswith("Watching ") for line in found.lines), "The first release")
        yield found
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        LOG.write_text("".join(found.lines))


def view(running: Watching, number: int) -> Callable[[], bool]:
    VIEWS.write_text(re.sub(r'"mark": "\d+"', f'"mark": "{number}"', VIEWS.read_text()))
    return lambda: f"<!-- view {number} -->" in running.get("/")


def template(running: Watching, number: int) -> Callable[[], bool]:
    TEMPLATE.write_text(re.sub(r"<!-- template \d+ -->", f"<!-- template {number} -->", TEMPLATE.read_text()))
    return lambda: f"<!-- template {number} -->" in running.get("/")


def style(running: Watching, number: int) -> Callable[[], bool]:
    with STYLE.open("a") as file:
        file.write(f"/* style {number} */\n")

    def holds() -> bool:
        found = re.search(r'href="([^"]+board[^"]*\.css)"', running.get("/"))
        return found is not None and f"/* style {number} */" in running.get(found[1])

    return holds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    saves = {"a view": view, "a template": template, "a static file": style}
    pages: dict[str, list[float]] = {name: [] for name in saves}
    releases: dict[str, list[float]] = {name: [] for name in saves}
    print(f"Load before: {os.getloadavg()[0]:.1f}\n")
    with watching() as running:
        running.get("/")
        for number in range(1, arguments.rounds + 1):
            for name, save in saves.items():
                before = running.released()
                begun = time.monotonic()
                running.wait_until(save(running, number), f"The page with {name}")
                pages[name].append(time.monotonic() - begun)
                running.wait_until(lambda before=before: running.released() > before, "The release")
                releases[name].append(time.monotonic() - begun)
                # Nothing of the release is left to do.
                time.sleep(1)
    print("| Saved | Seconds to the new page | To its release |\n|---|---|---|")
    for name in saves:
        times = [
            f"{statistics.median(each):.2f} ({min(each):.2f} to {max(each):.2f})"
            for each in (pages[name], releases[name])
        ]
        print(f"| {name} | {times[0]} | {times[1]} |")
    print(f"\nLoad after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
