"""Finds and reads the manifest."""

from __future__ import annotations

import os

from pocket.errors import ManifestError
from pocket.manifest import Manifest
from pocket.naming import MANIFEST_FILE, MANIFEST_KEY


def locate() -> str | None:
    """The path of the manifest: `POCKET_MANIFEST`, else in the artifact's root, else in the current directory.

    None without such a file. Raises ManifestError where the file in `POCKET_MANIFEST` does not exist.
    """
    named = os.environ.get(MANIFEST_KEY)
    if named:
        if os.path.isfile(named):  # noqa: PTH113 - importing pathlib takes longer than this function
            return named
        raise ManifestError(f"{MANIFEST_KEY} is {named}, which is not a file.", f"Correct or unset {MANIFEST_KEY}.")
    for directory in (os.environ.get("LAMBDA_TASK_ROOT"), os.getcwd()):  # noqa: PTH109
        if directory:
            path = os.path.join(directory, MANIFEST_FILE)  # noqa: PTH118
            if os.path.isfile(path):  # noqa: PTH113
                return path
    return None


_read: dict[str, tuple[tuple[int, int], Manifest]] = {}


def read(path: str) -> Manifest:
    """The manifest at `path`, parsed again only if the file has changed; raises ManifestError."""
    try:
        stat = os.stat(path)  # noqa: PTH116
        stamp = stat.st_mtime_ns, stat.st_size
        known = _read.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"The manifest {path} cannot be read: {error}.", "Deploy again.") from error
    manifest = Manifest.from_json(text)
    _read[path] = stamp, manifest
    return manifest
