"""Extends Django's `check()` of file fields.

Small, since it is imported when a function starts; `disk.field` is the check.
"""

from __future__ import annotations

from typing import Any

from django.db.models import FileField


def extend() -> None:
    """Makes `FileField.check()` and that of its subclasses check the storage, too. A second call does nothing."""
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
