"""The git revision that a release is made from, and the repository that it comes from."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Revision:
    """A commit's full id, "" where there is none; `dirty` where the folder differs from it."""

    commit: str = ""
    dirty: bool = False


def revision(directory: Path) -> Revision:
    """The revision of the work tree that holds `directory`; without git, a work tree or a commit, an empty one."""
    commit = _git(directory, "rev-parse", "--verify", "HEAD")
    if not commit:
        return Revision()
    return Revision(commit, bool(_git(directory, "status", "--porcelain", "--", ".")))


@dataclass(frozen=True)
class WorkTree:
    """A checked-out tree: its `root`, and the folder of its repository, which may be elsewhere."""

    root: Path
    repository: Path


def work_tree(directory: Path) -> WorkTree | None:
    """The work tree that holds `directory`; None without git or a work tree."""
    root, repository = (_git(directory, "rev-parse", each) for each in ("--show-toplevel", "--absolute-git-dir"))
    return WorkTree(Path(root).resolve(), Path(repository)) if root and repository else None


def origin(directory: Path) -> str:
    """Identifies the project in `directory` among others of its name: its folder in its repository, and the ids of that
    repository's first commits, which every clone has, separated by spaces.

    Empty without git or a commit, and in a shallow clone, which lacks the first commits.
    """
    if _git(directory, "rev-parse", "--is-shallow-repository") != "false":
        return ""
    roots = _git(directory, "rev-list", "--max-parents=0", "HEAD").split()
    folder = "_".join(_git(directory, "rev-parse", "--show-prefix").split())
    return " ".join([f"./{folder}", *(root[:12] for root in roots)]) if roots else ""


def _git(directory: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            ["git", *arguments],  # noqa: S607 - whichever git the user has
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
