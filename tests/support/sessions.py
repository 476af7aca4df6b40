"""What requests to an API leave behind: Django's signals, opened connections, busy threads."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """How often each signal of requests was sent, and how many connections were opened."""
    from django.core.signals import request_finished, request_started
    from django.db.backends.signals import connection_created

    numbers: Counter[str] = Counter()
    signals = {"started": request_started, "finished": request_finished, "opened": connection_created}
    receivers = {name: lambda name=name, **_: numbers.update([name]) for name in signals}
    for name, signal in signals.items():
        signal.connect(receivers[name], weak=False)
    yield numbers
    for name, signal in signals.items():
        signal.disconnect(receivers[name])


def settled() -> None:
    """Returns when no thread of the API's works any more: what a request ends with comes after its answer."""
    from pocket.django.orm.threads import ASIDE, POOL

    deadline = time.monotonic() + 10
    while POOL.busy + ASIDE.busy:
        assert time.monotonic() < deadline, "a thread is still in use"
        time.sleep(0.001)
