"""`pocket local` from its start to its end: what it prints, what it leaves behind, and a stage that is removed."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from board import Board, copy_example, start_local
from waiting import wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def started() -> Iterator[Board]:
    folder = copy_example(f"local-{sys.version_info.minor}")
    running = start_local(folder)
    yield running
    if running.process.poll() is None:
        running.stop()


def processes_of(folder: Path) -> list[str]:
    """Every process, zombies aside, that names `folder` in its command line or works in it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if str(folder) in command or str((entry / "cwd").readlink()).startswith(str(folder)):
                found.append(f"{entry.name}: {command}")
        except OSError:
            continue
    return found


def test_destroy_removes_everything_and_shows_what_it_kept(started: Board) -> None:
    done = started.pocket("destroy", "--stage", "local", "--local", "--yes")
    assert "Traceback" not in done.stderr
    status = started.pocket("status", "--stage", "local", "--local", check=False)
    assert status.returncode == 1
    assert "not deployed" in status.stderr


def test_a_destroyed_stage_can_be_deployed_again(started: Board) -> None:
    started.pocket("deploy", "--stage", "local", "--local", "--yes")
    started.pocket("manage", "--stage", "local", "--local", "migrate", "--noinput")
    assert started.client().get("/").status == 200


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_ctrl_c_ends_it_well_and_leaves_nothing(started: Board) -> None:
    assert processes_of(started.folder)
    assert started.stop() == 0
    assert processes_of(started.folder) == []
    left = {path.name for path in (started.folder / ".pocket" / "local").iterdir()}
    assert not any("tmp" in name for name in left), left


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_killed_command_takes_the_local_aws_with_it(started: Board) -> None:
    if started.process.poll() is None:
        started.stop()
    again = start_local(started.folder)
    assert again.client().get("/").status == 200, "the state of the last time is there"
    again.process.send_signal(signal.SIGKILL)
    again.process.wait(10)
    assert again.process.stdout is not None
    again.process.stdout.close()
    wait_until(lambda: processes_of(started.folder) == [], 15)
