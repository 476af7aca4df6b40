"""Whose code a module is, by its name: the project's own, Django's, Python's, or that of another package."""

from __future__ import annotations

import os
import sys
from importlib.metadata import packages_distributions
from pathlib import Path


class Origins:
    """Knows the installed distributions' packages; in an artifact they lie beside the project's own."""

    def __init__(self) -> None:
        self._installed = frozenset(packages_distributions()) | {"pocket"}

    def is_installed(self, file: str) -> bool:
        """Whether a file is part of an installed distribution; in an artifact they lie beside the project's own."""
        root = os.environ.get("LAMBDA_TASK_ROOT")
        if root and file.startswith(root + os.sep):
            return file[len(root) + 1 :].partition(os.sep)[0].removesuffix(".py") in self._installed
        return not {"site-packages", "dist-packages"}.isdisjoint(Path(file).parts)

    def of(self, module: str) -> str:
        """ "own", "django", "python" or "package"."""
        top = module.partition(".")[0]
        if top == "django":
            return "django"
        if top in sys.stdlib_module_names or top.startswith("_sysconfigdata"):
            return "python"
        return "package" if top in self._installed else "own"
