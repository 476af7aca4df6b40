"""The shop's entry in the registry."""

from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"

    def ready(self) -> None:
        from django.contrib import admin

        from shop.models import Country

        admin.site.register(Country)
