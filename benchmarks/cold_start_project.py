"""The project that the cold start is measured on, as each case wants it, and how each case is started."""

from __future__ import annotations

from pathlib import Path

from pocket.manifest import Cache, DjangoTables, Handler, Manifest, SecretVariable, Stage

EVENT = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/",
    "rawQueryString": "",
    "headers": {"host": "board.example.com", "accept": "text/html", "user-agent": "benchmark"},
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "api",
        "domainName": "board.example.com",
        "domainPrefix": "board",
        "http": {
            "method": "GET",
            "path": "/",
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": "benchmark",
        },
        "requestId": "request",
        "routeKey": "$default",
        "stage": "$default",
        "time": "21/Nov/2026:03:00:00 +0000",
        "timeEpoch": 1795230000000,
    },
    "isBase64Encoded": False,
}

COMMON = """
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django.contrib.messages", "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "board_urls"
ALLOWED_HOSTS = ["*"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": [
        "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages"]}}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
STATIC_URL = "static/"
USE_TZ = True
"""
URLS = """
from django.contrib import admin
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls), path("", lambda request: HttpResponse("a page"))]
"""
PLAIN = f"""
import os
SECRET_KEY = os.environ.get("SECRET_KEY", "x" * 50)
{COMMON}
CACHES = {{"default": {{"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}}}
"""
HELPED = f"""
import os
from pocket.django.runtime import get_django_settings, set_envs
from pocket.django.utils import get_caches, get_storages
STORAGES = get_storages()
CACHES = get_caches()
set_envs()
SECRET_KEY = os.environ.get("SECRET_KEY", "x" * 50)
{COMMON}
vars().update(get_django_settings())
"""
MAGIC_TOML = """
[general]
region = "eu-west-1"
project_name = "board"
stages = ["dev"]

[container.main]
dockerfile_path = "Dockerfile"

[container.main.handlers.web]
command = "pocket.django.lambda_handlers.wsgi_handler"

[container.main.secrets.managed]
SECRET_KEY = { type = "password", options = { length = 50 } }

[container.main.django.caches.default]
store = "locmem"

[container.main.django.settings]
DEFAULT_FROM_EMAIL = "board@example.com"
"""
ZAPPA_SETTINGS = """
LOG_LEVEL = "WARNING"
DJANGO_SETTINGS = "board_settings"
REMOTE_ENV = "s3://board-env/env.json"
ENVIRONMENT_VARIABLES = {}
API_STAGE = "dev"
PROJECT_NAME = "board"
DEBUG = False
BINARY_SUPPORT = True
EXCEPTION_HANDLER = None
BASE_PATH = None
DOMAIN = None
CONTEXT_HEADER_MAPPINGS = {}
COGNITO_TRIGGER_MAPPING = {}
AWS_EVENT_MAPPING = {}
AWS_BOT_EVENT_MAPPING = {}
"""
_END = "\nimport time; print(status, time.monotonic_ns(), flush=True)\nimport os; os._exit(0)"
_BARE = """
import django
django.setup()
from django.core.handlers.wsgi import WSGIHandler
import io
handler = WSGIHandler()
environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "board.example.com", "SERVER_PORT": "443",
           "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "https", "HTTP_HOST": "board.example.com"}
said = []
response = handler(environ, lambda status, headers: said.append(status))
b"".join(response)
response.close()
status = said[0][:3]
"""
_GC_OFF = f"import gc; gc.disable()\n{_BARE}\ngc.freeze(); gc.enable()"
_LAMBDA = """
import importlib, json, sys
handler = getattr(importlib.import_module("{module}"), "{name}")
class Context:
    aws_request_id = "request"
    function_name = "board-dev-web"
    def get_remaining_time_in_millis(self):
        return 30000
status = handler(json.loads(sys.argv[1]), Context())["statusCode"]
"""
_POCKET = _LAMBDA.format(module="pocket.django.lambda_handlers", name="wsgi_handler")
_ZAPPA = _LAMBDA.format(module="zappa.handler", name="lambda_handler")
_STAGE = {"POCKET_STAGE": "dev", "POCKET_HOSTS": "board.example.com", "POCKET_WEB_HOST": "board.example.com"}

CASES: dict[str, tuple[str, dict[str, str]]] = {
    "bare": (_BARE + _END, {}),
    "bare, GC off": (_GC_OFF + _END, {}),
    "pocket": (_POCKET + _END, _STAGE),
    "pocket, no bundle": (_POCKET + _END, _STAGE),
    "pocket, no secret": (_POCKET + _END, _STAGE),
    "magic-pocket": (_POCKET + _END, {"POCKET_STAGE": "dev", "POCKET_CONTAINER": "main"}),
    "zappa": (_ZAPPA + _END, {}),
}
"""The program of each case, and what it wants in the environment."""


def write(directory: Path, case: str) -> None:
    """Writes the project of `case` into `directory`."""
    directory.mkdir(parents=True)
    helped = case.startswith("pocket") or case == "magic-pocket"
    (directory / "board_settings.py").write_text(HELPED if helped else PLAIN)
    (directory / "board_urls.py").write_text(URLS)
    if case == "magic-pocket":
        (directory / "pocket.toml").write_text(MAGIC_TOML)
        (directory / "pyproject.toml").write_text('[project]\nname = "board"\nversion = "1"\n')
        (directory / "board").mkdir()
        (directory / "board" / "__init__.py").touch()
        wsgi = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
        (directory / "board" / "wsgi.py").write_text(wsgi)
    if case == "zappa":
        (directory / "zappa_settings.py").write_text(ZAPPA_SETTINGS)
    if case.startswith("pocket"):
        (directory / "pocket.manifest.json").write_text(manifest(secret=case != "pocket, no secret").to_json())


def manifest(*, secret: bool) -> Manifest:
    """The manifest of a project with the one stage `dev`."""
    variable = SecretVariable("SECRET_KEY", "secretsmanager", "pocket-dev-board", "SECRET_KEY")
    stage = Stage(
        stack_name="pocket-dev-board",
        django=DjangoTables(caches={"default": Cache("locmem")}, settings={"DEFAULT_FROM_EMAIL": "board@example.com"}),
        handlers={"web": Handler("pocket.django.lambda_handlers.wsgi_handler", 30, address=True)},
        secrets=(variable,) if secret else (),
    )
    return Manifest("board", "eu-west-1", "0", {"dev": stage})
