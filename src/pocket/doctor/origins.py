"""The origin of a module, by its name: the project, Django, Python, or another package."""

from __future__ import annotations

import os
import sys
from importlib.metadata import packages_distributions
from pathlib import Path


class Origins:
    """The packages of installed distributions."""

    def __init__(self) -> None:
        self._installed = frozenset(packages_distributions()) | {"pocket"}

    def is_installed(self, file: str) -> bool:
        """Whether a file is part of an installed distribution; an artifact has them beside the project's own."""
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
