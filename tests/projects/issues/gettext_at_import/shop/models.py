"""Wrong: the label is translated once, when the module is imported."""

from django.db import models
from django.utils.translation import gettext as _


class Country(models.Model):
    name = models.CharField(_("name"), max_length=50)
