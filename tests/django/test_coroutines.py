"""Context variables across the bridge: those that a coroutine sets stay set, no others change."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from contextvars import ContextVar, copy_context
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from hypothesis import given
from hypothesis import strategies as st

from pocket.django.http import coroutines
from pocket.django.http.coroutines import Bridge


class Equal:
    """Equal to everything, so that only identity distinguishes two."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True


class Incomparable:
    """Cannot be compared."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise AssertionError("A context variable's value was compared.")


VARIABLES = [ContextVar[Any](f"variable{number}") for number in range(40)]
VALUES: list[Any] = [Equal(), Equal(), Incomparable(), Incomparable(), None, 0]


@pytest.fixture(scope="module")
def bridge() -> Iterator[Bridge]:
    bridge = Bridge()
    yield bridge
    bridge.loop.close()


def run(bridge: Bridge, coroutine: Coroutine[Any, Any, Any]) -> Any:
    return bridge.synchronous(lambda: coroutine, SimpleNamespace(time_limit=None))()


places = st.dictionaries(st.sampled_from(range(len(VARIABLES))), st.sampled_from(range(len(VALUES))))


@given(before=places, inside=places)
def test_each_variable_has_the_value_that_the_coroutine_set(
    bridge: Bridge, before: dict[int, int], inside: dict[int, int]
) -> None:
    async def work() -> None:
        for place, value in inside.items():
            VARIABLES[place].set(VALUES[value])

    def invocation() -> None:
        for place, value in before.items():
            VARIABLES[place].set(VALUES[value])
        run(bridge, work())
        after = {place: variable.get("unset") for place, variable in enumerate(VARIABLES)}
        expected = {**dict.fromkeys(range(len(VARIABLES)), "unset")}
        expected |= {place: VALUES[value] for place, value in (before | inside).items()}
        assert all(after[place] is expected[place] for place in expected)

    copy_context().run(invocation)


def test_reset_variables_are_reset(bridge: Bridge) -> None:
    variable = VARIABLES[0]
    unset = VARIABLES[1]

    async def work() -> None:
        for each in (variable, unset):
            each.reset(each.set("inside"))

    def invocation() -> None:
        variable.set("before")
        run(bridge, work())
        assert (variable.get(), unset.get("unset")) == ("before", "unset")

    copy_context().run(invocation)


def test_variables_stay_set_after_an_exception(bridge: Bridge) -> None:
    async def work() -> None:
        VARIABLES[0].set("inside")
        raise LookupError

    def invocation() -> None:
        with pytest.raises(LookupError):
            run(bridge, work())
        assert VARIABLES[0].get() == "inside"

    copy_context().run(invocation)


def test_no_variable_is_compared_where_none_is_set(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Any] = []
    monkeypatch.setattr(coroutines, "_take_over", looked.append)

    async def work(value: object) -> object:
        if value:
            VARIABLES[0].set(value)
        return VARIABLES[1].get("unset")

    def invocation() -> None:
        VARIABLES[1].set(VALUES[2])
        assert run(bridge, work(None)) is VALUES[2]
        assert not looked
        run(bridge, work("something"))
        assert len(looked) == 1

    copy_context().run(invocation)


def test_synchronous_code_after_a_coroutine_does_not_wait_for_the_paused_loop(bridge: Bridge) -> None:
    async def seven() -> int:
        return 7

    async def work() -> int:
        # From here on asgiref uses the bridge's loop for this thread's synchronous code.
        return await sync_to_async(async_to_sync(seven))()

    assert run(bridge, work()) == 7
    assert async_to_sync(seven)() == 7
    assert run(bridge, work()) == 7
