"""A project's saved files in place of those of the package, while `pocket local --watch` runs.

The functions of the watched stage run from a copy of their package: links to what the package has, and the project's
files as they were saved. The package itself is never changed, so a release always is what was deployed. A version that
`live` does not name, such as a candidate that gates check, runs from the package.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.local.launcher.unpacked import remove_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pocket.local.launcher.unpacked import Packages


@dataclass(frozen=True)
class Saved:
    """What is served: the project's folder, its functions by name, and saved files by their path in the package.

    A file is the path to read, None where it was removed. `changed` are those that changed since the last time.
    """

    project: Path
    functions: frozenset[str]
    files: Mapping[str, Path | None]
    changed: Sequence[str] = ()


@dataclass
class Copy:
    """A copy of the package `base`, and how many workers run from it; no more workers start from an old one."""

    folder: Path
    base: Path
    users: int = 0
    old: bool = False


@dataclass
class SavedFiles:
    """Folders for workers: unpacked packages, or their copies in `temporary`, which is removed at the next start."""

    packages: Packages
    temporary: Path
    is_live: Callable[[Mapping[str, Any]], bool]
    """Whether a function's configuration is that of a version which an alias names."""
    _saved: Saved | None = None
    _copies: dict[Path, Copy] = field(default_factory=dict)
    _taken_over: list[str] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def take(self, package: bytes, digest: str, config: Mapping[str, Any]) -> Path:
        """The folder that a worker with `config` runs from; return it with `give_back`. Raises as `Packages.take`."""
        base = self.packages.take(package, digest)
        saved = self._saved
        if saved is None or config.get("FunctionName") not in saved.functions or not self.is_live(config):
            return base
        try:
            with self._lock:
                found = next((copy for copy in self._copies.values() if copy.base == base and not copy.old), None)
                copy = found or self._copied(base, self._saved or saved)
                copy.users += 1
        except BaseException:
            self.packages.give_back(base)
            raise
        return copy.folder

    def give_back(self, folder: Path) -> None:
        """Release the folder."""
        with self._lock:
            copy = self._copies.get(folder)
            if copy is not None:
                copy.users -= 1
                self._discard_unused()
        self.packages.give_back(copy.base if copy else folder)

    def is_current(self, folder: Path) -> bool:
        """Whether workers that start now would run from this folder, too."""
        with self._lock:
            return folder in self._copies and not self._copies[folder].old

    def moment(self) -> int:
        """A number for `since`."""
        return len(self._taken_over)

    def since(self, moment: int, folder: Path) -> list[Path]:
        """The files in a worker's folder that have changed under it since `moment`."""
        if folder not in self._copies:
            return []
        return [folder / name for name in dict.fromkeys(self._taken_over[moment:])]

    def put_in_place(self, saved: Saved) -> bool:
        """Put changed files into the copies that exist, unless one is a module; returns whether all could be put.

        A worker finds them by `since`.
        """
        with self._lock:
            known = self._saved
            if known is None or (known.project, known.functions) != (saved.project, saved.functions):
                return False
            tops = {name.partition("/")[0] for name in saved.changed}
            if any(name.endswith(".py") for name in saved.changed) or any(
                (copy.folder / top).is_symlink() for copy in self._copies.values() for top in tops
            ):
                return False
            self._saved = saved
            for copy in self._copies.values():
                for name in saved.changed:
                    put(copy.folder, name, saved.files.get(name, copy.base / name))
            self._taken_over += saved.changed
            return True

    @contextlib.contextmanager
    def replacing(self, saved: Saved) -> Iterator[None]:
        """Within it, workers start from new copies; an error brings the old ones back."""
        with self._lock:
            before, old = self._saved, [copy for copy in self._copies.values() if not copy.old]
            self._saved = saved
            for copy in old:
                copy.old = True
        try:
            yield
        except BaseException:
            with self._lock:
                self._saved = before
                for copy in self._copies.values():
                    copy.old = copy not in old
            raise
        finally:
            with self._lock:
                self._discard_unused()

    def _copied(self, base: Path, saved: Saved) -> Copy:
        folder = self.temporary / f"saved-{uuid.uuid4().hex[:12]}"
        copy(base, folder, saved.project)
        for name, source in saved.files.items():
            put(folder, name, source)
        self._discard_unused(all_of_them=True)
        self._copies[folder] = made = Copy(folder, base)
        return made

    def _discard_unused(self, *, all_of_them: bool = False) -> None:
        for each in [each for each in self._copies.values() if not each.users and (each.old or all_of_them)]:
            del self._copies[each.folder]
            threading.Thread(target=remove_aside, args=(each.folder,), daemon=True, name="copies").start()


def copy(base: Path, folder: Path, project: Path) -> None:
    """A copy of a package that shares its files.

    Folders that the project has are real ones, so that modules in them find the copy by their own path; other packages
    are one link each.
    """
    folder.mkdir(mode=0o700)
    for entry in base.iterdir():
        place = folder / entry.name
        if not entry.is_dir():
            os.link(entry, place)
        elif (project / entry.name).exists():
            shutil.copytree(entry, place, copy_function=os.link)
        else:
            place.symlink_to(entry)
    folder.chmod(0o500)


def put(folder: Path, name: str, source: Path | None) -> None:
    """Replace the file `name` in a copy, or remove it where `source` does not exist; its bytecode is removed.

    The file there is shared with the package, so it is never written to.
    """
    path = folder / name
    try:
        content = None if source is None else source.read_bytes()
        mode = 0o500 if source is not None and os.access(source, os.X_OK) else 0o400
    except (FileNotFoundError, NotADirectoryError):
        content = None
    if content is None and not path.parent.is_dir():
        return
    top = folder / Path(name).parts[0]
    if top.is_symlink():
        shared = top.readlink()
        folder.chmod(0o700)
        top.unlink()
        shutil.copytree(shared, top, copy_function=os.link)
    parents = [folder, *(folder / parent for parent in reversed(Path(name).parents[:-1]))]
    for parent in parents:
        parent.mkdir(exist_ok=True)
        parent.chmod(0o700)
    if content is None:
        path.unlink(missing_ok=True)
    else:
        new = path.with_name(f".{uuid.uuid4().hex[:12]}")
        new.write_bytes(content)
        new.chmod(mode)
        new.replace(path)
    if path.suffix == ".py" and (compiled := path.parent / "__pycache__").is_dir():
        compiled.chmod(0o700)
        for each in compiled.glob(f"{path.stem}.*.pyc"):
            each.unlink()
        compiled.chmod(0o500)
    for parent in reversed(parents):
        parent.chmod(0o500)
