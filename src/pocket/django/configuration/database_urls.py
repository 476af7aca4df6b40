"""DATABASES from the URL of a database, and the parts of such a URL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pocket.django.configuration.errors import SettingsError

if TYPE_CHECKING:
    from pocket.manifest import Stage

ENGINES = {
    "postgres": "django.db.backends.postgresql",
    "postgresql": "django.db.backends.postgresql",
    "pgsql": "django.db.backends.postgresql",
    "postgis": "django.contrib.gis.db.backends.postgis",
    "mysql": "django.db.backends.mysql",
    "sqlite": "django.db.backends.sqlite3",
}
"""The ENGINE for each scheme; a scheme with a dot is an ENGINE itself."""

KEYS = ("HOST", "PORT", "NAME", "USER", "PASSWORD")

_BOOLEANS = {"ATOMIC_REQUESTS", "AUTOCOMMIT", "CONN_HEALTH_CHECKS", "DISABLE_SERVER_SIDE_CURSORS"}
"""Keys of an entry of DATABASES that a URL's query may set; anything else there is one of its OPTIONS."""
_TRUE = {"1", "true", "yes", "on", "t", "y"}
_FALSE = {"0", "false", "no", "off", "f", "n"}


def databases(stage: Stage | None) -> dict[str, Any]:
    """DATABASES of the stage, or of a laptop; raises SettingsError."""
    if stage is not None and stage.database is None:
        raise SettingsError("pocket.toml has no [database] for this stage.", 'Add [database] engine = "postgresql".')
    variable = "DATABASE_URL" if stage is None or stage.database is None else stage.database.variable
    url = os.environ.get(variable)
    if not url:
        hint = "Call set_envs() before get_databases()."
        if stage is None:
            hint = f"Set it, for example in .env: {variable}=sqlite:///db.sqlite3"
        raise SettingsError(f"{variable}, which holds the URL of the database, is not set.", hint)
    found = entry(url)
    if found is None:
        del url  # error reports show the variables of the frame that raises
        raise SettingsError(
            f"{variable} is not the URL of a database; its value is not shown.",
            f"Expected scheme://user:password@host:port/name, with one of the schemes {', '.join(ENGINES)}, and"
            " special characters percent-encoded: p@ss is p%40ss.",
        )
    return {"default": found}


def entry(url: str) -> dict[str, Any] | None:
    """The entry of DATABASES for a URL; None if it is not one."""
    found = parts(url)
    engine = None if found is None else ENGINES.get(found["scheme"], found["scheme"])
    if found is None or engine is None or "." not in engine:
        return None
    if engine == ENGINES["sqlite"]:
        return {"ENGINE": engine, "NAME": found["NAME"] or ":memory:"}
    if not found["HOST"] or not found["NAME"]:
        return None
    result: dict[str, Any] = {"ENGINE": engine, **{key: found[key] for key in KEYS}}
    options: dict[str, Any] = {}
    for name, value in parse_qsl(urlsplit(url).query):
        key = name.upper()
        if key in _BOOLEANS:
            if value.lower() not in _TRUE | _FALSE:
                return None
            result[key] = value.lower() in _TRUE
        elif key == "CONN_MAX_AGE":
            if not value.isdecimal() and value.lower() != "none":
                return None
            result[key] = int(value) if value.isdecimal() else None
        else:
            options[name] = int(value) if value.isdecimal() else value
    return {**result, "OPTIONS": options} if options else result


def parts(url: str) -> dict[str, str] | None:
    """The `scheme` of a database's URL, and its values for the keys of DATABASES in `KEYS`; None if it is not one."""
    if url == "sqlite://:memory:":
        url = "sqlite://"
    try:
        found = urlsplit(url)
        port = found.port
    except ValueError:
        return None
    if not found.scheme or "://" not in url:
        return None
    return {
        "scheme": found.scheme,
        "HOST": unquote(found.hostname or ""),
        "PORT": str(port or ""),
        "NAME": unquote(found.path.removeprefix("/")),
        "USER": unquote(found.username or ""),
        "PASSWORD": unquote(found.password or ""),
    }
