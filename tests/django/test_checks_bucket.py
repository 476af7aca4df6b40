"""Static files in the stage's bucket: uploaded, and readable."""

from __future__ import annotations

from typing import Any

import pytest
from checking import SITE, Site
from django.core.checks import Error

from pocket.django.checks import bucket_files
from pocket.manifest import DjangoTables, Stage, Storage

S3 = "storages.backends.s3.S3Storage"
STATIC = "storages.backends.s3.S3StaticStorage"
MANIFEST = "storages.backends.s3.S3ManifestStaticStorage"
OWN_DOMAIN = "gallery-files.s3.eu-west-1.amazonaws.com"


def stage(*public: str, **declared: Any) -> Stage:
    storages = {"staticfiles": Storage(**declared)} if declared else {}
    tables = DjangoTables(storages=storages)
    return Stage("s", "gallery-files", public_dirs=public, handlers=SITE.handlers, django=tables)


def settings(backend: str, **options: Any) -> dict[str, Any]:
    given = {"bucket_name": "gallery-files", "location": "static", **options}
    default = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    return {"STORAGES": {"default": default, "staticfiles": {"BACKEND": backend, "OPTIONS": given}}}


NOT_UPLOADED = Error(
    "Pages link to static files in the bucket gallery-files, but no deploy uploads them.",
    hint='Declare [awscontainer.django.storages.staticfiles] with store = "s3" and static = true, and set'
    " STORAGES = get_storages().",
    obj="STORAGES['staticfiles']",
    id="pocket.E048",
)


@pytest.mark.parametrize(
    "declared",
    [{}, {"store": "s3", "location": "static"}, {"store": "filesystem", "location": "static", "static": True}],
)
@pytest.mark.parametrize("backend", [S3, STATIC, MANIFEST])
def test_static_files_that_no_deploy_uploads(site: Site, backend: str, declared: dict[str, Any]) -> None:
    site.deploy(stage("static", **declared))
    assert site.found(bucket_files.uploads, **settings(backend)) == [NOT_UPLOADED]
    assert site.found(bucket_files.uploads, **settings(backend, bucket_name="another")) == [], "its owner fills it"
    assert site.found(bucket_files.uploads, **settings("django.core.files.storage.FileSystemStorage")) == []
    assert site.found(bucket_files.uploads, **settings(backend), INSTALLED_APPS=["pocket.django"]) == [], (
        "there are none"
    )


def test_declared_static_files_are_uploaded(site: Site) -> None:
    site.deploy(stage("static", store="s3", location="static", static=True))
    assert site.found(bucket_files.uploads, **settings(STATIC)) == []


def private(location: str, folders: str) -> Error:
    return Error(
        f"Static files are in {location} of the bucket gallery-files, which is private there: public_dirs of [s3]"
        f" has {folders}. Browsers get a 403 response.",
        hint=f'Add "{location}" to public_dirs in [s3].',
        obj="STORAGES['staticfiles']",
        id="pocket.E049",
    )


def test_behind_a_distribution_the_storage_is_read_through_it(site: Site) -> None:
    declared = DjangoTables(storages={"staticfiles": Storage(store="s3", location="static", static=True)})
    site.deploy(Stage("s", "gallery-files", cdn="web", handlers=SITE.handlers, django=declared))
    [message] = site.found(bucket_files.public, **settings(STATIC))
    assert message.hint.startswith('[cloudfront] serves a private bucket: set store = "cloudfront"')


@pytest.mark.parametrize(
    ("location", "public", "folders"),
    [
        ("static", (), "nothing"),
        ("static", ("media",), '"media"'),
        ("static", ("static/css", "statics"), '"static/css", "statics"'),
        ("assets/static", ("static",), '"static"'),
    ],
)
def test_static_files_that_no_browser_may_read(
    site: Site, location: str, public: tuple[str, ...], folders: str
) -> None:
    site.deploy(stage(*public, store="s3", location=location, static=True))
    options = {"location": location, "custom_domain": OWN_DOMAIN}
    assert site.found(bucket_files.public, **settings(MANIFEST, **options)) == [private(location, folders)]
    assert site.found(bucket_files.public, **settings(STATIC, location=location)) == [private(location, folders)]


def test_the_root_of_the_bucket_is_private(site: Site) -> None:
    site.deploy(stage("static", store="s3", location="", static=True))
    (found,) = site.found(bucket_files.public, **settings(STATIC, location=""))
    assert "are in the root of the bucket" in found.msg
    assert 'a location, such as "static"' in str(found.hint)


@pytest.mark.parametrize(
    ("public", "options"),
    [
        (("static",), {}),
        (("static/",), {}),
        (("assets",), {"location": "assets/static/"}),
        ((), {"querystring_auth": True}),
        ((), {"custom_domain": "static.example.com"}),
    ],
)
def test_static_files_that_browsers_read(site: Site, public: tuple[str, ...], options: dict[str, Any]) -> None:
    site.deploy(stage(*public, store="s3", location="static", static=True))
    assert site.found(bucket_files.public, **settings(STATIC, **options)) == []


def test_signed_addresses_need_a_package_that_signs(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    signed = Storage("cloudfront", "media", signed=True)
    site.deploy(Stage("s", "gallery-files", django=DjangoTables(storages={"default": signed})))
    assert site.found(bucket_files.signing) == [], "cryptography is installed here"
    monkeypatch.setattr(bucket_files, "find_spec", lambda _name: None)
    [message] = site.found(bucket_files.signing)
    assert (message.id, message.obj) == ("pocket.E057", "STORAGES['default']")
    assert "cryptography" in str(message.hint)
    site.deploy(Stage("s", "gallery-files", django=DjangoTables(storages={"default": Storage("cloudfront", "media")})))
    assert site.found(bucket_files.signing) == []
