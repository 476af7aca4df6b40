"""Where a copy of a project lies: in a folder with nothing of the project above it.

Libraries that read `.env` files look for them in the folder of the settings module and in every folder above it, so
that a copy below the project would find the laptop's.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from pocket.errors import PocketError

_SEARCHED_UPWARD = (".env", "settings.ini", "settings.toml", ".secrets.toml")
"""What python-dotenv, python-decouple, environs and dynaconf look for in the folders above a settings module."""

_LASTING = "/var/tmp"  # noqa: S108 - only a folder of the user's own is used in it


def outside(project: Path, *places: str) -> Path:
    """The first temporary folder, of `places` before the system's own, that a copy of `project` may lie in.

    It is neither the project's folder nor below it, and neither it nor a folder above it holds what libraries search
    for. Raises PocketError where there is none.
    """
    for place in (*places, *_temporary_folders()):
        folder = Path(place).resolve()
        above = (folder, *folder.parents)
        searched = any((parent / name).is_file() for parent in above for name in _SEARCHED_UPWARD)
        if not searched and os.access(folder, os.W_OK | os.X_OK) and project.resolve() not in above:
            return folder
    raise PocketError(
        f"No temporary folder can hold a copy of {project}: each is in the project, cannot be written, or has a file"
        f" such as {_SEARCHED_UPWARD[0]} in it or above it.",
        "Set TMPDIR to a folder outside of the project that can be written.",
    )


def lasting_folder(project: Path) -> Path:
    """The user's own folder for what is unpacked of `project` and kept between runs; it may not exist yet.

    It lies below /var/tmp where that can be used. Raises PocketError as `outside` does, and where the folder belongs to
    another user.
    """
    own = outside(project, _LASTING) / f"pocket-{os.getuid()}"
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        facts = own.lstat()
    except OSError as error:
        raise PocketError(f"{own} cannot be made: {error.strerror}.", "Set TMPDIR to another folder.") from error
    if facts.st_uid != os.getuid() or facts.st_mode & 0o077 or own.is_symlink():
        raise PocketError(f"{own} is not a folder of yours alone.", f"Remove it, or: chmod 700 {own}")
    return own / hashlib.sha256(str(project.resolve()).encode()).hexdigest()[:16]


def _temporary_folders() -> tuple[str, ...]:
    try:
        return (tempfile.gettempdir(), "/tmp", _LASTING)  # noqa: S108 - a folder with a random name is made in it
    except FileNotFoundError:
        return ()
