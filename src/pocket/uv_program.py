"""The program uv, with which Pocket builds artifacts and installs the local AWS."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pocket.errors import PocketError


def find(missing: type[PocketError]) -> str:
    """The path of uv: the one installed beside Pocket, else the first on PATH. Raises `missing` if there is none."""
    if find_spec("uv") is not None:
        import uv

        try:
            return uv.find_uv_bin()
        except FileNotFoundError:
            pass
    found = shutil.which("uv")
    if found is None:
        raise missing("uv, which installs packages, is missing.", "Install it: pip install 'django-pocket[cli]'")
    return found
