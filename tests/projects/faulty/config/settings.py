"""Settings with faults. Beside each stands the check that names it."""

import os
from pathlib import Path

import django

from pocket.django.runtime import get_django_settings, set_envs

BASE_DIR = Path(__file__).resolve().parent.parent

set_envs()
vars().update(get_django_settings())

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = True  # pocket.E044
ALLOWED_HOSTS = ["shop.example.com"]  # pocket.E041
USE_X_FORWARDED_HOST = True  # pocket.W043
TIME_ZONE = "UTC"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "pocket.django",
    "shop",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",  # pocket.W042
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "shop.middleware.banner",  # pocket.W052
]
ROOT_URLCONF = "config.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",  # pocket.E020
        "NAME": BASE_DIR / "shop.sqlite3",
        "ATOMIC_REQUESTS": True,  # pocket.E022
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": False,  # pocket.W021
    }
}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "pages": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": "/var/shop"},  # pocket.E012
}
SESSION_ENGINE = "django.contrib.sessions.backends.cache"  # pocket.E030
REST_FRAMEWORK = {"DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"]}  # pocket.W031

MEDIA_ROOT = BASE_DIR / "media"
FILE_UPLOAD_TEMP_DIR = str(BASE_DIR)  # pocket.E013
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024  # pocket.W040
STATIC_URL = "https://static.example.com/"  # pocket.W045
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "storages.backends.s3.S3ManifestStaticStorage",  # pocket.E046
        "OPTIONS": {"bucket_name": "faulty", "location": "static", "custom_domain": "cdn.example.com"},
    },
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": BASE_DIR / "shop.log"}},  # pocket.E011
    "root": {"handlers": ["file"]},
}
TASKS = {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}  # pocket.W051

if django.VERSION >= (6, 1):
    EMAIL_HOST = "mail.example.com"  # pocket.W050
else:
    MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend"}}  # pocket.W050

# What Django itself would say of a deployment is in order here, but for DEBUG, of which Pocket speaks too.
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 31536000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SILENCED_SYSTEM_CHECKS = ["security.W018"]
