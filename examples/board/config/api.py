"""The API: Django set up, and the routers of all installed apps."""

import os

from pocket.fastapi import create_app

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = create_app(title="Riverside Board", version="1")
