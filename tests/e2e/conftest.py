"""The example on the local AWS, once for all tests of this folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import bulk_jobs
import pytest
from board import PASSWORD, RECORD_COMMAND, STAGE_CHANGES, Board, copy_example, start_local


@pytest.fixture(scope="session")
def board() -> Iterator[Board]:
    folder = copy_example(f"board-{sys.version_info.minor}")
    with (folder / "pocket.toml").open("a") as file:
        file.write(STAGE_CHANGES)
    (folder / "bbs" / "management" / "commands" / "record.py").write_text(RECORD_COMMAND)
    bulk_jobs.add_to(folder)
    running = start_local(folder, "--run", f"load_demo --admin-password '{PASSWORD}'")
    try:
        yield running
    finally:
        running.stop()
