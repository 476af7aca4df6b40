"""The shop's entry in the registry."""

from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"

    def ready(self) -> None:
        from shop.models import Country

        self.home = Country.objects.get(name="Sweden")
