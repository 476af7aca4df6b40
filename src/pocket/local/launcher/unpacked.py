"""Unpacked deployment packages: one read-only folder for each different zip, shared by the workers that run it.

Folders are kept over restarts, since unpacking thousands of files takes as long as the rest of a cold start. For the
same reason, files that a package has in common with the previous one are linked instead of unpacked.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import stat
import subprocess
import threading
import uuid
import zipfile
from pathlib import Path, PurePosixPath

Index = dict[str, tuple[int, int, int]]

_POINTS_OUT = re.compile(r"^/|(?:^|/)\.\.?(?:/|$)|//|/$").search
"""A name that is not plainly a file below the folder."""

KEPT = 3
"""How many unused packages stay unpacked."""


class Packages:
    """Folders under `root`, named after their zip's hash; `temporary` has incomplete ones and those to remove."""

    def __init__(self, root: Path, temporary: Path) -> None:
        self._root = root
        self._temporary = temporary
        self._record = root.with_name(f"{root.name}.json")
        self._users: dict[Path, int] = {}
        self._newest = self._recorded()
        self._lock = threading.Lock()
        remove_tree(temporary)
        for folder in (root, temporary):
            folder.mkdir(parents=True, exist_ok=True)

    def take(self, package: bytes, digest: str = "") -> Path:
        """The folder with the content of the zip `package`; return it with `give_back`.

        `digest` is its SHA-256, if that is known: to hash it takes longer than to find the folder.
        """
        folder = self._root / (digest or hashlib.sha256(package).hexdigest())[:32]
        with self._lock:
            if not folder.exists():
                self._unpack(package, folder)
            self._users[folder] = self._users.get(folder, 0) + 1
            os.utime(folder)
        return folder

    def prepare(self, package: bytes) -> None:
        """Unpack the zip for the first `take`, which raises what is wrong with it."""
        with contextlib.suppress(OSError, zipfile.BadZipFile):
            self.give_back(self.take(package))

    def give_back(self, folder: Path) -> None:
        """Release the folder; an unused one is removed after `KEPT` others."""
        with self._lock:
            self._users[folder] -= 1

    def _unpack(self, package: bytes, folder: Path) -> None:
        new = self._temporary / f"package-{uuid.uuid4().hex[:12]}"
        index = unpack(package, new, like=self._newest)
        new.rename(folder)
        self._newest = folder, index
        self._record.write_text(json.dumps([folder.name, index]))
        folder.chmod(0o500)
        unused = [path for path in self._root.iterdir() if path != folder and not self._users.get(path)]
        old = sorted(unused, key=lambda path: path.stat().st_mtime)[: -(KEPT - 1)]
        doomed = self._temporary / f"old-{uuid.uuid4().hex[:12]}"
        doomed.mkdir()
        for path in old:
            # A read-only folder cannot be moved.
            path.chmod(0o700)
            path.rename(doomed / path.name)
        threading.Thread(target=remove_aside, args=(doomed,), daemon=True, name="packages").start()

    def _recorded(self) -> tuple[Path, Index] | None:
        """The newest folder of an earlier run, with its index; None without one."""
        try:
            name, index = json.loads(self._record.read_text())
            found = self._root / name, {inner: (int(a), int(b), int(c)) for inner, (a, b, c) in index.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return None
        return found if found[0].is_dir() else None


def unpack(package: bytes, folder: Path, like: tuple[Path, Index] | None = None) -> Index:
    """Extract as read-only, since /var/task is read-only on AWS; executables stay executable.

    `like` is a folder that was unpacked before, with its index: each file's checksum, size and mode. Returns the index.
    Raises BadZipFile, and then removes the folder.
    """
    folder.mkdir(parents=True)
    made = {str(folder)}
    index: Index = {}
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            for entry in {entry.filename: entry for entry in archive.infolist()}.values():
                # Text, since there are thousands: pathlib would take most of the time.
                inner = _inner(entry.filename)
                path = f"{folder}/{inner}"
                parent = path if entry.is_dir() else path.rpartition("/")[0]
                if parent not in made:
                    os.makedirs(parent, exist_ok=True)  # noqa: PTH103
                    made.add(parent)
                if not entry.is_dir():
                    mode = 0o500 if entry.external_attr >> 16 & stat.S_IXUSR else 0o400
                    index[inner] = facts = (entry.CRC, entry.file_size, mode)
                    if like is not None and like[1].get(inner) == facts and _linked(f"{like[0]}/{inner}", path):
                        continue
                    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                        file.write(archive.read(entry))
        for root, _, _ in os.walk(folder, topdown=False):
            if root != str(folder):
                Path(root).chmod(0o500)
    except BaseException:
        remove_tree(folder)
        raise
    return index


def _linked(existing: str, path: str) -> bool:
    """Whether the file could be linked from another folder, which may be being removed."""
    try:
        os.link(existing, path)
    except OSError:
        return False
    return True


def remove_aside(folder: Path) -> None:
    """Removes a folder in another process: thousands of files would keep this one from answering."""
    script = 'find "$1" -type d -exec chmod 700 {} + ; rm -rf "$1"'
    command = ["nice", "sh", "-c", script, "sh", str(folder)]
    subprocess.run(command, check=False, stderr=subprocess.DEVNULL)  # noqa: S603 - standard tools


def remove_tree(folder: Path) -> None:
    """Remove a folder with what is in it, writable or not; what is missing is not an error."""
    for root, directories, _ in os.walk(folder):
        for path in (Path(root), *(Path(root, name) for name in directories)):
            with contextlib.suppress(OSError):
                if not path.is_symlink():
                    path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _inner(name: str) -> str:
    """The name without parts that point out of the folder."""
    if not _POINTS_OUT(name):
        return name
    return "/".join(part for part in PurePosixPath(name).parts if part not in ("/", ".."))
