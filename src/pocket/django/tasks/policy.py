"""How often a job is tried, and when again."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])

DEFAULT_BACKOFF = 10.0
LONGEST_BACKOFF = 3600.0
_ATTRIBUTE = "pocket_retries"


class Policy(NamedTuple):
    """`attempts` is None for as many as the queue allows; `backoff` in seconds; errors in `never` end the job."""

    attempts: int | None = None
    backoff: float = DEFAULT_BACKOFF
    never: tuple[type[BaseException], ...] = ()

    def pause(self, attempt: int) -> int:
        """Whole seconds to wait after the attempt of that number, which counts from one: doubled each time.

        Up to a fifth longer, so that jobs that failed together do not run together again.
        """
        doubled: float = min(self.backoff * 2 ** min(attempt - 1, 32), LONGEST_BACKOFF)
        return round(doubled * random.uniform(1, 1.2))  # noqa: S311 - no secret


def retries(
    *,
    attempts: int | None = None,
    backoff: float = DEFAULT_BACKOFF,
    never: type[BaseException] | tuple[type[BaseException], ...] = (),
) -> Callable[[Function], Function]:
    """A decorator for a task's function, below `@task`: how often it is tried, and when again.

    `attempts` counts the first one; None is the queue's `dead_letter_max_receive_count`, which is also the most.
    `backoff` is the pause in seconds before the second attempt; each further pause is twice as long, at most an hour.
    An error of a class in `never` ends the task at once. Raises ValueError or TypeError for other values.
    """
    if attempts is not None and (type(attempts) is not int or attempts < 1):
        raise ValueError(f"attempts is a whole number of at least 1, or None; got {attempts!r}.")
    if not 0 <= backoff <= LONGEST_BACKOFF:
        raise ValueError(f"backoff is between 0 and {LONGEST_BACKOFF:.0f} seconds; got {backoff!r}.")
    given: tuple[Any, ...] = never if isinstance(never, tuple) else (never,)
    if not all(isinstance(item, type) and issubclass(item, BaseException) for item in given):
        raise TypeError(f"never is a class of exceptions, or a tuple of such classes; got {never!r}.")
    policy = Policy(attempts, float(backoff), given)

    def decorate(function: Function) -> Function:
        if hasattr(function, "func"):
            raise TypeError("@retries belongs below @task: it decorates the function, not the task.")
        setattr(function, _ATTRIBUTE, policy)
        return function

    return decorate


def policy_of(function: object) -> Policy:
    """The policy of a task's function."""
    found: Policy = getattr(function, _ATTRIBUTE, Policy())
    return found
