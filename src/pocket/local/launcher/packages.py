"""Unpacked deployment packages: one read-only folder for each different zip, shared by the workers that run it."""

from __future__ import annotations

import hashlib
import io
import shutil
import stat
import threading
import zipfile
from pathlib import Path


class Packages:
    """Folders under `root`, each removed once the last worker that took it has given it back."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._users: dict[Path, int] = {}
        self._lock = threading.Lock()

    def take(self, package: bytes) -> Path:
        """The folder that holds what the zip `package` holds; give it back with `give_back`."""
        folder = self._root / hashlib.sha256(package).hexdigest()[:32]
        with self._lock:
            if folder not in self._users:
                try:
                    unpack(package, folder)
                except BaseException:
                    remove_tree(folder)
                    raise
            self._users[folder] = self._users.get(folder, 0) + 1
        return folder

    def give_back(self, folder: Path) -> None:
        """Remove the folder if nobody else uses it."""
        with self._lock:
            self._users[folder] -= 1
            if not self._users[folder]:
                del self._users[folder]
                remove_tree(folder)


def unpack(package: bytes, folder: Path) -> None:
    """Extract with the modes that the zip records, without write permission: /var/task cannot be written on AWS."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, folder))
            if not entry.is_dir():
                path.chmod((stat.S_IMODE(entry.external_attr >> 16) | 0o444) & 0o555)
    for directory in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        directory.chmod(0o555)


def remove_tree(folder: Path) -> None:
    """Remove a folder whose directories may not be writable; what is missing already is no error."""
    if not folder.exists():
        return
    for directory in [folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())]:
        directory.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
