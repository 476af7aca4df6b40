"""Pocket's configuration errors as subclasses of Django's ImproperlyConfigured."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured

from pocket.errors import ConfigError, ManifestError, PocketError

if TYPE_CHECKING:
    from collections.abc import Iterator


class SettingsError(ConfigError, ImproperlyConfigured):
    """Settings cannot be made from pocket.toml."""


class SetupFailed(PocketError, ImproperlyConfigured):
    """Django could not be set up for an API, or the API's configuration is invalid."""


class ReleaseError(ManifestError, ImproperlyConfigured):
    """Settings cannot be made from the manifest."""


@contextmanager
def improperly_configured() -> Iterator[None]:
    """Turns a ConfigError into a SettingsError and a ManifestError into a ReleaseError, with the same message."""
    try:
        yield
    except (SettingsError, ReleaseError):
        raise
    except ConfigError as error:
        raise SettingsError(str(error)) from error
    except ManifestError as error:
        raise ReleaseError(error.message, error.hint) from error
