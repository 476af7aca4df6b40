"""Runs the launcher as `python .../pocket/local/launcher` in an environment where Pocket is not installed."""

import sys
import types
from pathlib import Path


def adopt_package() -> None:
    """Make `pocket.local.launcher` importable from this folder, and nothing beside it."""
    here = Path(__file__).resolve().parent
    for name, folder in (("pocket", None), ("pocket.local", None), ("pocket.local.launcher", here)):
        package = types.ModuleType(name)
        package.__path__ = [str(folder)] if folder else []
        sys.modules[name] = package
    del sys.path[0]


if __name__ == "__main__":
    adopt_package()
    from pocket.local.launcher.server import main

    main()
