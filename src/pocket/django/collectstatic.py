"""`python -m pocket.django.collectstatic DIRECTORY`: collects the stage's static files for a release.

Runs in the project's folder with `POCKET_STAGE` set, and writes to DIRECTORY whatever the stage's storage is. If the
`staticfiles` storage in pocket.toml has `manifest`, the names are hashed and Django's map is written; if it has only
`static`, the names are kept; without such a storage nothing is collected.

With `--repeat` it does so at once, and again for each line of its standard input, without setting Django up again:
`pocket local --watch` collects what is saved. Standard output has the exit status of each time on a line, and
nothing else.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pocket.django.configuration import source
from pocket.naming import PLACEHOLDER_KEY

if TYPE_CHECKING:
    from collections.abc import Callable


def collect(directory: Path) -> int:
    """Collects the static files of the stage into `directory`; returns the number of files.

    Of what is in the folder, only copies of unchanged files stay. Raises ImproperlyConfigured.
    """
    return prepare(directory)()


def prepare(directory: Path) -> Callable[[], int]:
    """Sets Django up, and returns what collects as `collect` does, once in a process. Raises ImproperlyConfigured."""
    os.environ.setdefault(PLACEHOLDER_KEY, "1")
    import django
    from django.conf import settings
    from django.core.management import call_command

    from pocket.django.collected import Collected

    tables, _, _ = source.tables()
    item = tables.storages.get("staticfiles")
    if item is None or not item.static:
        return lambda: _nothing(directory)
    hashed = item.manifest
    entry = settings.STORAGES.get("staticfiles", {})
    # Apps that need a file's URL at start-up get that of the plain name: there is no map yet.
    settings.STORAGES = _storages(directory, "django.contrib.staticfiles.storage.StaticFilesStorage")
    django.setup()
    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS:
        return lambda: _nothing(directory)
    from django.contrib.staticfiles.management.commands.collectstatic import Command
    from django.test import override_settings

    def run() -> int:
        directory.mkdir(parents=True, exist_ok=True)
        collected = Collected(directory)
        own = {"entry": entry, "hashed": hashed, "collected": collected}
        with override_settings(STORAGES=_storages(directory, "pocket.django.static_storage.collecting", own)):
            # Django's own: a package's command, such as collectfasta's, expects a storage elsewhere.
            call_command(Command(), interactive=False, verbosity=0)
        return collected.finish()

    return run


def _nothing(directory: Path) -> int:
    from pocket.django.collected import Collected

    Collected(directory).clear()
    return 0


def repeat(run: Callable[[], int], statuses: TextIO) -> None:
    """Runs `run` at once, and for each line of standard input, in a fork each time; writes each exit status."""
    while True:
        child = os.fork()
        if not child:
            status = 1
            try:
                run()
                status = 0
            except Exception:  # noqa: BLE001 - the project's storage may raise anything
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        statuses.write(f"{status}\n")
        statuses.flush()
        if not sys.stdin.readline():
            return


def _storages(directory: Path, backend: str, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """The project's STORAGES with static files in `directory`."""
    from django.conf import settings

    place = {"location": str(directory), "base_url": settings.STATIC_URL or "/static/"}
    return {**settings.STORAGES, "staticfiles": {"BACKEND": backend, "OPTIONS": {**(options or {}), **place}}}


def main() -> int:
    """Runs the command; returns its exit status."""
    if len(sys.argv) < 2 or sys.argv[2:] not in ([], ["--repeat"]):
        sys.stderr.write("Usage: python -m pocket.django.collectstatic DIRECTORY [--repeat]\n")
        return 2
    sys.path.insert(0, str(Path.cwd()))
    directory = Path(sys.argv[1]).resolve()
    if sys.argv[2:]:
        # What the project prints goes to standard error.
        statuses = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        repeat(prepare(directory), statuses)
        return 0
    count = collect(directory)
    sys.stderr.write(f"{count} static files\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
