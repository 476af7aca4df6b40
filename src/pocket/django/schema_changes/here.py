"""`python -m pocket.django.schema_changes.here`: `migrate` under Pocket's lock, without a function's time limit.

Runs in the project's folder, with the environment for its settings and the URL of the owner of the tables.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Migrates the default database; returns the exit status."""
    import django
    from django.core.management import get_commands, load_command_class
    from django.core.management.base import CommandError

    from pocket.django.schema_changes.migrate_command import migrate

    django.setup()
    command = load_command_class(get_commands()["migrate"], "migrate")
    try:
        migrate(command, ["--noinput"], {}, None)
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return error.returncode
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
