"""Wrong: the countries are read when the module is imported."""

from shop.models import Country


def names() -> list[str]:
    return [country.name for country in Country.objects.all()]


NAMES = names()
