"""`python -m pocket.django.schema_changes.report NAME...`: the project's migrations except these, as JSON.

Runs in a copy of the project, with the environment for its settings, and connects to no database.
"""

from __future__ import annotations

import json
import sys

from pocket.django import origin


def main() -> None:
    """Writes the list of `migration_list.beyond`."""
    with origin.answering() as answer:
        from django.db import connections

        from pocket.django.schema_changes import migration_list

        json.dump(migration_list.beyond(connections["default"], sys.argv[1:], connects=False), answer)


if __name__ == "__main__":
    main()
