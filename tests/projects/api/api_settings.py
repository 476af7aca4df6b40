"""Settings of the API project; the environment says which database: a SQLite file or a PostgreSQL port."""

import os

SECRET_KEY = "api"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "api_urls"
USE_TZ = True
LOGGING_CONFIG = None
MEDIA_URL = "/media/"
STATIC_URL = "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "library",
    "shelves",
    "silent",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "library.tokens.TokenBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MIGRATION_MODULES: dict[str, None] = {"auth": None, "contenttypes": None, "sessions": None}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

if "API_POSTGRES_PORT" in os.environ:
    _engine = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "postgres",
        "HOST": "127.0.0.1",
        "PORT": os.environ["API_POSTGRES_PORT"],
    }
else:
    _engine = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("API_SQLITE_FILE", ":memory:"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30},
    }

DATABASES = {"default": {**_engine, "CONN_MAX_AGE": None}}
