"""The shop's entry in the registry."""

from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"


class OtherConfig(AppConfig):
    name = "shop"
    label = "other"
    default = False
