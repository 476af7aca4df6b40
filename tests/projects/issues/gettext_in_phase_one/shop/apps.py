"""Wrong: the name is translated before the catalogues can be found."""

from django.apps import AppConfig
from django.utils.translation import gettext as _


class ShopConfig(AppConfig):
    name = "shop"
    verbose_name = _("Shop")
