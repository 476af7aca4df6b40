"""What the shop sells to whom."""

from django.db import models


class Country(models.Model):
    name = models.CharField(max_length=50)


COUNTRIES = list(Country.objects.values_list("name", flat=True))
