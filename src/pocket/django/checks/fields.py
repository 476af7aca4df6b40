"""Fields that store files say so themselves: Django's own `check()` of a file field, extended.

Small, since it is imported when a function starts; what it finds is decided in `disk`.
"""

from __future__ import annotations

from typing import Any

from django.db.models import FileField


def extend() -> None:
    """Makes `FileField.check()`, and so that of images and of every subclass, ask where the files go; once."""
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
