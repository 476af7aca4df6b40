"""The size of requests, middleware that changes threads, static files, mail and tasks."""

from __future__ import annotations

from typing import Any

import django
import pytest
from checking import SITE, Site
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning

from pocket import naming
from pocket.django.checks import http, services, static
from pocket.manifest import DjangoTables, Handler, Stage, Storage

S3 = "storages.backends.s3.S3ManifestStaticStorage"
DISK = "django.contrib.staticfiles.storage.StaticFilesStorage"
HASHED = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"


@pytest.mark.parametrize("name", ["DATA_UPLOAD_MAX_MEMORY_SIZE", "FILE_UPLOAD_MAX_MEMORY_SIZE"])
def test_a_limit_is_not_larger_than_lambdas(site: Site, name: str) -> None:
    def too_large(size: str) -> CheckWarning:
        return CheckWarning(
            f"{name} is {size}, but Lambda accepts requests of at most 6,291,456 bytes. A larger request gets a"
            " 413 response before Django sees it.",
            hint="Stay below 4.5 MB, since files are sent as Base64. Let browsers upload larger files to S3 with"
            " a signed form.",
            obj=name,
            id="pocket.W040",
        )

    assert site.found(http.upload_limits, **{name: 6291457}) == [too_large("6,291,457 bytes")]
    assert site.found(http.upload_limits, **{name: None}) == [too_large("unlimited")]
    assert site.found(http.upload_limits, **{name: 6291456}) == []
    assert site.found(http.upload_limits) == []


MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware",
    "gallery.middleware.both",
    "gallery.middleware.synchronous",
]
OWN = "from django.core.asgi import get_asgi_application\nhandler = get_asgi_application()\n"


def own_handler(command: str) -> Stage:
    return Stage(stack_name="s", handlers={"site": Handler(command, 30, address=True)})


def test_middleware_changes_threads_behind_djangos_own_asgi_handler(site: Site) -> None:
    site.write("own_handlers.py", OWN)
    site.write("application_of_site.py", OWN)
    site.write("indirect_handlers.py", "from application_of_site import handler\n")
    settings: dict[str, Any] = {"MIDDLEWARE": MIDDLEWARE, "ROOT_URLCONF": "gallery.async_urls"}
    expected = CheckWarning(
        "gallery.middleware.synchronous is synchronous. Behind the handler 'site', each request to an"
        " asynchronous view changes threads for it twice.",
        hint="Make it async_capable, or use pocket.django.lambda_handlers.asgi_handler, which runs both kinds in"
        " one thread.",
        obj="gallery.middleware.synchronous",
        id="pocket.W052",
    )
    site.deploy(own_handler("own_handlers.handler"))
    assert site.found(http.middleware, **settings) == [expected]
    assert site.found(http.middleware, **{**settings, "ROOT_URLCONF": "checked_urls"}) == [], (
        "its views are synchronous"
    )
    assert site.found(http.middleware, **{**settings, "MIDDLEWARE": MIDDLEWARE[:2]}) == []
    site.deploy(own_handler("indirect_handlers.handler"))
    assert site.found(http.middleware, **settings) == []
    found = site.found(http.middleware, **settings, ASGI_APPLICATION="application_of_site.handler")
    assert found == [expected]
    site.deploy(own_handler(naming.ASGI_HANDLER))
    assert site.found(http.middleware, **settings) == [], "Pocket's handler has one thread"


def storages(backend: str, **options: Any) -> dict[str, Any]:
    return {"STORAGES": {"default": {"BACKEND": DISK}, "staticfiles": {"BACKEND": backend, "OPTIONS": options}}}


def test_static_files_in_the_artifact_that_are_not_served(site: Site) -> None:
    expected = CheckWarning(
        "Static files are in the artifact, and nothing serves them at /static/. API Gateway passes requests for"
        " them to Django, which responds with 404.",
        hint='Declare [awscontainer.django.storages.staticfiles] with store = "s3" and static = true.',
        obj="STORAGES['staticfiles']",
        id="pocket.W047",
    )
    assert site.found(static.addresses, **storages(DISK)) == [expected]
    assert site.found(static.addresses, **storages(DISK), STATIC_URL="https://cdn.example.com/") == []
    whitenoise = ["whitenoise.middleware.WhiteNoiseMiddleware"]
    assert site.found(static.addresses, **storages(DISK), MIDDLEWARE=whitenoise) == []
    assert site.found(static.addresses, **storages(S3, custom_domain="cdn.example.com")) == []
    site.deploy(Stage(stack_name="s", handlers={"jobs": Handler(naming.MANAGEMENT_HANDLER, 30)}))
    assert site.found(static.addresses, **storages(DISK)) == [], "the stage has no site"


def test_a_url_that_a_view_answers_is_served(site: Site) -> None:
    site.write(
        "serving_urls.py",
        "from django.urls import path\nfrom django.views.static import serve\n"
        'urlpatterns = [path("static/<path:path>", serve, {"document_root": "."})]\n',
    )
    assert site.found(static.addresses, **storages(DISK), ROOT_URLCONF="serving_urls") == []


def test_static_url_and_storage_have_the_same_place(site: Site) -> None:
    place = storages(S3, custom_domain="cdn.example.com", location="static")
    assert site.found(static.addresses, **place, STATIC_URL="https://static.example.com/") == [
        CheckWarning(
            "STATIC_URL is https://static.example.com/, but the storage of static files serves them from"
            " https://cdn.example.com/static/.",
            hint="Use one address for both, or make STATIC_URL a path: pages get the address from the storage.",
            obj="STATIC_URL",
            id="pocket.W045",
        )
    ]
    assert site.found(static.addresses, **place, STATIC_URL="https://cdn.example.com/static/") == []
    assert site.found(static.addresses, **place, STATIC_URL="/static/") == []
    assert site.found(static.addresses, **storages(S3), STATIC_URL="https://static.example.com/") == []


NO_MAP = Error(
    "Static files have hashed names, but the artifact has no manifest of them: every page with a static file gets"
    " a 500 response.",
    hint="Declare [awscontainer.django.storages.staticfiles] with static = true and manifest = true, and set"
    " STORAGES = get_storages(). The deploy then collects the files and writes the manifest.",
    obj="STORAGES['staticfiles']",
    id="pocket.E046",
)


@pytest.mark.parametrize("backend", [S3, HASHED])
def test_hashed_names_need_their_map_in_the_artifact(site: Site, backend: str) -> None:
    assert site.found(static.manifest, **storages(backend)) == [NO_MAP]
    assert site.found(static.manifest, **storages(DISK)) == []
    assert site.found(static.manifest, **storages(backend, manifest_strict=False)) == []
    site.write(naming.STATIC_MANIFEST_FILE, "{}")
    assert site.found(static.manifest, **storages(backend)) == []


def test_before_a_deploy_the_file_decides_whether_there_will_be_a_map(site: Site) -> None:
    declared = {"staticfiles": Storage(store="s3", location="static", static=True, manifest=True)}
    site.deploy(SITE, POCKET_PLACEHOLDER_SECRETS="1")
    assert site.found(static.manifest, **storages(S3)) == [NO_MAP]
    stage = Stage(stack_name="s", handlers=SITE.handlers, django=DjangoTables(storages=declared))
    site.deploy(stage, POCKET_PLACEHOLDER_SECRETS="1")
    assert site.found(static.manifest, **storages(S3)) == []


def test_a_map_of_the_project_itself_is_accepted(site: Site) -> None:
    site.write("collected/staticfiles.json", "{}")
    assert site.found(static.manifest, **storages(HASHED), STATIC_ROOT=str(site.folder / "collected")) == []


def test_a_project_without_static_files_needs_neither(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.conf.settings.INSTALLED_APPS", ["gallery"])
    assert site.found(static.manifest, **storages(HASHED)) == []
    assert site.found(static.addresses, **storages(DISK)) == []


def mail(name: str, what: str, hint: str) -> CheckWarning:
    return CheckWarning(
        f"Mail is set up by {name}, which Django {django.get_version()} {what}. Without it, mail goes to"
        " localhost, where a function has no mail server.",
        hint=f"{hint}, in the settings module or in [awscontainer.django.settings].",
        obj=name,
        id="pocket.W050",
    )


@pytest.mark.skipif(django.VERSION >= (6, 1), reason="MAILERS came with Django 6.1")
def test_mail_is_not_set_up_by_a_setting_that_this_django_does_not_know(site: Site) -> None:
    expected = mail("MAILERS", "does not read", "Set EMAIL_BACKEND, EMAIL_HOST and so on instead")
    assert site.found(services.mail, MAILERS={"default": {}}) == [expected]
    assert site.found(services.mail, EMAIL_HOST="mail.example.com") == []


@pytest.mark.skipif(django.VERSION < (6, 1), reason="MAILERS came with Django 6.1")
@pytest.mark.filterwarnings("ignore:The EMAIL_HOST setting is deprecated")
def test_mail_is_not_set_up_by_a_setting_that_django_removes(site: Site) -> None:
    expected = mail("EMAIL_HOST", "is about to remove", "Define MAILERS instead")
    assert site.found(services.mail, EMAIL_HOST="mail.example.com") == [expected]
    assert site.found(services.mail, MAILERS={"default": {}}) == []


def test_no_setting_of_mail_is_not_an_issue(site: Site) -> None:
    assert site.found(services.mail) == []


def test_tasks_leave_the_request(site: Site) -> None:
    immediate = {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}
    assert site.found(services.tasks, TASKS=immediate) == [
        CheckWarning(
            "Tasks of 'default' run immediately, within the request that enqueues them and its timeout.",
            hint="Use a backend whose tasks run in a function of their own, or send a management command to a"
            " queue with pocket_call_command().",
            obj="TASKS['default']",
            id="pocket.W051",
        )
    ]
    assert site.found(services.tasks, TASKS={"default": {"BACKEND": "site.tasks.QueueBackend"}}) == []
    assert site.found(services.tasks) == []


@pytest.mark.skipif(django.VERSION < (6, 0), reason="django.tasks came with Django 6.0")
def test_djangos_default_counts_where_the_project_has_tasks(site: Site) -> None:
    site.write("pictures/tasks.py", "from django.tasks import task\n")
    assert [message.id for message in site.found(services.tasks)] == ["pocket.W051"]


def test_static_files_that_are_searched_and_served_from_elsewhere(site: Site) -> None:
    whitenoise = ["whitenoise.middleware.WhiteNoiseMiddleware"]
    assert [item.id for item in site.found(static.scanned, **storages(S3), MIDDLEWARE=whitenoise)] == ["pocket.W054"]
    assert site.found(static.scanned, **storages(DISK), MIDDLEWARE=whitenoise) == []
    assert site.found(static.scanned, **storages(S3)) == []


IMPORT = "from django.core.wsgi import get_wsgi_application\n"
WRAPPERS = [
    f"{IMPORT}application = Guard(get_wsgi_application())\n",
    f"{IMPORT}application = get_wsgi_application()\napplication = Guard(application)\n",
    f"{IMPORT}django_application = get_wsgi_application()\ndef application(environ, start_response): ...\n",
]
PLAIN = [
    f"{IMPORT}application = get_wsgi_application()\n",
    "import django.core.wsgi as wsgi\napp = wsgi.get_wsgi_application()\napplication = app\n",
    "from elsewhere import application\n",
]


@pytest.mark.parametrize("text", [*WRAPPERS, *PLAIN])
def test_a_wrapper_around_djangos_application_is_an_issue(site: Site, text: str) -> None:
    name = f"wsgi_{[*WRAPPERS, *PLAIN].index(text)}"
    site.write(f"{name}.py", text)
    path = f"{name}.application"
    found = site.found(http.applications, WSGI_APPLICATION=path)
    if text in PLAIN:
        assert found == []
        return
    assert [(item.id, item.obj) for item in found] == [("pocket.W056", "WSGI_APPLICATION")]
    assert found[0].msg.startswith(f"{path} wraps Django's application")
    assert site.found(http.applications, ASGI_APPLICATION=path) == [], "no handler serves it"
    site.deploy(own_handler(f"{name}.handler"))
    assert site.found(http.applications, WSGI_APPLICATION=path) == [], "the project's own handler does what it does"
