"""Where that lies which a message is about."""

from __future__ import annotations

import sys
from importlib import import_module, invalidate_caches
from typing import Any

import pytest
from checking import Site
from django.apps import apps

from pocket.django.checks.places import place_of


@pytest.fixture
def settings_of_site(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Settings in two files, the second of which takes all of the first."""
    site.write("placed/__init__.py", "")
    site.write("placed/common.py", "DEBUG = False\nTIME_ZONE = 'UTC'\n")
    site.write("placed/deployed.py", "from .common import *\n\nDEBUG = True\nCACHES: dict = {}\nif DEBUG:\n    X = 1\n")
    invalidate_caches()
    for name in ("placed", "placed.common", "placed.deployed"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import_module("placed.deployed")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "placed.deployed")
    return site


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("DEBUG", ("placed/deployed.py", 3)),
        ("CACHES['default']", ("placed/deployed.py", 4)),
        ("X", ("placed/deployed.py", 6)),
        ("TIME_ZONE", ("placed/common.py", 2)),
        ("ALLOWED_HOSTS", (None, None)),
    ],
)
def test_a_setting_is_where_it_is_set(settings_of_site: Site, name: str, place: Any) -> None:
    assert place_of(name) == place


def test_a_dotted_path_is_followed_through_what_is_imported(site: Site) -> None:
    site.write("walked.py", "class A:\n    def f(self):\n        pass\n\n\ndef g():\n    pass\n")
    invalidate_caches()
    import_module("walked")
    assert place_of("walked.g") == ("walked.py", 6)
    assert place_of("walked.A.f") == ("walked.py", 2)
    assert place_of("walked.nothing") == place_of("not_imported.g") == place_of("walked") == (None, None)


def test_what_is_not_the_projects_has_no_place(site: Site) -> None:
    assert place_of(apps.get_model("auth", "User")) == (None, None)
    assert place_of("django.http.HttpResponse") == (None, None)
    assert place_of(None) == place_of(object()) == (None, None)
