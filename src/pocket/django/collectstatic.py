"""`python -m pocket.django.collectstatic DIRECTORY`: collects the stage's static files for a release.

Runs in the project's folder with `POCKET_STAGE` set, and writes to DIRECTORY whatever the stage's storage is. If the
`staticfiles` storage in pocket.toml has `manifest`, the names are hashed and Django's map is written; if it has only
`static`, the names are kept; without such a storage nothing is collected.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from pocket.django.configuration import source
from pocket.naming import PLACEHOLDER_KEY


def collect(directory: Path) -> int:
    """Collects the static files of the stage into `directory`; returns the number of files.

    Of what is in the folder, only copies of unchanged files stay. Raises ImproperlyConfigured.
    """
    os.environ.setdefault(PLACEHOLDER_KEY, "1")
    import django
    from django.conf import settings
    from django.core.management import call_command

    from pocket.django.collected import Collected

    collected = Collected(directory)
    tables, _, _ = source.tables()
    item = tables.storages.get("staticfiles")
    if item is None or not item.static:
        collected.clear()
        return 0
    entry = settings.STORAGES.get("staticfiles", {})
    # Apps that need a file's URL at start-up get that of the plain name: there is no map yet.
    settings.STORAGES = _storages(directory, "django.contrib.staticfiles.storage.StaticFilesStorage")
    django.setup()
    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS:
        collected.clear()
        return 0
    from django.contrib.staticfiles.management.commands.collectstatic import Command
    from django.test import override_settings

    directory.mkdir(parents=True, exist_ok=True)
    own = {"entry": entry, "hashed": item.manifest, "collected": collected}
    with override_settings(STORAGES=_storages(directory, "pocket.django.static_storage.collecting", own)):
        # Django's own: a package's command, such as collectfasta's, expects a storage elsewhere.
        call_command(Command(), interactive=False, verbosity=0)
    return collected.finish()


def _storages(directory: Path, backend: str, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """The project's STORAGES with static files in `directory`."""
    from django.conf import settings

    place = {"location": str(directory), "base_url": settings.STATIC_URL or "/static/"}
    return {**settings.STORAGES, "staticfiles": {"BACKEND": backend, "OPTIONS": {**(options or {}), **place}}}


def main() -> int:
    """Runs the command; returns its exit status."""
    if len(sys.argv) != 2:
        sys.stderr.write("Usage: python -m pocket.django.collectstatic DIRECTORY\n")
        return 2
    sys.path.insert(0, str(Path.cwd()))
    count = collect(Path(sys.argv[1]).resolve())
    sys.stderr.write(f"{count} static files\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
