"""Who has a lane, and who has a turn."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from asgi_client import ServerClient
from hypothesis import given
from hypothesis import strategies as st
from waiting import wait_until


class Guest:
    """A tenant that says which lane it was given."""

    def __init__(self) -> None:
        self.lane: Any = None

    def move_in(self, lane: Any) -> None:
        self.lane = lane


def test_a_turn_begins_when_another_ends_though_there_are_lanes(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pocket.fastapi import lanes as module

    monkeypatch.setattr(module, "_STALLED", 60.0)
    lanes = module.Lanes(3, paced=True)
    first, second, third = Guest(), Guest(), Guest()
    for guest in (first, second, third):
        lanes.lease(guest)
    assert (first.lane is not None, second.lane, third.lane) == (True, None, None)
    lanes.rest()  # the first keeps its lane
    assert second.lane not in {None, first.lane}
    lanes.resume()  # nor does it wait for another turn
    lanes.rest()
    assert third.lane is None
    lanes.give_back(second.lane)
    assert third.lane is second.lane
    lanes.give_back(first.lane, rests=False)
    lanes.give_back(third.lane)
    assert lanes.leased == 0
    lanes.close()


def test_lanes_without_a_pace_are_leased_while_there_are_any(database: str) -> None:
    from pocket.fastapi.lanes import Lanes

    lanes = Lanes(2)
    guests = [Guest() for _ in range(4)]
    for guest in guests:
        lanes.lease(guest)
    assert [guest.lane is None for guest in guests] == [False, False, True, True]
    assert lanes.withdraw(guests[2])
    assert not lanes.withdraw(guests[0])
    lanes.give_back(guests[0].lane)
    assert guests[3].lane is guests[0].lane
    assert guests[2].lane is None
    lanes.give_back(guests[1].lane)
    lanes.give_back(guests[3].lane)
    lanes.close()


def test_requests_that_wait_for_each_other_all_get_a_turn(database: str, books: Any) -> None:
    from pocket.fastapi.work import ThreadWork

    met = threading.Barrier(30)

    async def one() -> int:
        async with ThreadWork() as work:
            return await work.run(met.wait, 30)

    async def main() -> list[int]:
        return await asyncio.gather(*(one() for _ in range(30)))

    assert sorted(asyncio.run(main())) == list(range(30))


@given(st.lists(st.floats(0, 4), max_size=60))
def test_there_is_never_less_than_one_turn_nor_are_there_more_than_lanes(busy: list[float]) -> None:
    from pocket.fastapi.lanes import Lanes, Pace

    pace = Pace(Lanes(40))
    for share in busy:
        before = pace.turns
        pace.adjust(share)
        assert 1 <= pace.turns <= 40
        assert share <= 0.95 or pace.turns < before or before == 1


def test_turns_are_given_as_long_as_more_is_done_with_them_and_taken_back_when_they_are_in_the_way() -> None:
    from pocket.fastapi.lanes import Lanes, Pace

    pace = Pace(Lanes(40))
    for _ in range(20):
        pace.adjust(pace.turns / 100)  # each waits for its answers, and uses a hundredth of a processor
    assert pace.turns == 40
    for _ in range(16):
        pace.adjust(1.0)
    assert pace.turns == 1


def test_turns_that_get_nothing_more_done_are_taken_back_and_seldom_tried_again() -> None:
    from pocket.fastapi.lanes import Lanes, Pace

    pace = Pace(Lanes(40))
    given = []
    for _ in range(100):
        pace.adjust(0.6)  # others have the rest of the processor
        given.append(pace.turns)
    assert given[:2] == [2, 1]
    assert sum(given) <= 100 + 2


def test_a_lane_outlives_a_job_that_fails(database: str, caplog: pytest.LogCaptureFixture) -> None:
    from pocket.fastapi.lanes import Lane

    def fail() -> None:
        raise SystemExit

    lane = Lane("test-lane")
    done = threading.Event()
    lane.put(fail)
    lane.put(done.set)
    assert done.wait(10)
    lane.close()
    assert [record.getMessage() for record in caplog.records] == ["A job failed between two requests."]


def test_closed_lanes_have_ended_and_left_no_connection(database: str, books: Any) -> None:
    from django.db import connection
    from library.models import Book

    from pocket.fastapi.lanes import Lanes
    from pocket.fastapi.work import ThreadWork

    lanes = Lanes(2)
    used: list[Any] = []

    def count() -> int:
        used.append((connection.connection, threading.current_thread()))
        return Book.objects.count()

    async def main() -> int:
        async with ThreadWork(None, lanes) as work:
            await work.run(count)
            return await work.run(count)

    assert asyncio.run(main()) == 3
    wait_until(lambda: lanes.leased == 0, 10)
    lanes.close()
    (_, thread), (raw, _) = used
    assert not thread.is_alive()
    if database == "postgresql":
        assert raw.closed


@pytest.mark.parametrize(("path", "leased"), [("/books/", 0), ("/books/authors", 1)])
def test_a_slow_client_keeps_a_lane_only_where_the_request_may_need_it_again(
    database: str, books: Any, path: str, leased: int
) -> None:
    from pocket.fastapi import create_app
    from pocket.fastapi.lanes import LANES

    app = create_app()
    seen: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        seen.append(LANES.leased)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [],
        "app": app,
    }

    async def main() -> None:
        await app(scope, receive, send)

    with ServerClient(app) as client:
        wait_until(lambda: LANES.leased == 0, 10)
        client.run(main())
    assert seen == [leased, leased]
    wait_until(lambda: LANES.leased == 0, 10)
