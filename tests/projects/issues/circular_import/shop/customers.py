"""Customers, who live in countries."""

from django.db import models

from shop.models import Country


class Customer(models.Model):
    country = models.ForeignKey(Country, models.CASCADE)

    class Meta:
        app_label = "shop"
