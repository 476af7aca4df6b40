"""What keeps an API from starting."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from pocket.errors import PocketError


class SetupFailed(PocketError, ImproperlyConfigured):
    """Django could not be set up for the API, or an app's API could not be imported."""
