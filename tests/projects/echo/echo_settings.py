"""Settings of the echo project: nothing but views that tell what reached them."""

import os

SECRET_KEY = "echo"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "echo_urls"
INSTALLED_APPS: list[str] = []
MIDDLEWARE: list[str] = []
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("ECHO_DATABASE", ":memory:")}}
USE_TZ = True
LOGGING_CONFIG = None
