"""A build's child processes end with it."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from pocket.deploy.build import children
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


def test_a_thread_that_works_for_no_build_runs_its_children_to_the_end() -> None:
    children.Children().end()
    assert children.run([sys.executable, "-c", "print(1)"]).stdout == "1\n"
