"""`pocket local --watch`: what is saved is served and released; requests, output and errors are shown as they come."""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from pocket.deploy.aws import log_text
from pocket.deploy.gates import NAMES
from pocket.deploy.gates.gate import MIGRATIONS, REQUEST, STARTUP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pocket.cli.saves import Saves
    from pocket.local import LocalAWS

SKIPPED = tuple(name for name in NAMES if name != MIGRATIONS)
"""The gates that a saved file does not wait for: the next request shows what they would find."""

REQUIRED_IF_DOUBTFUL = (STARTUP, REQUEST)
"""Those of them that keep an error from going live, where no function has started with what was saved."""

_PAUSE = 0.1
"""Seconds between two looks at the requests and at what is to be released."""


def watch(aws: LocalAWS, saves: Saves, *, quiet: str = "") -> None:
    """Serves and releases what is saved until the local AWS ends or Ctrl-C.

    An error is shown, and the release before stays live. `quiet` is the function whose output is not shown, since a
    deploy runs its own commands in it.
    """

    def look() -> None:
        while not saves.ending.wait(saves.pause):
            saves.look()

    with _showing(aws, quiet), ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        try:
            while not aws.ended and not looking.done():
                if saves.pending.wait(_PAUSE):
                    saves.release()
        finally:
            saves.ending.set()
        looking.result()


@contextmanager
def _showing(aws: LocalAWS, quiet: str) -> Iterator[None]:
    """Shows requests and output as they come, also during a deploy."""
    ending = threading.Event()

    def show(file: TextIO) -> None:
        last, line = False, ""
        while True:
            for part in file:
                line += part
                if not line.endswith("\n"):  # the rest is still to be written
                    continue
                entry, line = json.loads(line), ""
                if text := _text(entry, quiet):
                    sys.stderr.write(f"{text}\n")
            if last:
                return
            last = ending.wait(_PAUSE)

    with aws.activity() as file:
        thread = threading.Thread(target=show, args=(file,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()


def _text(entry: Mapping[str, Any], quiet: str) -> str:
    """A request as `runserver` shows it, or what a function wrote."""
    if "function" in entry:
        return "" if entry["function"] == quiet else "\n".join(log_text.readable(entry["text"].splitlines()))
    moment = time.strftime("%d/%b/%Y %H:%M:%S", time.localtime(entry["time"]))
    return f'[{moment}] "{entry["method"]} {entry["path"]}" {entry["status"]} {entry["milliseconds"]} ms'
