"""What `settings.py` takes from the stage: `set_envs()` for the environment, `get_django_settings()` for settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pocket.django.configuration import source
from pocket.django.configuration.faults import improperly_configured
from pocket.naming import PLACEHOLDER_KEY
from pocket.runtime import registration

if TYPE_CHECKING:
    from pocket.manifest import Manifest, Stage

_registered: dict[str, registration.Fetched] = {}
"""What was registered, by stage: a process has one, but a test may change it."""


def set_envs() -> None:
    """Registers the stage's secrets, hosts, endpoints and queue URLs in the environment.

    Does nothing at all where `POCKET_STAGE` is unset, and nothing more when called again. Everything is set or, where
    a call fails, nothing: AWSCallFailed (SecretUnavailable where secrets are missing) names the variables, and the
    next call tries again. Raises ImproperlyConfigured where the stage is not known.
    """
    name = source.stage_name()
    if name is None or name in _registered:
        return
    with improperly_configured():
        manifest, _ = source.manifest()
        stage = source.stage(manifest, name)
    if PLACEHOLDER_KEY in os.environ:
        from pocket.runtime import placeholders

        fetched = registration.Fetched(placeholders.placeholders(stage, os.environ), {}, 0.0)
    else:
        fetched = _fetch(manifest, stage)
    registration.apply(
        registration.variables(manifest, stage, os.environ, secrets=fetched.secrets, outputs=fetched.outputs)
    )
    _registered[name] = fetched


def _fetch(manifest: Manifest, stage: Stage) -> registration.Fetched:
    if not registration.needs_calls(stage, os.environ):
        return registration.Fetched({}, {}, 0.0)
    from pocket.runtime import prefetch

    return prefetch.take() or registration.fetch(manifest, stage, registration.injected(os.environ))


def registered(stage: str | None) -> registration.Fetched | None:
    """What `set_envs()` registered for the stage in this process; None where it did not run."""
    return _registered.get(stage or "")


def register(stage: str, fetched: registration.Fetched) -> None:
    """Notes that `fetched` is what the environment holds now."""
    _registered[stage] = fetched


def get_django_settings() -> dict[str, Any]:
    """The `settings` table: of the stage that `POCKET_STAGE` names, else of `[general.django_fallback]`.

    Raises ImproperlyConfigured.
    """
    with improperly_configured():
        return dict(source.tables()[0].settings)
