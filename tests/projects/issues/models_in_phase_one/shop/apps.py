"""Wrong: the module of the configuration reaches a model, by way of another one."""

from django.apps import AppConfig

from shop.prices import TAX


class ShopConfig(AppConfig):
    name = "shop"
    tax = TAX
