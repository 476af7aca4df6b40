"""What the application's user may do with the tables that another user owns: read and write data, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.django.configuration import source
from pocket.naming import IAM_ENGINE

if TYPE_CHECKING:
    from collections.abc import Iterator

_DATA, _NUMBERS = "SELECT, INSERT, UPDATE, DELETE", "USAGE, SELECT, UPDATE"
_ROLE = "SELECT 1 FROM pg_roles WHERE rolname = %s"
_UNGRANTED = """
SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
AND relowner = current_user::regrole AND NOT has_table_privilege(%s, oid, 'DELETE') LIMIT 1
"""


def user_of(connection: Any) -> str | None:
    """The user that the functions connect as, if another one migrates this database; None without one."""
    name = source.stage_name()
    if name is None or connection.settings_dict["ENGINE"] != IAM_ENGINE:
        return None
    database = source.stage(source.manifest()[0], name).database
    found = None if database is None else database.application_user
    return None if found == connection.settings_dict["USER"] else found


def missing(connection: Any) -> bool:
    """Whether the functions' user does not exist, or lacks rights on a table of this connection's user."""
    user = user_of(connection)
    if user is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute(_ROLE, [user])
        if cursor.fetchone() is None:
            return True
        cursor.execute(_UNGRANTED, [user])
        return cursor.fetchone() is not None


def grant(connection: Any) -> str | None:
    """Makes the functions' user if it is missing, and gives it rights on the data; returns it, None without one."""
    user = user_of(connection)
    if user is None:
        return None
    with connection.cursor() as cursor:
        for statement in _statements(connection, cursor, user):
            cursor.execute(statement)
    return user


def _statements(connection: Any, cursor: Any, user: str) -> Iterator[str]:
    """Later tables of the same owner get the same rights, since a command may make them without a migration."""
    role = connection.ops.quote_name(user)
    cursor.execute(_ROLE, [user])
    if cursor.fetchone() is None:
        yield f"CREATE ROLE {role} LOGIN"
    cursor.execute(_ROLE, ["rds_iam"])
    if cursor.fetchone() is not None:
        yield f"GRANT rds_iam TO {role}"
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    for rights, kind in ((_DATA, "TABLES"), (_NUMBERS, "SEQUENCES")):
        yield f"GRANT {rights} ON ALL {kind} IN SCHEMA public TO {role}"
        yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rights} ON {kind} TO {role}"
