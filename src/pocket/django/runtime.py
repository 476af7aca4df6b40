"""Functions for `settings.py`: `set_envs()` sets environment variables, `get_django_settings()` returns settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pocket.django.configuration import source
from pocket.django.configuration.errors import improperly_configured
from pocket.naming import PLACEHOLDER_KEY
from pocket.runtime import variables

if TYPE_CHECKING:
    from pocket.manifest import Manifest, Stage

_registered: dict[str, variables.Fetched] = {}
"""By stage: a process has one stage, but a test may change it."""


def set_envs() -> None:
    """Sets the stage's secrets, hosts, endpoints and queue URLs in the environment.

    Does nothing where `POCKET_STAGE` is unset, and when called again. If a call to AWS fails, no variable is set: it
    raises AWSCallFailed (SecretUnavailable for secrets), which lists the variables, and the next call of `set_envs()`
    tries again. Raises ImproperlyConfigured for an unknown stage.
    """
    name = source.stage_name()
    if name is None or name in _registered:
        return
    with improperly_configured():
        manifest, _ = source.manifest()
        stage = source.stage(manifest, name)
    if PLACEHOLDER_KEY in os.environ:
        from pocket.runtime import placeholders

        fetched = variables.Fetched(placeholders.placeholders(stage, os.environ), {}, 0.0)
    else:
        fetched = _fetch(manifest, stage)
    variables.apply(variables.compute(manifest, stage, os.environ, secrets=fetched.secrets, outputs=fetched.outputs))
    _registered[name] = fetched


def _fetch(manifest: Manifest, stage: Stage) -> variables.Fetched:
    if not variables.needs_calls(stage, os.environ):
        return variables.Fetched({}, {}, 0.0)
    from pocket.runtime import prefetch

    return prefetch.take() or variables.fetch(manifest, stage, variables.injected(os.environ))


def registered(stage: str | None) -> variables.Fetched | None:
    """The values that `set_envs()` set for the stage in this process; None where it did not run."""
    return _registered.get(stage or "")


def register(stage: str, fetched: variables.Fetched) -> None:
    """Records that the environment has the values `fetched`."""
    _registered[stage] = fetched


def get_django_settings() -> dict[str, Any]:
    """The `settings` table of the stage in `POCKET_STAGE`, else of `[general.django_fallback]`.

    Raises ImproperlyConfigured.
    """
    with improperly_configured():
        return dict(source.tables()[0].settings)
