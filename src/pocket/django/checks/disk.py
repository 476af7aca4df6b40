"""Writes to a read-only disk. In Lambda only /tmp and mounted file systems are writable."""

from __future__ import annotations

import logging as logs
import os
import tempfile
from logging.handlers import SYSLOG_UDP_PORT, SysLogHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning
from django.utils.module_loading import import_string

from pocket.django.checks import deployment, source_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage
    from django.db.models import FileField

_STREAMS = "Use logging.StreamHandler: CloudWatch keeps what is written to the standard streams."
_WRITABLE = ("/tmp", "/mnt", "/dev")  # noqa: S108  (Lambda's own)


def is_read_only(path: str | os.PathLike[str]) -> bool:
    """Whether a function cannot write at `path`; a relative one is taken from the project's folder."""
    root = source_tree.directory()
    place = Path(os.path.normpath(root / path))
    if place.is_relative_to(root) or place.is_relative_to(Path.cwd()):
        return True
    writable = (*_WRITABLE, tempfile.gettempdir())
    return not any(place.is_relative_to(folder) for folder in writable)


def field(file_field: FileField) -> Iterator[CheckMessage]:
    """A file field whose storage is on the read-only disk."""
    from django.core.files.storage import FileSystemStorage

    if deployment.current() is None:
        return
    try:
        storage: Any = file_field.storage
        location = storage.location if isinstance(storage, FileSystemStorage) else None
    except Exception:  # noqa: BLE001  (a storage that cannot be made is reported where it is used)
        return
    if location is not None and is_read_only(location):
        yield Error(
            f"Files are stored in {source_tree.shown(location)}, where a function cannot write.",
            hint='Declare a storage with store = "s3" in [awscontainer.django.storages] and set'
            " STORAGES = get_storages().",
            obj=file_field,
            id="pocket.E010",
        )


def logging(**_: Any) -> Iterator[CheckMessage]:
    """Each handler of LOGGING that opens a file. The function opens it, and fails, when it starts."""
    if deployment.current() is None or settings.LOGGING_CONFIG is None:
        return
    for name, handler in (settings.LOGGING or {}).get("handlers", {}).items():
        path = handler.get("filename")
        if isinstance(path, str | os.PathLike) and _writes_a_file(handler) and is_read_only(path):
            yield Error(
                f"The log handler {name!r} writes to {source_tree.shown(path)}, where a function cannot write. The"
                " function will not start.",
                hint=_STREAMS,
                obj="LOGGING",
                id="pocket.E011",
            )


def syslog(**_: Any) -> Iterator[CheckMessage]:
    """Each handler of LOGGING that sends to a syslog daemon on the machine; a function has none."""
    if deployment.current() is None or settings.LOGGING_CONFIG is None:
        return
    for name, handler in (settings.LOGGING or {}).get("handlers", {}).items():
        if not is_a(handler.get("class"), SysLogHandler):
            continue
        address = handler.get("address", ("localhost", SYSLOG_UDP_PORT))
        what = f"The log handler {name!r} sends to a syslog daemon at"
        if isinstance(address, str):
            text = f"{what} {address}. A function has no such daemon and will not start."
            yield Error(text, hint=_STREAMS, obj="LOGGING", id="pocket.E015")
        elif address[0] in {"localhost", "127.0.0.1", "::1"}:
            text = f"{what} {address[0]}:{address[1]}. A function has no such daemon: the records are lost."
            yield CheckWarning(text, hint=_STREAMS, obj="LOGGING", id="pocket.W016")


def indexes(**_: Any) -> Iterator[CheckMessage]:
    """Each search index of Haystack that is kept in files, such as Whoosh's."""
    for alias, entry in getattr(settings, "HAYSTACK_CONNECTIONS", {}).items() if deployment.current() else ():
        path = entry.get("PATH")
        if path and entry.get("STORAGE", "file") == "file" and is_read_only(path):
            yield Error(
                f"The search index {alias!r} is in {source_tree.shown(path)}, where a function cannot write.",
                hint="Use a search service, or the database's full-text search.",
                obj=f"HAYSTACK_CONNECTIONS[{alias!r}]",
                id="pocket.E017",
            )


def file_caches(**_: Any) -> Iterator[CheckMessage]:
    """Each cache in files."""
    from django.core.cache.backends.filebased import FileBasedCache

    for alias, entry in settings.CACHES.items() if deployment.current() else ():
        location = entry.get("LOCATION", "")
        if is_a(entry.get("BACKEND"), FileBasedCache) and is_read_only(location):
            yield Error(
                f"The cache {alias!r} writes to {source_tree.shown(location)}, where a function cannot write.",
                hint="Use a cache that all environments share, such as redis or database, or a folder below /tmp.",
                obj=f"CACHES[{alias!r}]",
                id="pocket.E012",
            )


def uploads(**_: Any) -> Iterator[CheckMessage]:
    """The folder for large uploads."""
    folder = settings.FILE_UPLOAD_TEMP_DIR
    if deployment.current() is not None and folder is not None and is_read_only(folder):
        yield Error(
            f"FILE_UPLOAD_TEMP_DIR is {source_tree.shown(folder)}, where a function cannot write. Uploads that are too"
            " large for memory fail.",
            hint="Remove the setting. Uploads then go to /tmp.",
            obj="FILE_UPLOAD_TEMP_DIR",
            id="pocket.E013",
        )


def is_a(path: Any, kind: type) -> bool:
    """Whether the class at the dotted `path` is a `kind`; False where it cannot be imported."""
    try:
        found = import_string(path) if isinstance(path, str) else path
    except Exception:  # noqa: BLE001  (what cannot be imported is reported where it is used)
        return False
    return isinstance(found, type) and issubclass(found, kind)


def _writes_a_file(handler: dict[str, Any]) -> bool:
    return "()" in handler or is_a(handler.get("class"), logs.FileHandler)
