"""The Django app: put `pocket.django` into INSTALLED_APPS."""
