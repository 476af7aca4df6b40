"""Pocket's loggers, which a project's LOGGING disables by default."""

from __future__ import annotations

import logging

NAMES = (
    "pocket.commands",
    "pocket.database",
    "pocket.fastapi",
    "pocket.http",
    "pocket.migrations",
    "pocket.queue",
    "pocket.secrets",
)


def enable() -> None:
    """Enables Pocket's loggers again; to be called after a project's logging is configured.

    `disable_existing_loggers`, true by default, disables existing loggers. Pocket's exist before `django.setup()`, and
    what they log is logged nowhere else.
    """
    for name in NAMES:
        logging.getLogger(name).disabled = False
