"""What the shop sells to whom."""

from django.db import models

import shop.prices


class Country(models.Model):
    name = models.CharField(max_length=shop.prices.LENGTH)
