"""An app in a namespace package, with a path."""

from pathlib import Path

from django.apps import AppConfig


class PartsConfig(AppConfig):
    name = "shared.parts"
    path = str(Path(__file__).parent)
