"""`python -m pocket.django.collectstatic DIRECTORY`: the stage's static files, as the release serves them.

Runs in the project's folder with `POCKET_STAGE` set. The files go to DIRECTORY whatever the stage's storage is: with
hashed names and Django's map of them where the `staticfiles` storage has `manifest`, as they are where it has only
`static`, and not at all where the file declares no such storage.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from pocket.django.configuration import source
from pocket.naming import PLACEHOLDER_KEY


def collect(directory: Path) -> int:
    """Collects the static files of the stage into `directory` and returns how many files lie there.

    The folder is emptied first: what another release left would be served as this one's. Raises ImproperlyConfigured.
    """
    os.environ.setdefault(PLACEHOLDER_KEY, "1")
    import django
    from django.conf import settings
    from django.core.management import call_command

    tables, _, _ = source.tables()
    item = tables.storages.get("staticfiles")
    if item is None or not item.static:
        return 0
    directory.mkdir(parents=True, exist_ok=True)
    entry = settings.STORAGES.get("staticfiles", {})
    # Apps that ask for a file's address while they start get its plain one: there is no map yet.
    settings.STORAGES = _storages(directory, "django.contrib.staticfiles.storage.StaticFilesStorage")
    django.setup()
    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS:
        return 0
    from django.test import override_settings

    own = {"entry": entry, "hashed": item.manifest}
    with override_settings(STORAGES=_storages(directory, "pocket.django.static_storage.collecting", own)):
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    return sum(path.is_file() for path in directory.rglob("*"))


def _storages(directory: Path, backend: str, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """The project's STORAGES with static files in the folder."""
    from django.conf import settings

    place = {"location": str(directory), "base_url": settings.STATIC_URL or "/static/"}
    return {**settings.STORAGES, "staticfiles": {"BACKEND": backend, "OPTIONS": {**(options or {}), **place}}}


def main() -> int:
    """The command; its exit status."""
    if len(sys.argv) != 2:
        sys.stderr.write("Usage: python -m pocket.django.collectstatic DIRECTORY\n")
        return 2
    sys.path.insert(0, str(Path.cwd()))
    count = collect(Path(sys.argv[1]).resolve())
    sys.stderr.write(f"{count} static files\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
