"""The shop's entry in the registry."""

from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"
