"""A job is called once or, withdrawn in time, never; who waits for it is told either way."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError
from typing import Any

import pytest


def in_a_thread(job: Any, after: Any) -> None:
    thread = threading.Thread(target=job, args=(after,))
    thread.start()
    thread.join()


def test_what_follows_a_job_comes_after_its_coroutine_has_gone_on(database: str) -> None:
    from pocket.fastapi.jobs import LoopJob

    order: list[str] = []

    async def main() -> None:
        job = LoopJob(lambda: order.append("called") or 7)
        in_a_thread(job, lambda: order.append("after"))
        await job.wait()
        order.append(f"got {job.result()}")
        await asyncio.sleep(0)
        assert not job.rest()

    asyncio.run(main())
    assert order == ["called", "got 7", "after"]


def test_what_follows_a_job_may_be_done_before_the_loop_does_it(database: str) -> None:
    from pocket.fastapi.jobs import LoopJob

    order: list[str] = []

    async def main() -> None:
        job = LoopJob(lambda: None)
        in_a_thread(job, lambda: order.append("after"))
        await job.wait()
        assert job.rest()
        assert order == ["after"]

    asyncio.run(main())
    assert order == ["after"]


def test_what_a_function_raises_reaches_its_coroutine(database: str) -> None:
    from pocket.fastapi.jobs import LoopJob

    async def main() -> None:
        job = LoopJob(lambda: {}["missing"])
        in_a_thread(job, lambda: None)
        await job.wait()
        with pytest.raises(KeyError, match="missing"):
            job.result()

    asyncio.run(main())


def test_a_withdrawn_job_is_never_called_and_ends_all_the_same(database: str) -> None:
    from pocket.fastapi.jobs import LoopJob

    order: list[str] = []

    async def main() -> None:
        job = LoopJob(lambda: order.append("called"))
        assert job.withdraw()
        assert not job.withdraw()
        in_a_thread(job, lambda: order.append("after"))

    asyncio.run(main())
    assert order == ["after"]


def test_who_waits_for_a_cancelled_job_is_cancelled(database: str) -> None:
    from pocket.fastapi.jobs import LoopJob

    async def main() -> None:
        job = LoopJob(lambda: None)
        waiting = asyncio.ensure_future(job.wait())
        await asyncio.sleep(0)
        job.cancel()
        await waiting
        with pytest.raises(asyncio.CancelledError):
            job.result()

    asyncio.run(main())


def test_a_job_whose_loop_was_closed_ends_all_the_same(database: str) -> None:
    from pocket.fastapi.jobs import LoopJob

    order: list[str] = []

    async def main() -> Any:
        return LoopJob(lambda: order.append("called"))

    job = asyncio.run(main())
    in_a_thread(job, lambda: order.append("after"))
    assert order == ["called", "after"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_future_has_the_outcome_before_what_follows(database: str, fails: bool) -> None:
    from pocket.fastapi.jobs import FutureJob

    job = FutureJob(lambda: 1 / (0 if fails else 2))
    done: list[bool] = []
    in_a_thread(job, lambda: done.append(job.future.done()))
    assert done == [True]
    if fails:
        with pytest.raises(ZeroDivisionError):
            job.future.result()
    else:
        assert job.future.result() == 0.5


def test_a_cancelled_future_is_never_called_for_and_ends_all_the_same(database: str) -> None:
    from pocket.fastapi.jobs import FutureJob

    order: list[str] = []
    job = FutureJob(lambda: order.append("called"))
    assert job.cancel()
    in_a_thread(job, lambda: order.append("after"))
    assert order == ["after"]
    with pytest.raises(CancelledError):
        job.future.result()
