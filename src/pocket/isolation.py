"""The place for a copy of a project: a folder outside the project.

Libraries that read `.env` files search the settings module's folder and every folder above it. A copy inside the
project would therefore find the laptop's file.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from pocket.errors import PocketError

_SEARCHED_UPWARD = (".env", "settings.ini", "settings.toml", ".secrets.toml")
"""The files that python-dotenv, python-decouple, environs and dynaconf search for above a settings module."""

_LASTING = "/var/tmp"  # noqa: S108 - only the user's own folder in it is used


def outside(project: Path, *places: str) -> Path:
    """The first folder of `places`, then of the system's temporary folders, that can hold a copy of `project`.

    It is outside the project, and neither it nor a folder above it has a file that libraries search for. Raises
    PocketError if there is no such folder.
    """
    for place in (*places, *_temporary_folders()):
        folder = Path(place).resolve()
        above = (folder, *folder.parents)
        searched = any((parent / name).is_file() for parent in above for name in _SEARCHED_UPWARD)
        if not searched and os.access(folder, os.W_OK | os.X_OK) and project.resolve() not in above:
            return folder
    raise PocketError(
        f"No temporary folder can hold a copy of {project}: each is in the project, is not writable, or has a file"
        f" such as {_SEARCHED_UPWARD[0]} in it or above it.",
        "Set TMPDIR to a writable folder outside the project.",
    )


def lasting_folder(project: Path) -> Path:
    """The user's own folder for unpacked files of `project` that are kept between runs; it may not exist yet.

    It is below /var/tmp if possible. Raises PocketError as `outside`, and if the folder belongs to another user.
    """
    own = outside(project, _LASTING) / f"pocket-{os.getuid()}"
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        facts = own.lstat()
    except OSError as error:
        raise PocketError(f"{own} cannot be created: {error.strerror}.", "Set TMPDIR to another folder.") from error
    if facts.st_uid != os.getuid() or facts.st_mode & 0o077 or own.is_symlink():
        raise PocketError(f"Other users can access {own}.", f"Remove it, or: chmod 700 {own}")
    return own / hashlib.sha256(str(project.resolve()).encode()).hexdigest()[:16]


def _temporary_folders() -> tuple[str, ...]:
    try:
        return (tempfile.gettempdir(), "/tmp", _LASTING)  # noqa: S108 - a folder with a random name is created in it
    except FileNotFoundError:
        return ()
