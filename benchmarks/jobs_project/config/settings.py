import os

from pocket.django.runtime import get_django_settings, set_envs
from pocket.django.utils import get_tasks

set_envs()
SECRET_KEY = "x" * 50
INSTALLED_APPS = ["pocket.django", "pocket.jobs", "work"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
ROOT_URLCONF = "config.urls"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
DATABASE_URL = os.environ.get("DATABASE_URL", "sqlite:///db.sqlite3")
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE_URL.partition("://")[2][1:]}}
DATABASES["default"]["OPTIONS"] = {"timeout": 30}
TASKS = get_tasks()
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008", "security.W009"]
vars().update(get_django_settings())
