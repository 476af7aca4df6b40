"""What is written to a disk that cannot be written: in Lambda that is all of it but /tmp, and what is mounted."""

from __future__ import annotations

import logging as logs
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import Error
from django.utils.module_loading import import_string

from pocket.django.checks import deployment, project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage
    from django.db.models import FileField

_WRITABLE = ("/tmp", "/mnt", "/dev")  # noqa: S108  (Lambda's own)


def is_read_only(path: str | os.PathLike[str]) -> bool:
    """Whether a function cannot write at `path`; a relative one is taken from the project's folder."""
    root = project.directory()
    place = Path(os.path.normpath(root / path))
    if place.is_relative_to(root) or place.is_relative_to(Path.cwd()):
        return True
    writable = (*_WRITABLE, tempfile.gettempdir())
    return not any(place.is_relative_to(folder) for folder in writable)


def field(file_field: FileField) -> Iterator[CheckMessage]:
    """That a file field of a deployed project stores on the disk."""
    from django.core.files.storage import FileSystemStorage

    if deployment.current() is None:
        return
    try:
        storage: Any = file_field.storage
        location = storage.location if isinstance(storage, FileSystemStorage) else None
    except Exception:  # noqa: BLE001  (a storage that cannot be made is reported by whoever uses it)
        return
    if location is not None and is_read_only(location):
        yield Error(
            f"Files are stored below {project.shown(location)}, and a function cannot write there.",
            hint='Declare a storage with store = "s3" in [awscontainer.django.storages] and take it with'
            " get_storages().",
            obj=file_field,
            id="pocket.E010",
        )


def logging(**_: Any) -> Iterator[CheckMessage]:
    """Each handler of LOGGING that opens a file; it is opened, and fails, when the function starts."""
    if deployment.current() is None or settings.LOGGING_CONFIG is None:
        return
    for name, handler in (settings.LOGGING or {}).get("handlers", {}).items():
        path = handler.get("filename")
        if isinstance(path, str | os.PathLike) and _writes_a_file(handler) and is_read_only(path):
            yield Error(
                f"The log handler {name!r} writes to {project.shown(path)}, and a function cannot write there: it will"
                " not start.",
                hint="Log to the standard streams, which CloudWatch keeps: take logging.StreamHandler.",
                obj="LOGGING",
                id="pocket.E011",
            )


def file_caches(**_: Any) -> Iterator[CheckMessage]:
    """Each cache in files."""
    from django.core.cache.backends.filebased import FileBasedCache

    for alias, entry in settings.CACHES.items() if deployment.current() else ():
        location = entry.get("LOCATION", "")
        if is_a(entry.get("BACKEND"), FileBasedCache) and is_read_only(location):
            yield Error(
                f"The cache {alias!r} writes below {project.shown(location)}, and a function cannot write there.",
                hint="Take a cache that all environments share, such as redis or database, or a folder below /tmp.",
                obj=f"CACHES[{alias!r}]",
                id="pocket.E012",
            )


def uploads(**_: Any) -> Iterator[CheckMessage]:
    """The folder for large uploads."""
    folder = settings.FILE_UPLOAD_TEMP_DIR
    if deployment.current() is not None and folder is not None and is_read_only(folder):
        yield Error(
            f"FILE_UPLOAD_TEMP_DIR is {project.shown(folder)}, and a function cannot write there: uploads that do not"
            " stay in memory fail.",
            hint="Leave it out, and uploads go to /tmp.",
            obj="FILE_UPLOAD_TEMP_DIR",
            id="pocket.E013",
        )


def is_a(path: Any, kind: type) -> bool:
    """Whether the class at the dotted `path` is a `kind`; False where it cannot be imported."""
    try:
        found = import_string(path) if isinstance(path, str) else path
    except Exception:  # noqa: BLE001  (what cannot be imported is reported by whoever uses it)
        return False
    return isinstance(found, type) and issubclass(found, kind)


def _writes_a_file(handler: dict[str, Any]) -> bool:
    return "()" in handler or is_a(handler.get("class"), logs.FileHandler)
