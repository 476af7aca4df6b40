"""Wrong: each call of ready() makes and registers another receiver, check and entry."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import pre_save

REGISTRY: list[str] = []


class ShopConfig(AppConfig):
    name = "shop"

    def ready(self) -> None:
        def tidy(instance: Any, **kwargs: Any) -> None:
            instance.name = instance.name.strip()

        def well_stocked(app_configs: object, **kwargs: object) -> list[object]:
            return []

        pre_save.connect(tidy, sender="shop.Country", weak=False)
        register(well_stocked)
        REGISTRY.append(self.name)
