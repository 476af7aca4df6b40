"""Which files of a project go into its artifact.

Files of tools, data and names that begin with a dot are left out, unless a pattern of the project's `exclude` brings
them back (`!name`). Secrets are always left out. `.gitignore` has no effect: files that git ignores, such as compiled
styles and translations, must often be shipped.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pocket.deploy.build import contents, path_patterns
from pocket.deploy.build.exclusions import (
    BUILD_PRODUCTS,
    DATA,
    DOTTED,
    NEVER,
    OF_TOOLS,
    PACKAGES_DESPITE_THEIR_NAME,
    SECRETS,
    SETUPTOOLS_LEAVES,
)
from pocket.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_CODE = (
    *("*.py", "*.pyi", "*.so", "*.html", "*.mo", "py.typed"),
    *("templates/*", "static/*", "locale/*", "*/templates/*", "*/static/*", "*/locale/*"),
)
_LISTED = 12


@dataclass(frozen=True)
class Source:
    """The files to pack, by their path from the project's folder, and notes on what was left out by default."""

    files: dict[str, Path]
    notes: tuple[str, ...] = ()


def select(directory: Path, exclude: Sequence[str] = ()) -> Source:
    """The files below `directory` that go into the artifact; links that stay inside the project are followed.

    Raises BuildFailed where a file cannot be read or its name is not UTF-8.
    """
    walk = _Walk(directory.resolve(), (*DATA, *DOTTED, *OF_TOOLS, *exclude))
    files: dict[str, Path] = {}
    secrets = []
    for name, path in walk.files():
        found = _look(path, name)
        if found == "secret":
            secrets.append(name)
        elif found == "database" and not walk.is_named(name):
            walk.left_out.append(name)
        else:
            files[name] = path
    notes = [*walk.notes, *_notes(sorted([*secrets, *walk.secrets]), sorted(walk.left_out), files)]
    return Source(files, tuple(notes))


def folder_digest(path: Path) -> str:
    """A SHA-256 of what a package may be built of: the file at `path`, or all names and contents below it.

    Hidden folders are skipped: tools change files in them during a build.
    """
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    total = hashlib.sha256()
    for name, file in _Walk(path, (*BUILD_PRODUCTS, *SETUPTOOLS_LEAVES, ".*/"), secrets=()).files():
        total.update(f"{name}\0{hashlib.sha256(_read(file)).hexdigest()}\n".encode())
    return total.hexdigest()


class _Walk:
    """One pass over the files below `root` that no pattern of `exclude` leaves out.

    `notes` are about links that were not followed, `left_out` are files that Pocket's own patterns leave out and that a
    project may want, `secrets` have the name of a secret. Folders end in `/`.
    """

    def __init__(self, root: Path, exclude: Sequence[str], secrets: Sequence[str] = SECRETS) -> None:
        self.root = root
        self.exclude = exclude
        self.named_secrets = secrets
        self.notes: list[str] = []
        self.left_out: list[str] = []
        self.secrets: list[str] = []

    def files(self) -> Iterator[tuple[str, Path]]:
        """Each regular file in order: its path relative to the root, with `/` between names, and its place."""
        yield from self._below("", self.root, frozenset({self.root}), inherited=False)

    def is_named(self, name: str) -> bool:
        """Whether a pattern with `!` decides about the file `name`, or about a folder above it."""
        steps = [name, *map(str, PurePosixPath(name).parents)][:-1]
        found = (path_patterns.deciding(step, self.exclude, folder=step != name) for step in steps)
        return next((each.startswith("!") for each in found if each is not None), False)

    def _below(
        self, prefix: str, folder: Path, ancestors: frozenset[Path], *, inherited: bool
    ) -> Iterator[tuple[str, Path]]:
        """The files in `folder`; where it is itself left out (`inherited`), those that a pattern brings back."""
        for path in _children(folder):
            name = f"{prefix}{path.name}"
            place = self._followed(name, path) if path.is_symlink() else path
            if place is None or place in ancestors or self._never(name, place):
                continue
            out = self._leaves_out(name, place, inherited=inherited)
            if place.is_dir():
                if not out or path_patterns.reach_below(name, self.exclude):
                    yield from self._below(f"{name}/", place, ancestors | {place}, inherited=out)
            elif place.is_file() and not out:
                yield _text(name, path), place

    def _never(self, name: str, place: Path) -> bool:
        folder = place.is_dir()
        if not path_patterns.matches(name, self.named_secrets, folder=folder):
            return path_patterns.matches(name, NEVER, folder=folder)
        self.secrets.append(f"{name}/" if folder else name)
        return True

    def _leaves_out(self, name: str, place: Path, *, inherited: bool) -> bool:
        folder = place.is_dir()
        pattern = path_patterns.deciding(name, self.exclude, folder=folder)
        if pattern is None or (inherited and pattern in DOTTED):
            return inherited or (folder and (place / "pyvenv.cfg").exists())
        if pattern in PACKAGES_DESPITE_THEIR_NAME and (place / "__init__.py").exists():
            return False
        out = not pattern.startswith("!")
        if out and not inherited and pattern in (*DATA, *DOTTED):
            self.left_out.append(f"{name}/" if folder else name)
        return out

    def _followed(self, name: str, link: Path) -> Path | None:
        """The target of `link`; None where it is not packed, with a note if it is not in the project."""
        try:
            place = link.resolve(strict=True)
        except (OSError, RuntimeError):
            self.notes.append(f"Left out {name}: the target of the link does not exist.")
            return None
        if not place.is_relative_to(self.root):
            self.notes.append(f"Left out {name}: the link points out of the project.")
            return None
        inner = place.relative_to(self.root)
        steps = [(step.as_posix(), step != inner or place.is_dir()) for step in [inner, *inner.parents][:-1]]
        if any(path_patterns.matches(step, (*self.named_secrets, *NEVER), folder=folder) for step, folder in steps):
            return None
        found = (path_patterns.deciding(step, self.exclude, folder=folder) for step, folder in steps)
        hidden = next((not each.startswith("!") for each in found if each is not None), False)
        return None if hidden else place


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise _unreadable(folder, error) from error


def _look(path: Path, name: str) -> str | None:
    try:
        return contents.look(path, name)
    except OSError as error:
        raise _unreadable(path, error) from error


def _text(name: str, path: Path) -> str:
    """`name`, which must be UTF-8 to be stored in a zip."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise BuildFailed(
            f"File name {os.fsencode(path)!r} is not UTF-8.",
            "Rename the file, or exclude its folder with [awscontainer] exclude.",
        ) from None
    return name


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> BuildFailed:
    return BuildFailed(
        f"{path} cannot be read: {error.strerror}.",
        "Correct its permissions, or exclude it with [awscontainer] exclude.",
    )


def _notes(secrets: Sequence[str], left_out: Sequence[str], files: Mapping[str, Path]) -> Iterator[str]:
    """Notes on files with `secrets`, on files `left_out` by default, and on those of `files` that are not code."""
    if secrets:
        hint = "Functions read secrets from [awscontainer.secretsmanager]."
        yield f"Left out because they may hold secrets: {', '.join(secrets)}. {hint}"
    if left_out:
        hint = f'To pack one, add it with "!" to [awscontainer]: exclude = ["!{left_out[0]}"].'
        yield f"Left out by default: {', '.join(left_out)}. {hint}"
    others = {
        name: path.stat().st_size
        for name, path in files.items()
        if not path_patterns.matches(name, _CODE, folder=False)
    }
    if others:
        yield f"Packed besides code ({len(others)}): {_listing(others)}."


def _listing(sizes: Mapping[str, int]) -> str:
    """Every name with its size; for many files, the top-level folders that hold them, largest first."""
    if len(sizes) <= _LISTED:
        return ", ".join(f"{name} ({_kilobytes(size)})" for name, size in sizes.items())
    folders: dict[str, list[int]] = {}
    for name, size in sizes.items():
        first, below, _ = name.partition("/")
        folders.setdefault(first + below, []).append(size)
    largest = sorted(folders.items(), key=lambda item: (-sum(item[1]), item[0]))
    shown = [
        f"{name} ({f'{len(found)} files, ' if name.endswith('/') else ''}{_kilobytes(sum(found))})"
        for name, found in largest
    ]
    more = [f"{len(shown) - _LISTED} more"] if len(shown) > _LISTED else []
    return ", ".join([*shown[:_LISTED], *more])


def _kilobytes(size: int) -> str:
    return f"{size} bytes" if size < 1024 else f"{size / 1024:,.0f} KB"
