"""Logs in Lambda: lines of JSON for a project that configures nothing, and each line once for one that does."""

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
"""To standard error: standard output belongs to the commands, and, on the local AWS, to the runtime's own protocol."""


def configure(lambdas_handlers: Sequence[logging.Handler]) -> None:
    """Completes, inside Lambda, what `django.setup()` made of LOGGING and LOGGING_CONFIG.

    A project that sets neither gets Pocket's LOGGING. What another project configured stays as it is;
    `lambdas_handlers`, which Lambda's runtime put on the root logger before, then write what nothing else writes.
    """
    if settings.LOGGING_CONFIG == global_settings.LOGGING_CONFIG and not settings.LOGGING:
        logging.config.dictConfig(LOGGING)
    else:
        for handler in lambdas_handlers:
            handler.addFilter(_is_unwritten)
    loggers.enable()


def _is_unwritten(record: logging.LogRecord) -> bool:
    """Whether no other handler writes `record` to a standard stream: Lambda's log has both of them."""
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
    except (AttributeError, OSError, ValueError):  # a stream in memory, or a closed one
        return False
    return to_log and record.levelno >= handler.level and bool(handler.filter(record))


_STANDARD_STREAMS = (1, 2)
