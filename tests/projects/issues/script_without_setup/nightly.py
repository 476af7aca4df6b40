"""Wrong: models are imported, and nobody has set Django up."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

from shop.report import count

if __name__ == "__main__":
    print(count())
