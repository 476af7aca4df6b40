"""A script that sets Django up first."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from shop.models import Country  # noqa: E402

print(Country.objects.count())
