"""The map from static files to their hashed names, read from the artifact instead of S3."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NoReturn

if TYPE_CHECKING:
    from pathlib import Path


class BakedManifest:
    """The `manifest_storage` of a storage with hashed names: `staticfiles.json` in the artifact.

    Django reads that map when it makes the storage. From S3 that is a call in every cold start, and during a deploy or
    rollback it would be the map of another release; in the artifact, the map always fits the code. The deploy writes
    the map, so writing is refused here.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __repr__(self) -> str:
        return f"BakedManifest({str(self.directory)!r})"

    def open(self, name: str, mode: str = "rb") -> BinaryIO:
        """Opens the map; raises FileNotFoundError."""
        if mode != "rb":
            self._refuse()
        return (self.directory / name).open("rb")

    def exists(self, name: str) -> bool:
        """Whether the map is in the artifact."""
        return (self.directory / name).is_file()

    def delete(self, name: str) -> None:
        """Raises PermissionError."""
        self._refuse()

    def _save(self, name: str, content: object) -> str:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise PermissionError(
            "The map of static files is part of the release; `pocket deploy` collects static files and writes it."
        )
