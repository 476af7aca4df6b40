"""What the script uses."""

from shop.models import Country


def count() -> int:
    return Country.objects.count()
