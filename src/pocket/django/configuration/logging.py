"""Logs as lines of JSON, for as long as the project sets no LOGGING of its own."""

from __future__ import annotations

import logging.config
from typing import Any

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "pocket.runtime.json_logs.JsonFormatter"}},
    "handlers": {"lambda": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["lambda"], "level": "INFO"},
    "loggers": {
        "django": {"level": "INFO"},
        "django.server": {"handlers": [], "propagate": True},
    },
}
"""To standard error: standard output belongs to the commands, and, on the local AWS, to the runtime's own protocol."""


def configure(settings: dict[str, Any] | None) -> None:
    """Django's LOGGING_CONFIG: applies the project's LOGGING as it stands, Pocket's where the project has none."""
    logging.config.dictConfig(settings or LOGGING)
