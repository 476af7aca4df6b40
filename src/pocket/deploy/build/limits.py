"""What an artifact may be: Lambda's limit of its size, and the oldest Django."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocket.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pocket.deploy.build.archive import Entry

LIMIT = 262_144_000
"""The largest zip that Lambda accepts, in bytes unpacked (AWS: "Lambda quotas", 250 MB)."""

_OLDEST_DJANGO = (5, 2)


def django_version(files: Mapping[str, Entry]) -> str | None:
    """The version of Django among `files`, None where there is none."""
    found = (re.match(r"django-([^/]+)\.dist-info/", name) for name in files)
    return next((match[1] for match in found if match), None)


def refuse_old_django(version: str | None) -> None:
    """Raises BuildFailed where Pocket does not support `version`; None, no Django, passes."""
    found = re.match(r"(\d+)\.(\d+)", version or "")
    if found and (int(found[1]), int(found[2])) < _OLDEST_DJANGO:
        oldest = ".".join(map(str, _OLDEST_DJANGO))
        raise BuildFailed(
            f"The project's requirements resolve to Django {version}; Pocket supports Django {oldest} and later.",
            f'Raise the requirement: "django>={oldest}".',
        )


def refuse_oversize(unzipped: int, largest: Sequence[tuple[str, int]], what: str = "packages") -> None:
    """Raises BuildFailed where `unzipped` bytes exceed Lambda's limit; `what` are the `largest` parts."""
    if unzipped > LIMIT:
        names = ", ".join(f"{name} ({megabytes(size)})" for name, size in largest)
        raise BuildFailed(
            f"The artifact is {megabytes(unzipped)} unpacked; Lambda's limit is {megabytes(LIMIT)}."
            f" The largest {what}: {names}.",
            "Remove packages from the project's dependencies, or exclude files with [awscontainer] exclude.",
        )


def megabytes(size: int) -> str:
    """`size` in bytes as text, in units of 1024 x 1024 bytes, as AWS counts them."""
    return f"{size / 1048576:.1f} MB"
