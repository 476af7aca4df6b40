"""What a function does at start-up instead of in its first request."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fresh import evaluate, run
from lambda_events import RequestSpec, event_of

SETTINGS = """
SECRET_KEY = "x" * 50
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.messages",
                  "django.contrib.sessions", "django.contrib.admin", "pocket.django"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
              "django.contrib.auth.middleware.AuthenticationMiddleware",
              "django.contrib.messages.middleware.MessageMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
                           "django.contrib.messages.context_processors.messages"]}}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
ROOT_URLCONF = "warm_urls"
ALLOWED_HOSTS = ["*"]
LANGUAGE_CODE = "ja"
"""
URLS = """
from django.contrib import admin
from django.http import HttpResponse
from django.template import engines
from django.urls import path

def page(request):
    text = "{% load i18n %}{% url 'admin:login' %} {% translate 'Yes' %}"
    return HttpResponse(engines["django"].from_string(text).render({}, request))

urlpatterns = [path("admin/", admin.site.urls), path("page", page)]
"""


def environment(directory: Path, urls: str = URLS) -> dict[str, str]:
    (directory / "warm_settings.py").write_text(SETTINGS)
    (directory / "warm_urls.py").write_text(urls)
    return {"DJANGO_SETTINGS_MODULE": "warm_settings"}


@pytest.mark.parametrize("handler", ["wsgi_handler", "asgi_handler"])
def test_urls_templates_and_language_are_loaded_before_the_first_request(tmp_path: Path, handler: str) -> None:
    event = json.dumps(event_of("http_api", RequestSpec(path="/page")))
    code = f"""
import sys
from pocket.django.lambda_handlers import {handler} as handler
from django.utils.translation import trans_real
languages = sorted(trans_real._translations)
before = set(sys.modules)
answer = handler(json.loads({event!r}), None)
answer = json.loads(answer) if isinstance(answer, bytes) else answer
result = [answer["statusCode"], answer["body"], sorted(set(sys.modules) - before), languages]
"""
    status, body, loaded, languages = evaluate(code, tmp_path, environment(tmp_path))
    assert (status, body) == (200, "/admin/login/ はい")
    small = ("django.contrib.messages.storage", "django.contrib.sessions.serializers")
    assert [name for name in loaded if name.startswith(("django", "warm_")) and not name.startswith(small)] == []
    assert "ja" in languages


def test_function_with_invalid_urls_does_not_start(tmp_path: Path) -> None:
    environ = environment(tmp_path, "import nothing_of_that_name\n")
    done = run("from pocket.django.lambda_handlers import wsgi_handler", tmp_path, environ)
    assert done.returncode == 1
    assert "nothing_of_that_name" in done.stderr


STATIC = """
from django.conf import settings
from django.conf.urls.static import static as served
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import default_storage
from django.http import JsonResponse
from django.templatetags.static import static
from django.urls import path

staticfiles_storage.url("at-import.css"), default_storage.url("at-import.png")

def page(request):
    return JsonResponse([settings.STATIC_URL, static("a.css"), default_storage.url("a.png")], safe=False)

urlpatterns = [path("page", page), *served(settings.STATIC_URL, document_root="."), *served(settings.MEDIA_URL)]
"""
STATIC_SETTINGS = """
INSTALLED_APPS += ["django.contrib.staticfiles"]
STATIC_URL = "static/"
MEDIA_URL = "media/"
DEBUG = True
"""


@pytest.mark.parametrize("handler", ["wsgi_handler", "asgi_handler"])
@pytest.mark.parametrize(("form", "stage"), [("rest_api", "/dev"), ("function_url", "")])
def test_urls_of_files_have_the_prefix_of_the_first_request(
    tmp_path: Path, handler: str, form: str, stage: str
) -> None:
    environ = environment(tmp_path, STATIC)
    (tmp_path / "warm_settings.py").write_text(SETTINGS + STATIC_SETTINGS)
    event = json.dumps(event_of(form, RequestSpec(path="/page", stage="dev")))
    code = f"""
import json
from pocket.django.lambda_handlers import {handler} as handler
result = json.loads(handler(json.loads({event!r}), None)["body"])
"""
    found = evaluate(code, tmp_path, environ)
    assert found == [f"{stage}/static/", f"{stage}/static/a.css", f"{stage}/media/a.png"]
