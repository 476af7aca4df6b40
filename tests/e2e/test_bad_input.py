"""What goes wrong for a user: one clear message with a hint, a status that is not 0, and nothing half done."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from board import Board, copy_example, environment, run_pocket

pytestmark = pytest.mark.e2e

FAILS_IN_LAMBDA = """
import os
if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    raise RuntimeError("this start is broken on purpose")
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    copy = copy_example(f"bad-input-{sys.version_info.minor}")
    yield copy
    shutil.rmtree(copy)


def refused(folder: Path, *args: str) -> str:
    """What `pocket` with `args` says when it fails as it should: no value, no traceback, a hint."""
    done = run_pocket(folder, *args, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert "error: " in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_no_file(folder: Path) -> None:
    (folder / "pocket.toml").unlink()
    assert "have no pocket.toml" in refused(folder, "deploy", "--stage", "dev")


def test_broken_toml_names_line_and_column(folder: Path) -> None:
    change(folder / "pocket.toml", 'region = "', 'region = = "')
    assert "pocket.toml:4: (pocket.E002) Invalid value at line 4, column 10" in refused(folder, "check")


def test_an_unknown_stage_names_the_known_ones(folder: Path) -> None:
    assert "local, dev, prd" in refused(folder, "check", "--stage", "prod")


def test_every_issue_in_the_file_at_once(folder: Path) -> None:
    file = folder / "pocket.toml"
    change(file, "timeout = 600", "timout = 600")
    change(file, "memory_size = 1024", 'memory_size = "lots"')
    change(file, "[s3]", '[s3]\nbucket_name_format = "{stage}_{project}"')
    output = refused(folder, "check")
    assert 'Did you mean "timeout"?' in output
    assert "awscontainer.handlers.web.memory_size: Expected a whole number" in output
    assert "s3.bucket_name_format" in output
    assert "Checks found 3 issues" in output


def test_a_handler_that_does_not_import(folder: Path) -> None:
    change(
        folder / "pocket.toml",
        'command = "bbs.events.weekly_report"',
        'command = "config.reports.go"',
    )
    output = refused(folder, "local")
    assert "config.reports" in output
    assert "in [awscontainer.handlers.reports]" in output


def test_a_project_without_lock_or_requirements(folder: Path) -> None:
    (folder / "uv.lock").unlink()
    (folder / "pyproject.toml").unlink()
    assert "there is nothing to install" in refused(folder, "local")


def test_no_credentials(folder: Path) -> None:
    output = refused(folder, "deploy", "--stage", "dev", "--yes")
    assert "Unable to locate credentials" in output
    assert "Install packages" not in output, "nothing was begun"


@pytest.mark.parametrize("command", ["deploy", "status", "logs", "destroy", "manage"])
def test_the_local_aws_does_not_run(folder: Path, command: str) -> None:
    more = ["migrate"] if command == "manage" else []
    assert "`pocket local`" in refused(folder, command, "--stage", "local", "--local", *more)


def test_a_port_in_use(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert str(port) in refused(folder, "local", "--port", str(port))


def test_destroy_without_a_terminal_removes_nothing(board: Board) -> None:
    assert "Nothing of stage 'local' was removed" in refused(board.folder, "destroy", "--stage", "local", "--local")
    assert board.client().get("/").status == 200


def test_a_function_that_does_not_start_shows_its_last_lines(board: Board) -> None:
    settings = board.folder / "config" / "settings.py"
    sound = settings.read_text()
    settings.write_text(sound + FAILS_IN_LAMBDA)
    try:
        output = refused(board.folder, "deploy", "--stage", "local", "--local", "--yes")
    finally:
        settings.write_text(sound)
    assert "Gate checks refused the release" in output
    assert "RuntimeError: this start is broken on purpose" in output
    assert board.client().get("/").status == 200, "the release before answers"
    board.pocket("deploy", "--stage", "local", "--local", "--yes")
    assert board.client().get("/").status == 200


@pytest.mark.parametrize("moment", ["Plan the changes ...", "Update stack"])
def test_ctrl_c_in_a_deploy_leaves_a_stage_that_serves_and_can_be_deployed(board: Board, moment: str) -> None:
    view = board.folder / "bbs" / "views.py"
    view.write_text(view.read_text() + f"\n# changed before Ctrl-C at {moment}\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "pocket", "deploy", "--stage", "local", "--local", "--yes"],
        cwd=board.folder,
        env=environment(),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(moment):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    assert board.client().get("/").status == 200
    board.pocket("deploy", "--stage", "local", "--local", "--yes")
    assert board.client().get("/").status == 200
