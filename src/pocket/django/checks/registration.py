"""The table of Pocket's system checks, registered with Django's framework under the tag `pocket`.

A row is a function's dotted name: its module is imported when checks run, never when a function starts.
docs/reference/checks.md describes each id.
"""

from __future__ import annotations

from importlib import import_module
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from django.core import checks
from django.core.checks import Tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.apps import AppConfig
    from django.core.checks import CheckMessage

TAG = "pocket"
_DJANGO = "pocket.django.checks"


class Check:
    """A check by the dotted name of its function."""

    __signature__ = Signature([Parameter("options", Parameter.VAR_KEYWORD)])
    """Django reads it at each registration; inspecting it each time would be most of the cost in a function's start."""

    def __init__(self, function: str) -> None:
        self.function = function
        self.tags: Sequence[str] = ()

    def __repr__(self) -> str:
        return f"<check {self.function}>"

    def __call__(
        self, app_configs: Iterable[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
    ) -> list[CheckMessage]:
        """The messages of the function, which is imported now."""
        module, _, name = self.function.rpartition(".")
        function = getattr(import_module(module), name)
        return list(function(app_configs=app_configs, databases=databases, **kwargs))


def _check(function: str, *tags: str, deploy: bool = False) -> tuple[Check, tuple[str, ...], bool]:
    return Check(function), (TAG, *tags), deploy


ALL = (
    _check(f"{_DJANGO}.pocket_toml.file"),
    _check(f"{_DJANGO}.pocket_toml.missing", deploy=True),
    _check(f"{_DJANGO}.pocket_toml.taken", Tags.security, deploy=True),
    _check(f"{_DJANGO}.pocket_toml.installed", deploy=True),
    _check(f"{_DJANGO}.pocket_toml.handlers", deploy=True),
    _check(f"{_DJANGO}.taken.secrets", Tags.security, deploy=True),
    _check(f"{_DJANGO}.taken.settings", deploy=True),
    _check(f"{_DJANGO}.disk.logging", Tags.files, deploy=True),
    _check(f"{_DJANGO}.disk.syslog", deploy=True),
    _check(f"{_DJANGO}.disk.indexes", Tags.files, deploy=True),
    _check(f"{_DJANGO}.disk.file_caches", Tags.files, Tags.caches, deploy=True),
    _check(f"{_DJANGO}.disk.uploads", Tags.files, deploy=True),
    _check(f"{_DJANGO}.storages.written", Tags.files, deploy=True),
    _check(f"{_DJANGO}.databases.configured", deploy=True),
    _check(f"{_DJANGO}.databases.atomic_requests", Tags.urls, Tags.async_support, deploy=True),
    _check(f"{_DJANGO}.databases.connections_suffice", Tags.database, deploy=True),
    _check(f"{_DJANGO}.databases.cache_tables", Tags.database, Tags.caches, deploy=True),
    _check(f"{_DJANGO}.caches.local_memory", Tags.caches, Tags.security, deploy=True),
    _check(f"{_DJANGO}.caches.results", Tags.caches, "fastapi", deploy=True),
    _check(f"{_DJANGO}.hosts.addresses", Tags.caches, deploy=True),
    _check(f"{_DJANGO}.security.debug", Tags.security, deploy=True),
    _check(f"{_DJANGO}.security.addresses", Tags.security, deploy=True),
    _check(f"{_DJANGO}.security.proxies", Tags.security, deploy=True),
    _check(f"{_DJANGO}.http.upload_limits", Tags.files, deploy=True),
    _check(f"{_DJANGO}.http.middleware", Tags.async_support, deploy=True),
    _check(f"{_DJANGO}.http.applications", deploy=True),
    _check(f"{_DJANGO}.static.addresses", Tags.staticfiles, deploy=True),
    _check(f"{_DJANGO}.static.scanned", Tags.staticfiles, deploy=True),
    _check(f"{_DJANGO}.static.manifest", Tags.staticfiles, deploy=True),
    _check(f"{_DJANGO}.bucket_files.uploads", Tags.staticfiles),
    _check(f"{_DJANGO}.bucket_files.public", Tags.staticfiles),
    _check(f"{_DJANGO}.bucket_files.signing", Tags.files),
    _check(f"{_DJANGO}.services.mail", "mail", deploy=True),
    _check(f"{_DJANGO}.services.tasks", "tasks", deploy=True),
    _check(f"{_DJANGO}.snapstart.imports", Tags.security, deploy=True),
    _check(f"{_DJANGO}.api.routes", "fastapi"),
)


def register() -> None:
    """Registers everything, once however often it is called."""
    for check, tags, deploy in ALL:
        checks.register(check, *tags, deploy=deploy)
    extend_file_fields()


def extend_file_fields() -> None:
    """Makes `FileField.check()` and that of its subclasses check the storage, too. A second call does nothing."""
    from django.db.models import FileField

    if not hasattr(FileField.check, "extends"):
        check = _extended(FileField.check)
        check.extends = FileField.check
        FileField.check = check  # type: ignore[method-assign]


def _extended(inherited: Any) -> Any:
    def check(self: Any, **kwargs: Any) -> list[Any]:
        """Django's own messages, then Pocket's."""
        from pocket.django.checks.disk import field

        return [*inherited(self, **kwargs), *field(self)]

    return check
