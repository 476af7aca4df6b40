"""Placeholders for secrets, with which a stage's settings are loaded without AWS.

The variable's name decides the form. For other forms, pocket.toml has `placeholders` in [awscontainer.secretsmanager].
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.manifest import Stage

PLACEHOLDER = "cGxhY2Vob2xkZXI6IHRoaXMgc3RhbmRzIGZvciBhIHNlY3JldCB0aGF0IHdhcyBub3QgcmVhZA=="
"""Long enough for Django's check of SECRET_KEY, and Base64, as RSA keys are; decoded, it is a short explanation."""

DATABASE = "sqlite:///:memory:"

_BY_NAME = (
    (r"DATABASE.*UR[IL]", DATABASE),
    (r"(?:CACHE|REDIS|BROKER|CELERY|CHANNELS?|QUEUE).*UR[IL]", "redis://placeholder.invalid:6379/0"),
    (r"(?:EMAIL|MAIL|SMTP).*UR[IL]", "smtp://placeholder.invalid:25"),
    (r"(?:SEARCH|HAYSTACK).*UR[IL]", "simple://"),
    (r"DSN$", "https://placeholder@placeholder.invalid/1"),
    (r"(?:UR[IL]|ENDPOINT)S?$", "https://placeholder.invalid/"),
    (r"PORT$", "1"),
)
"""The first pattern found in a name decides. Nothing answers at these addresses."""


def of_name(name: str) -> str:
    """The placeholder for a variable of this name."""
    return next((value for pattern, value in _BY_NAME if re.search(pattern, name)), PLACEHOLDER)


def placeholders(stage: Stage, environ: Mapping[str, str]) -> dict[str, str]:
    """A placeholder for each secret variable that is not in the environment."""
    database = stage.database.variable if stage.database else None

    def of(name: str) -> str:
        return DATABASE if name == database else of_name(name)

    found = {database: DATABASE} if database is not None and database not in environ else {}
    return found | {
        item.name: of(item.name) if item.placeholder is None else item.placeholder
        for item in stage.secrets
        if item.name not in environ
    }
