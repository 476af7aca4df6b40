"""PostgreSQL on RDS with IAM: each new connection signs a token of its own, and checks the server's certificate.

A cluster that has scaled to zero takes seconds to wake up, so a connection is tried again until it answers.
"""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.postgresql import base

from pocket.django.configuration import source
from pocket.errors import PocketError
from pocket.runtime import rds

logger = logging.getLogger("pocket.database")

WAKE_SECONDS = 25.0
"""How long connections are tried while a server wakes up: less than an API waits for a response."""

RESERVE = 5.0
"""Seconds of a function's timeout that are left for the work after the connection."""

PAUSE = 0.5

_WAKING = ("timeout expired", "connection timeout", "starting up", "Connection refused", "closed the connection")
"""libpq's and psycopg's messages for a server that does not answer yet; they have no SQLSTATE."""


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose password is a token."""

    def __init__(self, settings_dict: dict[str, Any], alias: str = DEFAULT_DB_ALIAS) -> None:
        super().__init__(settings_dict, alias)
        if settings_dict["OPTIONS"].get("pool"):
            raise ImproperlyConfigured(
                f"DATABASES[{alias!r}] has a pool, which keeps one token; a token is valid for"
                f" {rds.SECONDS // 60} minutes. Remove the option pool, and set CONN_MAX_AGE instead."
            )

    def get_connection_params(self) -> dict[str, Any]:
        entry = self.settings_dict
        params: dict[str, Any] = super().get_connection_params()
        region = rds.region_of(entry["HOST"])
        if params.setdefault("sslmode", "verify-full") == "verify-full":
            params.setdefault("sslrootcert", rds.roots(entry["HOST"]))
        params["password"] = rds.token(entry["HOST"], int(entry["PORT"] or 5432), entry["USER"], region=region)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        started, is_logged = time.monotonic(), False
        while True:
            try:
                return super().get_new_connection(conn_params)
            except self.Database.OperationalError as error:
                waited = time.monotonic() - started
                if not _is_waking(error) or waited + PAUSE > wake_seconds():
                    raise
                if not is_logged:
                    logger.warning("The database %s does not answer yet; it may be waking up.", self.alias)
                    is_logged = True
                time.sleep(PAUSE)


def wake_seconds() -> float:
    """How long to wait for a server, by the timeout of the function that this process is."""
    name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    stage_name = source.stage_name()
    try:
        stage = source.stage(source.manifest()[0], stage_name) if stage_name else None
    except PocketError:
        stage = None
    if stage is None:
        return WAKE_SECONDS
    timeouts = [
        handler.timeout
        for handler_name, handler in stage.handlers.items()
        if name == f"{stage.stack_name}-{handler_name}"
    ]
    return min([WAKE_SECONDS, *(max(timeout - RESERVE, 0.0) for timeout in timeouts)])


def _is_waking(error: Exception) -> bool:
    return any(message in str(error) for message in _WAKING)
