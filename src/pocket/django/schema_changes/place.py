"""Which database a connection goes to, in words that a person recognises and that hold no password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def described(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """`kind`, `name` and `host` of the database; `host` has the port where one is set, and is empty for a file."""
    if connection.vendor == "postgresql" and connection.connection is not None:
        # Whatever the settings leave to a connection string, a service file or libpq's variables.
        info: Any = connection.connection.info
        return {"kind": connection.display_name, "name": info.dbname, "host": f"{info.host}:{info.port}"}
    entry = connection.settings_dict
    name = str(entry["NAME"] or "")
    # libpq takes a connection string in the name's place, password and all.
    if connection.vendor == "postgresql" and ("://" in name or "=" in name):
        name = "(a connection string)"
    host = ":".join(str(entry[key]) for key in ("HOST", "PORT") if entry.get(key))
    return {"kind": connection.display_name, "name": name, "host": host}


def in_words(connection: BaseDatabaseWrapper) -> str:
    """For instance "PostgreSQL shop at db.example.com:5432". Connects."""
    connection.ensure_connection()
    found = described(connection)
    return f"{found['kind']} {found['name']}" + (f" at {found['host']}" if found["host"] else "")
