"""PostgreSQL on RDS with IAM: each new connection signs a token of its own, and checks the server's certificate.

A cluster that has scaled to zero takes seconds to wake up, so a connection is tried again until it answers.
"""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.postgresql import base

from pocket.django.configuration import source
from pocket.errors import PocketError
from pocket.naming import DATABASE_SLEEPS
from pocket.runtime import rds

logger = logging.getLogger("pocket.database")

WAKE_SECONDS = 25.0
"""How long connections are tried while a server wakes up: less than an API waits for a response."""

RESERVE = 5.0
"""Seconds of a function's timeout that are left for the work after the connection."""

PAUSE = 0.5

SHORTEST = 2
"""Seconds of the shortest attempt: libpq takes no shorter `connect_timeout`."""

_WAKING = ("timeout expired", "connection timeout", "starting up", "Connection refused", "closed the connection")
"""libpq's and psycopg's messages for a server that does not answer yet; they have no SQLSTATE."""


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose password is a token."""

    def __init__(self, settings_dict: dict[str, Any], alias: str = DEFAULT_DB_ALIAS) -> None:
        super().__init__(settings_dict, alias)
        options = settings_dict["OPTIONS"]
        if options.get("pool"):
            given = {} if options["pool"] is True else options["pool"]
            kind = given.get("connection_class", self.Database.Connection)
            # The pool keeps the parameters of its first connection, and so the token of that.
            options["pool"] = {**given, "connection_class": _with_token(kind)}

    def get_connection_params(self) -> dict[str, Any]:
        entry = self.settings_dict
        params: dict[str, Any] = super().get_connection_params()
        if params.setdefault("sslmode", "verify-full") == "verify-full":
            params.setdefault("sslrootcert", rds.roots(entry["HOST"]))
        params["password"] = _token(entry["HOST"], entry["PORT"], entry["USER"])
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        ends, is_logged = time.monotonic() + wake_seconds(), False
        given = int(conn_params.get("connect_timeout") or 0)
        while True:
            left = max(SHORTEST, int(ends - time.monotonic()))
            try:
                return super().get_new_connection({**conn_params, "connect_timeout": min(left, given or left)})
            except self.Database.OperationalError as error:
                if not _is_waking(error) or time.monotonic() + PAUSE + SHORTEST > ends:
                    raise
                if not is_logged:
                    logger.warning("The database %s %s.", self.alias, DATABASE_SLEEPS)
                    is_logged = True
                time.sleep(PAUSE)


def _token(host: str, port: str | int | None, user: str) -> str:
    return rds.token(host, int(port or 5432), user, region=rds.region_of(host))


def _with_token(kind: Any) -> Any:
    """A class of connections, derived from `kind`, each of which signs a token when it is opened."""
    if getattr(kind, "signs_tokens", False):
        return kind

    class TokenConnection(kind):  # type: ignore[misc]  # the base is the driver's, or the project's own
        signs_tokens = True

        @classmethod
        def connect(cls, conninfo: str = "", **given: Any) -> Any:
            password = _token(given["host"], given.get("port"), given["user"])
            return super().connect(conninfo, **{**given, "password": password})

    return TokenConnection


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
