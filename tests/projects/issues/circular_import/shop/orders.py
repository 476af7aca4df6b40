"""Orders, which have customers."""

from django.db import models

from shop.customers import Customer


class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE)

    class Meta:
        app_label = "shop"
