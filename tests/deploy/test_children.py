"""A build's child processes end with it."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tiny_project import write
from waiting import wait_until

from pocket.deploy.build import bytecode, children
from pocket.errors import BuildFailed

SLEEPS = [sys.executable, "-c", "import sys, time; print('runs', flush=True); time.sleep(100)"]


def test_the_output_is_text() -> None:
    code = "import os, sys; print(os.environ['NAME']); sys.stderr.buffer.write(b'\\xff'); sys.exit(3)"
    done = children.run([sys.executable, "-c", code], env={"NAME": "pocket"})
    assert (done.returncode, done.stdout, done.stderr) == (3, "pocket\n", "\\xff")


def test_what_runs_is_ended_and_nothing_more_begins() -> None:
    own = children.Children()
    with ThreadPoolExecutor(2, initializer=own.adopt) as pool:
        running = [pool.submit(children.run, SLEEPS) for _ in range(2)]
        while len(own.running) < 2:  # they begin in threads of their own
            assert not any(each.done() for each in running)
        own.end()
        assert [each.result(50).returncode for each in running] == [-15, -15]
        with pytest.raises(BuildFailed):
            pool.submit(children.run, SLEEPS).result(50)
    assert not own.running


def test_what_a_child_has_started_ends_with_it_and_holds_no_output_open(tmp_path: Path) -> None:
    own, begun = children.Children(), tmp_path / "begun"
    code = (
        f"import pathlib, subprocess; child = subprocess.Popen({SLEEPS!r});"
        f" pathlib.Path({str(begun)!r}).touch(); child.wait()"
    )
    with ThreadPoolExecutor(1, initializer=own.adopt) as pool:
        running = pool.submit(children.run, [sys.executable, "-c", code])
        wait_until(begun.exists, 50)
        own.end()
        assert running.result(50).returncode == -15


def test_a_compilation_by_several_processes_is_ended(tmp_path: Path) -> None:
    write(tmp_path, {f"module_{number}.py": "X = [*range(9)]\n" * 2000 for number in range(200)})
    own = children.Children()
    with ThreadPoolExecutor(1, initializer=own.adopt) as pool:
        running = pool.submit(bytecode.compile_tree, sys.executable, tmp_path, processes=2)
        wait_until(lambda: any(tmp_path.glob("__pycache__/*")), 50)
        own.end()
        assert running.result(50) == []
    assert len([*tmp_path.glob("__pycache__/*.pyc")]) < 200


def test_a_thread_that_works_for_no_build_runs_its_children_to_the_end() -> None:
    children.Children().end()
    assert children.run([sys.executable, "-c", "print(1)"]).stdout == "1\n"
