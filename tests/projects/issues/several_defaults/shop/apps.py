"""The shop's entry in the registry."""

from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"
    default = True


class WholesaleConfig(ShopConfig):
    verbose_name = "Wholesale"
