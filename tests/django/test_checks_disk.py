"""What a function would write, and cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from checking import Site
from django.apps import apps
from django.core.checks import Error
from django.test import override_settings

from pocket.django.checks import disk

FILESYSTEM = "django.core.files.storage.FileSystemStorage"
SHARED = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}


def pictures(location: str) -> dict[str, Any]:
    return {
        "default": {"BACKEND": FILESYSTEM},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        "pictures": {"BACKEND": FILESYSTEM, "OPTIONS": {"location": location}},
    }


def field_on(storage: Any) -> Any:
    """The gallery's field, with another storage for the length of a test."""
    field = apps.get_model("gallery", "Picture")._meta.get_field("file")
    clone = field.clone()
    clone.storage, clone.model, clone.name = storage, field.model, field.name
    return clone


def test_djangos_own_check_of_a_file_field_reports_files_on_the_disk(site: Site) -> None:
    from django.core.files.storage import FileSystemStorage

    field = field_on(FileSystemStorage(site.folder / "media"))
    expected = Error(
        "Files are stored in media, where a function cannot write.",
        hint='Declare a storage with store = "s3" in [awscontainer.django.storages] and set STORAGES = get_storages().',
        obj=field,
        id="pocket.E010",
    )
    assert field.check() == [expected]
    assert field_on(FileSystemStorage("/tmp/media")).check() == []
    assert field_on(FileSystemStorage("/mnt/files/media")).check() == []


def test_the_model_that_has_the_field_passes_the_message_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.files.storage import FileSystemStorage

    model = apps.get_model("gallery", "Picture")
    monkeypatch.setattr(model._meta.get_field("file"), "storage", FileSystemStorage("/srv/media"))
    assert [message.id for message in model.check(databases=[])] == ["pocket.E010"]


def test_on_a_laptop_files_may_go_to_the_disk(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.files.storage import FileSystemStorage

    monkeypatch.delenv("POCKET_STAGE")
    assert field_on(FileSystemStorage("/srv/media")).check() == []


def test_djangos_own_messages_about_the_field_stay(site: Site) -> None:
    field = field_on(object())
    field.upload_to = "/pictures"
    assert [message.id for message in field.check()] == ["fields.E202"]


def test_extending_twice_extends_once(site: Site) -> None:
    from django.db.models import FileField

    from pocket.django.checks.registration import extend_file_fields

    before = FileField.check
    extend_file_fields()
    assert FileField.check is before


def test_a_log_file_keeps_the_function_from_starting(site: Site) -> None:
    handlers = {
        "file": {"class": "logging.handlers.RotatingFileHandler", "filename": str(site.folder / "logs" / "site.log")},
        "scratch": {"class": "logging.FileHandler", "filename": "/tmp/site.log"},
        "stdout": {"class": "logging.FileHandler", "filename": "/dev/stdout"},
        "console": {"class": "logging.StreamHandler"},
    }
    logging = {"version": 1, "handlers": handlers}
    expected = Error(
        "The log handler 'file' writes to logs/site.log, where a function cannot write. The function will not start.",
        hint="Use logging.StreamHandler: CloudWatch keeps what is written to the standard streams.",
        obj="LOGGING",
        id="pocket.E011",
    )
    # Django 6.1 configures logging again when a test overrides it; this opens no file.
    configured = "builtins.dict"
    assert site.found(disk.logging, LOGGING=logging, LOGGING_CONFIG=configured) == [expected]
    assert site.found(disk.logging, LOGGING=logging) == [], "the project's LOGGING_CONFIG is None: nothing is opened"
    del handlers["file"]
    assert site.found(disk.logging, LOGGING=logging, LOGGING_CONFIG=configured) == []


def test_a_cache_in_files(site: Site) -> None:
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    found = site.found(
        disk.file_caches, CACHES={"default": SHARED, "pages": {"BACKEND": backend, "LOCATION": "/srv/c"}}
    )
    assert found == [
        Error(
            "The cache 'pages' writes to /srv/c, where a function cannot write.",
            hint="Use a cache that all environments share, such as redis or database, or a folder below /tmp.",
            obj="CACHES['pages']",
            id="pocket.E012",
        )
    ]
    assert site.found(disk.file_caches, CACHES={"default": {"BACKEND": backend, "LOCATION": "/tmp/c"}}) == []


def test_the_folder_for_large_uploads(site: Site) -> None:
    assert site.found(disk.uploads, FILE_UPLOAD_TEMP_DIR="/srv/uploads") == [
        Error(
            "FILE_UPLOAD_TEMP_DIR is /srv/uploads, where a function cannot write. Uploads that are too large for"
            " memory fail.",
            hint="Remove the setting. Uploads then go to /tmp.",
            obj="FILE_UPLOAD_TEMP_DIR",
            id="pocket.E013",
        )
    ]
    assert site.found(disk.uploads, FILE_UPLOAD_TEMP_DIR="/tmp/uploads") == []
    assert site.found(disk.uploads, FILE_UPLOAD_TEMP_DIR=None) == []


@pytest.mark.parametrize(
    ("path", "read_only"),
    [
        ("/tmp", False),
        ("/tmp/../srv", True),
        ("/tmpfiles", True),
        ("/mnt/x", False),
        ("files", True),
        (Path("/srv"), True),
    ],
)
def test_only_tmp_and_mounts_can_be_written(site: Site, path: Any, read_only: bool) -> None:
    assert disk.is_read_only(path) is read_only


def test_the_storage_that_the_project_chose_is_checked(site: Site) -> None:
    with override_settings(STORAGES=pictures("/srv/pictures")):
        from django.core.files.storage import storages

        assert [item.id for item in field_on(storages["pictures"]).check()] == ["pocket.E010"]


def syslog(site: Site, **handler: Any) -> list[tuple[str | None, str]]:
    entry = {"class": "logging.handlers.SysLogHandler", **handler}
    # Django 6.1 applies LOGGING when a test overrides it: the other tests' loggers stay on.
    logging = {"version": 1, "disable_existing_loggers": False, "handlers": {"system": entry}}
    found = site.found(disk.syslog, LOGGING=logging, LOGGING_CONFIG="logging.config.dictConfig")
    return [(item.id, item.msg) for item in found]


def test_a_function_has_no_syslog_daemon(site: Site) -> None:
    what = "The log handler 'system' sends to a syslog daemon at"
    lost = f"{what} localhost:514. A function has no such daemon: the records are lost."
    assert syslog(site) == [("pocket.W016", lost)]
    assert syslog(site, address="/dev/log") == [
        ("pocket.E015", f"{what} /dev/log. A function has no such daemon and will not start.")
    ]
    assert syslog(site, address=("192.0.2.1", 514)) == []
    assert syslog(site, **{"class": "logging.StreamHandler"}) == []


def test_a_search_index_on_the_disk(site: Site) -> None:
    def found(**entry: Any) -> list[str | None]:
        return [item.id for item in site.found(disk.indexes, HAYSTACK_CONNECTIONS={"default": entry})]

    whoosh = "haystack.backends.whoosh_backend.WhooshEngine"
    assert found(ENGINE=whoosh, PATH=str(site.folder / "index")) == ["pocket.E017"]
    assert found(ENGINE=whoosh, PATH="/tmp/index") == []
    assert found(ENGINE=whoosh, PATH="index", STORAGE="ram") == []
    assert found(ENGINE="haystack.backends.simple_backend.SimpleEngine") == []
