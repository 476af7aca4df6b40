"""Events that no gateway sends: damaged in some places, or anything at all."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st
from lambda_events import RequestSpec, event_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
FULL = RequestSpec(
    method="POST", path="/a", query="a=1", headers=(("x-a", "1"),), body=b"x", cookies=("a=1",), stage="dev"
)


@st.composite
def damaged(draw: st.DrawFn, form: str) -> dict[str, Any]:
    """An event of this format of which up to three parts are missing or something else."""
    event = copy.deepcopy(event_of(form, FULL))
    for _ in range(draw(st.integers(1, 3))):
        *trail, last = draw(st.sampled_from(_places(event)))
        target: Any = event
        for key in trail:
            target = target[key]
        if draw(st.booleans()):
            target[last] = draw(JSON)
        else:
            del target[last]
        if not _places(event):
            break
    return event


def _places(value: Any, trail: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [trail] if trail else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += _places(inner, (*trail, key))
    return found
