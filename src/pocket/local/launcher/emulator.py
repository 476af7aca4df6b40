"""MiniStack's own modules, by name: Pocket's environment does not have it, so they are imported at run time."""

from __future__ import annotations

import importlib
from typing import Any


def module(name: str) -> Any:
    """The module of MiniStack of that name, without the package's."""
    return importlib.import_module(f"ministack.{name}")
