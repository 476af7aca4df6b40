"""Pocket's configuration errors as Django knows them: also ImproperlyConfigured."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured

from pocket.errors import ConfigError, ManifestError, PocketError

if TYPE_CHECKING:
    from collections.abc import Iterator


class SettingsError(ConfigError, ImproperlyConfigured):
    """pocket.toml, or what it lacks, does not give the settings that were asked for."""


class SetupFailed(PocketError, ImproperlyConfigured):
    """Django could not be set up for an API, or the API cannot be what the project asks for."""


class ReleaseError(ManifestError, ImproperlyConfigured):
    """The manifest in the artifact does not give the settings that were asked for."""


@contextmanager
def improperly_configured() -> Iterator[None]:
    """Turns a ConfigError into a SettingsError and a ManifestError into a ReleaseError, with the same words."""
    try:
        yield
    except (SettingsError, ReleaseError):
        raise
    except ConfigError as error:
        raise SettingsError(str(error)) from error
    except ManifestError as error:
        raise ReleaseError(error.message, error.hint) from error
