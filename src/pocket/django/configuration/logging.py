"""Logging in Lambda: JSON for a project without LOGGING, and no duplicate lines for a project with it."""

from __future__ import annotations

import logging
import logging.config
from typing import TYPE_CHECKING, Any

from django.conf import global_settings, settings

from pocket.runtime import loggers

if TYPE_CHECKING:
    from collections.abc import Sequence

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
"""To standard error, since standard output is for commands and, on the local AWS, for the runtime's protocol."""


def configure(lambdas_handlers: Sequence[logging.Handler]) -> None:
    """Completes the logging configuration after `django.setup()` in Lambda.

    A project without LOGGING and LOGGING_CONFIG gets Pocket's LOGGING. Any other configuration is kept;
    `lambdas_handlers`, which Lambda's runtime added to the root logger, then write only what no other handler writes.
    """
    if settings.LOGGING_CONFIG == global_settings.LOGGING_CONFIG and not settings.LOGGING:
        logging.config.dictConfig(LOGGING)
    else:
        for handler in lambdas_handlers:
            handler.addFilter(_is_unwritten)
    loggers.enable()


def _is_unwritten(record: logging.LogRecord) -> bool:
    """Whether no other handler writes `record` to a standard stream, both of which are in Lambda's log."""
    logger: logging.Logger | None = logging.getLogger(record.name)
    while logger is not None:
        if any(_writes(handler, record) for handler in logger.handlers):
            return False
        logger = logger.parent if logger.propagate else None
    return True


def _writes(handler: logging.Handler, record: logging.LogRecord) -> bool:
    if not isinstance(handler, logging.StreamHandler) or _is_unwritten in handler.filters:
        return False
    try:
        to_log = handler.stream.fileno() in _STANDARD_STREAMS
    except (AttributeError, OSError, ValueError):  # a stream in memory, or a closed stream
        return False
    return to_log and record.levelno >= handler.level and bool(handler.filter(record))


_STANDARD_STREAMS = (1, 2)
