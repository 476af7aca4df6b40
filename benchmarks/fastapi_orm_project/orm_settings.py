"""Settings of the benchmark's project: one table, on SQLite or PostgreSQL, connections that last."""

import os

SECRET_KEY = "benchmark"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "orm_peers"
USE_TZ = True
LOGGING_CONFIG = None
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "orm_topics"]
MIDDLEWARE: list[str] = []
MIGRATION_MODULES: dict[str, None] = {"auth": None, "contenttypes": None}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [], "DEFAULT_PERMISSION_CLASSES": [], "UNAUTHENTICATED_USER": None}
SILENCED_SYSTEM_CHECKS = ["ninja.W001"]

_database = os.environ["BENCHMARK_DATABASE"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": _database}
    if _database.startswith("/")
    else {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "postgres",
        "HOST": "127.0.0.1",
        "PORT": _database,
    }
}
if "BENCHMARK_THREADS" in os.environ:
    POCKET_API_THREADS = int(os.environ["BENCHMARK_THREADS"])
DATABASES["default"]["CONN_MAX_AGE"] = None  # type: ignore[assignment]
