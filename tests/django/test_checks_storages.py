"""Code that writes to a storage by its alias."""

from __future__ import annotations

from typing import Any

import pytest
from checking import Site
from django.core.checks import Error

from pocket.django.checks import storages

DISK = "django.core.files.storage.FileSystemStorage"
MEMORY = "django.core.files.storage.InMemoryStorage"
IMPORT = "from django.core.files.storage import default_storage, storages\n"


def settings(backend: str = DISK, location: str = "/srv/exports") -> dict[str, Any]:
    options = {} if backend == MEMORY else {"location": location}
    entry = {"BACKEND": backend, "OPTIONS": options}
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    return {"STORAGES": {"default": entry, "exports": entry, "staticfiles": static}}


def fails(alias: str, call: str, line: int, place: str = "/srv/exports") -> Error:
    return Error(
        f"The storage {alias!r} is in {place}, where a function cannot write: {call}() fails.",
        hint='Declare the storage with store = "s3" in [awscontainer.django.storages] and set STORAGES ='
        " get_storages().",
        obj=f"work_of_site.py:{line}",
        id="pocket.E014",
    )


@pytest.mark.parametrize(
    ("text", "alias", "call", "line"),
    [
        (f"{IMPORT}def f(x):\n    default_storage.save('a', x)\n", "default", "default_storage.save", 3),
        (f"{IMPORT}storages['exports'].save('a', x)\n", "exports", "storages['exports'].save", 2),
        (f"{IMPORT}place = storages['exports']\nplace.delete('a')\n", "exports", "place.delete", 3),
        (f"{IMPORT}with default_storage.open('a', 'wb') as file: ...\n", "default", "default_storage.open", 2),
        (f"{IMPORT}default_storage.open('a', mode='a')\n", "default", "default_storage.open", 2),
        ("from django.core.files import storage as s\ns.storages['exports'].save()\n", "exports", "", 2),
    ],
)
def test_a_line_that_writes_to_a_storage_on_the_disk(site: Site, text: str, alias: str, call: str, line: int) -> None:
    site.write("work_of_site.py", text)
    assert site.found(storages.written, **settings()) == [fails(alias, call or "s.storages['exports'].save", line)]
    assert site.found(storages.written, **settings(location="/tmp/exports")) == []
    assert site.found(storages.written, **settings(MEMORY)) == []


@pytest.mark.parametrize(
    "text",
    [
        f"{IMPORT}default_storage.open('a')\n",
        f"{IMPORT}default_storage.url('a')\n",
        f"{IMPORT}storages['staticfiles'].save('a', x)\n",
        f"{IMPORT}storages[alias].save('a', x)\n",
        "from storage import default_storage\ndefault_storage.save('a', x)\n",
        "storage = Model()\nstorage.save()\n",
        f"{IMPORT}x = default_storage\nx = Model()\nx.save()\n",
        f"{IMPORT}x = default_storage\ndef f(x):\n    x.save()\n",
        f"{IMPORT}def f(\n",
    ],
)
def test_a_line_that_reads_or_is_about_something_else(site: Site, text: str) -> None:
    site.write("work_of_site.py", text)
    assert site.found(storages.written, **settings()) == []


def test_tests_may_write(site: Site) -> None:
    for name in ("tests/storing.py", "test_storing.py", "shop/tests.py", "conftest.py"):
        site.write(name, f"{IMPORT}default_storage.save('a', x)\n")
    assert site.found(storages.written, **settings()) == []


def test_a_laptop_may_write(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.write("work_of_site.py", f"{IMPORT}default_storage.save('a', x)\n")
    monkeypatch.delenv("POCKET_STAGE")
    assert site.found(storages.written, **settings()) == []


def test_only_the_apps_that_are_given_are_looked_at(site: Site) -> None:
    from django.apps import apps
    from django.test import override_settings

    site.write("work_of_site.py", f"{IMPORT}default_storage.save('a', x)\n")
    with override_settings(**settings()):
        assert list(storages.written(app_configs=[apps.get_app_config("auth")])) == []
