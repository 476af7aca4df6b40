"""Whether this function is behind the stage's CloudFront distribution, and its handler then."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pocket.django.configuration import source
from pocket.django.configuration.errors import SetupFailed
from pocket.naming import ORIGIN_SECRET
from pocket.runtime import cdn

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[Any, Any], Any]


def is_behind_cdn() -> bool:
    """Whether the stage's distribution is in front of this function."""
    name = source.stage_name()
    return name is not None and cdn.is_behind(source.stage(source.manifest()[0], name))


def behind_cdn(handler: Handler) -> Handler:
    """`handler`, which then accepts only what the stage's distribution sends, if there is one.

    Raises SetupFailed where the settings did not read the stage's secrets: every request would get a 403.
    """
    if not is_behind_cdn():
        return handler
    if not os.environ.get(ORIGIN_SECRET):
        raise SetupFailed(
            f"The stage has a distribution, but {ORIGIN_SECRET} is not set, by which the function recognizes it.",
            "Call pocket.django.runtime.set_envs() in the settings module.",
        )
    return cdn.guarded(handler)
