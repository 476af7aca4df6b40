"""The shop in the admin."""

from django.contrib import admin

from shop.models import Country

admin.site.register(Country)
