"""The shop's entry in the registry."""

from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"

    def ready(self) -> None:
        self.rates = {}["SEK"]
