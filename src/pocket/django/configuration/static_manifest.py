"""The map from static files to their hashed names, read from the artifact instead of from S3."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NoReturn

if TYPE_CHECKING:
    from pathlib import Path


class BakedManifest:
    """The `manifest_storage` of a hashed static storage: the `staticfiles.json` that was baked into the artifact.

    Django reads that map when the storage is made. From S3 that is a call in every cold start, and a release that is
    being rolled out, or rolled back, would see another release's names; from the artifact it is neither: code and the
    names of its static files switch together. The deploy writes the map, so that writing it here is refused.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __repr__(self) -> str:
        return f"BakedManifest({str(self.directory)!r})"

    def open(self, name: str, mode: str = "rb") -> BinaryIO:
        """The map's bytes; raises FileNotFoundError."""
        if mode != "rb":
            self._refuse()
        return (self.directory / name).open("rb")

    def exists(self, name: str) -> bool:
        """Whether the artifact holds the map."""
        return (self.directory / name).is_file()

    def delete(self, name: str) -> None:
        """Refused: raises PermissionError."""
        self._refuse()

    def _save(self, name: str, content: object) -> str:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise PermissionError(
            "The map of static files is part of the release; `pocket deploy` collects static files and writes it."
        )
