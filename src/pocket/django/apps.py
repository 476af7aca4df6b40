"""What `pocket.django` in INSTALLED_APPS adds to a project: checks and management commands, from all rooms.

The app's label is `pocket`: the last part of its name would be `django`.
"""

from __future__ import annotations

from django.apps import AppConfig


class PocketConfig(AppConfig):
    """Touches no model and no database; `ready()` may run more than once."""

    name = "pocket.django"
    label = "pocket"
    verbose_name = "Pocket"

    def ready(self) -> None:
        """Registers Pocket's system checks, which are imported when they run, and enables its loggers."""
        from pocket.django.checks.registration import register
        from pocket.runtime import loggers

        register()
        loggers.enable()
