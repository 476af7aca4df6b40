"""Django's settings for mail, from `[ses]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django

from pocket.django.configuration import source
from pocket.django.configuration.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.manifest import Mail

BACKEND = "pocket.django.mail.EmailBackend"
CONSOLE = "django.core.mail.backends.console.EmailBackend"

_FIRST_WITH_MAILERS = (6, 1)
_OTHERS = ("DEFAULT_FROM_EMAIL", "MAILERS", "SERVER_EMAIL")


def settings(mail: Mail | None, given: Mapping[str, Any], *, deployed: bool) -> dict[str, Any]:
    """The settings for a stage with or without `[ses]`, or for a process without a stage.

    `given` are the settings of pocket.toml: those for mail are kept. Without a stage mail goes to the console, unless
    they say otherwise.
    """
    own = {key: value for key, value in given.items() if key.startswith("EMAIL_") or key in _OTHERS}
    if "EMAIL_BACKEND" in own or "MAILERS" in own:
        return own
    if mail is not None:
        return {**backend(BACKEND), "DEFAULT_FROM_EMAIL": mail.from_email, "SERVER_EMAIL": mail.from_email, **own}
    return own if deployed else {**backend(CONSOLE), **own}


def backend(path: str) -> dict[str, Any]:
    """The setting that names the backend: MAILERS from Django 6.1 on, which deprecates EMAIL_BACKEND."""
    if django.VERSION >= _FIRST_WITH_MAILERS:
        return {"MAILERS": {"default": {"BACKEND": path}}}
    return {"EMAIL_BACKEND": path}


def of_stage() -> tuple[Mail, str]:
    """The stage's `[ses]` and its region. Raises SettingsError where there is none."""
    manifest, _ = source.manifest()
    name = source.stage_name()
    stage = source.stage(manifest, name) if name else None
    if stage is None or stage.mail is None:
        raise SettingsError(
            f"{BACKEND} needs a stage with [ses].",
            "Use get_email_settings(), which sets this backend only where the stage has [ses].",
        )
    return stage.mail, stage.mail.region or stage.region or manifest.region
