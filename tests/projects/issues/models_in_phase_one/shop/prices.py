"""Prices, which need the countries."""

from shop.models import Country

TAX = {Country: 19}
