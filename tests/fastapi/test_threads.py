"""The threads of an API: lent in turn, given back without waking them where nothing is left to do."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from waiting import wait_until


def test_a_thread_is_given_back_without_a_last_call_where_none_is_needed(database: str) -> None:
    from pocket.django.orm.threads import Lease, ThreadPool

    pool, ended = ThreadPool("test", 1), []

    class Noting(Lease):
        _is_left_open = True

        def _finish(self) -> None:
            ended.append(threading.get_ident())

    first = Noting(pool)
    ident = first.submit(threading.get_ident).result(5)
    first.close()
    wait_until(lambda: pool.busy == 0, 5)
    assert ended == [ident]
    second = Noting(pool)
    second._is_left_open = False
    assert second.submit(threading.get_ident).result(5) == ident
    second.close()
    assert (pool.busy, ended) == (0, [ident])
    pool.close()


def test_a_lease_that_is_closed_during_a_call_ends_after_it_and_the_next_one_gets_the_thread(database: str) -> None:
    from pocket.django.orm.threads import Lease, ThreadPool

    pool = ThreadPool("test", 1)
    order: list[str] = []
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        may_end.wait(5)
        order.append("slow")

    first = Lease(pool)
    first._finish = lambda: order.append("last")  # type: ignore[method-assign]
    first.submit(slow)
    assert begun.wait(5)
    waiting = Lease(pool)
    withdrawn: Future[None] = waiting.submit(lambda: order.append("never"))
    next_one = Lease(pool)
    done = next_one.submit(lambda: order.append("next"))
    waiting.close()
    assert withdrawn.cancelled()
    first.close()
    may_end.set()
    done.result(5)
    assert order == ["slow", "last", "next"]
    next_one.close()
    wait_until(lambda: pool.busy == 0, 5)
    pool.close()
