"""Which files of a project go into its artifact.

Left out are a list that suits every project, the project's own `exclude` patterns, and secrets, which no pattern
brings back. `.gitignore` is not asked: what git ignores (compiled styles, translations) is often what must be shipped.

A pattern without `/` matches a file's or folder's name anywhere; one with `/` matches the path from the project's
folder; `*`, `?` and `[...]` as in a shell, where `*` stops at no `/`; a trailing `/` matches folders only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pocket.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

BUILD_PRODUCTS = (
    *(".git", ".hg", ".svn", ".venv*/", "venv/", "__pycache__", "*.py[co]", "node_modules", ".pocket", "*.egg-info"),
    *(
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        ".tox",
        ".nox",
        ".coverage",
        ".coverage.*",
        "htmlcov",
    ),
)
"""What no wheel and no artifact is made of."""

DEFAULT_EXCLUDES = (
    *BUILD_PRODUCTS,
    *("*.sqlite3", "*.sqlite3-*", "*.log", "/media/", "/dist/", "/build/"),
    *("/pocket.toml", "/uv.lock", ".DS_Store", ".idea", ".vscode", ".github", ".gitignore", ".gitattributes"),
    *(".terraform", ".aws-sam", ".ipynb_checkpoints"),
)
SECRETS = (".env*", ".netrc", ".pypirc", ".ssh", ".aws", "id_rsa", "id_ecdsa", "id_ed25519", "*.p12", "*.pfx", "*.jks")
_KEY_FILES = ("*.pem", "*.key", "*.crt", "*.ppk")
_KEY_MARK = b"PRIVATE KEY"
_PACKAGES_DESPITE_THEIR_NAME = ("media", "dist", "build")


@dataclass(frozen=True)
class Source:
    """The files to pack, by their path from the project's folder, and notes on what was left out unasked."""

    files: dict[str, Path]
    notes: tuple[str, ...] = ()


def select(directory: Path, exclude: Sequence[str] = ()) -> Source:
    """The files below `directory` that go into the artifact; links that stay inside the project are followed.

    Raises BuildFailed where a file that belongs in cannot be read.
    """
    walk = _Walk(directory.resolve(), (*DEFAULT_EXCLUDES, *exclude))
    files: dict[str, Path] = {}
    secret = []
    for name, path in walk.files():
        if matches(name, SECRETS, folder=False) or _holds_private_key(path):
            secret.append(name)
        else:
            files[name] = path
    if secret:
        walk.notes.append(f"Left out, since they may hold secrets: {', '.join(secret)}.")
    return Source(files, tuple(walk.notes))


def matches(name: str, patterns: Iterable[str], *, folder: bool) -> bool:
    """Whether one of `patterns` matches the path `name`, relative to the project's folder, itself (not a parent)."""
    last = PurePosixPath(name).name
    for pattern in patterns:
        if pattern.endswith("/") and not folder:
            continue
        bare = pattern.rstrip("/")
        if fnmatchcase(name, bare.lstrip("/")) if "/" in bare else fnmatchcase(last, bare):
            return True
    return False


def folder_digest(path: Path) -> str:
    """A SHA-256 of what a package may be built of: the file at `path`, or all names and contents below it.

    Hidden folders are not looked into: tools keep their things there, and change them while others build.
    """
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    total = hashlib.sha256()
    for name, file in _Walk(path, (*BUILD_PRODUCTS, ".*/")).files():
        total.update(f"{name}\0{hashlib.sha256(_read(file)).hexdigest()}\n".encode())
    return total.hexdigest()


class _Walk:
    """One pass over the files below `root` that no pattern matches; `notes` says which links led nowhere."""

    def __init__(self, root: Path, patterns: Sequence[str]) -> None:
        self.root = root
        self.patterns = patterns
        self.notes: list[str] = []

    def files(self) -> Iterator[tuple[str, Path]]:
        """Path relative to the root, with `/` between names, and place of every regular file, in order of names."""
        yield from self._below("", self.root, frozenset({self.root}))

    def _below(self, prefix: str, folder: Path, ancestors: frozenset[Path]) -> Iterator[tuple[str, Path]]:
        for path in _children(folder):
            name = f"{prefix}{path.name}"
            place = self._followed(name, path) if path.is_symlink() else path
            if place is None or place in ancestors:
                continue
            if place.is_dir():
                if not self._leaves_out(name, place):
                    yield from self._below(f"{name}/", place, ancestors | {place})
            elif place.is_file() and not matches(name, self.patterns, folder=False):
                yield name, place

    def _leaves_out(self, name: str, folder: Path) -> bool:
        if (folder / "pyvenv.cfg").exists():
            return True
        if name in _PACKAGES_DESPITE_THEIR_NAME and (folder / "__init__.py").exists():
            return False
        return matches(name, (*self.patterns, *SECRETS), folder=True)

    def _followed(self, name: str, link: Path) -> Path | None:
        """Where `link` leads; None, with a note, where that is nothing to pack."""
        try:
            place = link.resolve(strict=True)
        except (OSError, RuntimeError):
            self.notes.append(f"Left out {name}: the link leads nowhere.")
            return None
        if not place.is_relative_to(self.root):
            self.notes.append(f"Left out {name}: the link leads out of the project.")
            return None
        inner = place.relative_to(self.root)
        hidden = (*self.patterns, *SECRETS)
        steps = [inner, *inner.parents][:-1]
        if any(matches(step.as_posix(), hidden, folder=step != inner or place.is_dir()) for step in steps):
            return None
        return place


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise _unreadable(folder, error) from error


def _holds_private_key(path: Path) -> bool:
    return matches(path.name, _KEY_FILES, folder=False) and _KEY_MARK in _read(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> BuildFailed:
    return BuildFailed(
        f"{path} cannot be read: {error.strerror}.",
        "Correct its permissions, or leave it out: [awscontainer] exclude.",
    )
