"""Pocket's own loggers, which a project's LOGGING switches off unless it says otherwise."""

from __future__ import annotations

import logging

NAMES = ("pocket.commands", "pocket.fastapi", "pocket.http", "pocket.queue", "pocket.secrets")


def enable() -> None:
    """Switches Pocket's loggers on again; to be called once a project's logging is configured.

    `disable_existing_loggers`, which is true by default, switches off every logger that was made before. Pocket's are
    made before `django.setup()`, and what they tell is told nowhere else.
    """
    for name in NAMES:
        logging.getLogger(name).disabled = False
