"""The backend of a development server: each task runs in a thread of this process, and results are in its memory."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import Any

from django.db import close_old_connections, transaction
from django.utils.crypto import get_random_string

from pocket.django.tasks import framework, results

KEPT = 1000
"""The number of results in memory; older ones are dropped."""

_base: Any = framework.part("backends.base")


class ThreadBackend(_base.BaseTaskBackend):  # type: ignore[misc]  # its class depends on what is installed
    """Runs tasks one after another in a background thread.

    OPTIONS: `enqueue_on_commit` lets a task begin when the open transaction is committed. A task whose `run_after` lies
    ahead waits for it, until the process ends.
    """

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self.worker_id = get_random_string(32)
        self._lock = threading.Lock()
        self._results: dict[str, Any] = {}

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Starts the task and returns its result, which changes as the task runs."""
        self.validate_task(task)
        result = results.new(task, get_random_string(32), args, kwargs, self.alias)
        self._results[result.id] = result
        while len(self._results) > KEPT:
            self._results.pop(next(iter(self._results)))
        results.enqueued(self, result)
        if self.options.get("enqueue_on_commit"):
            transaction.on_commit(partial(self._start, result))
        else:
            self._start(result)
        return result

    def get_result(self, result_id: str) -> Any:
        """The result of a task of this process; raises TaskResultDoesNotExist."""
        try:
            return self._results[result_id]
        except KeyError:
            raise framework.part("exceptions").TaskResultDoesNotExist(result_id) from None

    def _start(self, result: Any) -> None:
        # threading's longest wait; the process does not live that long.
        seconds = min(results.seconds_until(result.task.run_after), threading.TIMEOUT_MAX)
        thread = threading.Timer(seconds, self._run, (result,))
        thread.daemon = True
        thread.start()

    def _run(self, result: Any) -> None:
        with self._lock:
            results.begin(self, result, self.worker_id)
            close_old_connections()
            try:
                value = results.normalized(results.call(result))
            except BaseException as error:  # noqa: BLE001 - whatever ends a task is its end; the signal logs it
                results.end(self, result, error=error)
            else:
                results.end(self, result, value=value)
            finally:
                with suppress(Exception):
                    close_old_connections()
