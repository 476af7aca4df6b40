"""The bulletin board's app."""

from django.apps import AppConfig


class BbsConfig(AppConfig):
    name = "bbs"
    verbose_name = "Bulletin board"
