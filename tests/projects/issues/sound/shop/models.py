"""What the shop sells to whom, with a relation by label."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Country(models.Model):
    name = models.CharField(_("name"), max_length=50)
    owner = models.ForeignKey("auth.User", models.CASCADE, null=True)

    class Meta:
        verbose_name = _("country")
