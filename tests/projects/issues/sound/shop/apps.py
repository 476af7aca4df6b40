"""The shop's entry in the registry: everything that the others do wrong, done right."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import pre_save
from django.utils.translation import gettext_lazy as _


class ShopConfig(AppConfig):
    name = "shop"
    verbose_name = _("Shop")

    def ready(self) -> None:
        from shop.models import Country

        pre_save.connect(tidy, sender=Country)
        register(well_stocked)


class LaterConfig(ShopConfig):
    default = False


def tidy(instance: Any, **kwargs: Any) -> None:
    instance.name = instance.name.strip()


def well_stocked(app_configs: object, **kwargs: object) -> list[object]:
    return []
