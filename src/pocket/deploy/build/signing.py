"""Whether the artifact has what signs the addresses of uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocket.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pocket.config import StageConfig

PACKAGES = ("cryptography", "rsa")
"""Those that django-storages signs with; it takes the first that is installed."""


def check_signing(stage: StageConfig, files: Iterable[str]) -> None:
    """Raises BuildFailed where the stage signs addresses and the artifact, with these files, has neither package."""
    if stage.signed_uploads and not any(name.startswith(f"{package}/") for name in files for package in PACKAGES):
        raise BuildFailed(
            "A storage is signed, but the artifact has no package that signs addresses.",
            "Add cryptography to the project's dependencies, and lock them.",
        )
