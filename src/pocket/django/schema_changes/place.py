"""The database of a connection as readable text without a password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def described(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """`kind`, `name` and `host` of the database; `host` has the port, if there is one, and is empty for a file."""
    if connection.vendor == "postgresql" and connection.connection is not None:
        # The settings may leave these to a connection string, a service file or libpq's variables.
        info: Any = connection.connection.info
        return {"kind": connection.display_name, "name": info.dbname, "host": f"{info.host}:{info.port}"}
    entry = connection.settings_dict
    name = str(entry["NAME"] or "")
    # libpq accepts a connection string, with a password, as the name.
    if connection.vendor == "postgresql" and ("://" in name or "=" in name):
        name = "(a connection string)"
    host = ":".join(str(entry[key]) for key in ("HOST", "PORT") if entry.get(key))
    return {"kind": connection.display_name, "name": name, "host": host}


def in_words(connection: BaseDatabaseWrapper) -> str:
    """For instance "PostgreSQL shop at db.example.com:5432". Connects."""
    connection.ensure_connection()
    found = described(connection)
    return f"{found['kind']} {found['name']}" + (f" at {found['host']}" if found["host"] else "")
