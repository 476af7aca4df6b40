from django.apps import AppConfig


class SilentConfig(AppConfig):
    name = "silent"
    api_module = None
