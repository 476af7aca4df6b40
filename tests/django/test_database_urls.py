"""DATABASES from a URL: as django-environ reads it, with every special character percent-encoded."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import environ
import pytest
from fresh import evaluate
from hypothesis import example, given
from hypothesis import strategies as st

from pocket.django.configuration.database_urls import databases, entry
from pocket.django.configuration.errors import SettingsError
from pocket.manifest import Database, Stage

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)


@given(
    TEXT,
    TEXT,
    TEXT.filter(lambda text: "/" not in text),
    st.sampled_from(["postgres", "postgresql", "mysql", "postgis"]),
)
@example("user", "p@ss:w/ör?d#%&+ ", "na me", "postgres")
def test_a_url_is_read_as_django_environ_reads_it(user: str, password: str, name: str, scheme: str) -> None:
    url = f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@db.example.com:5433/{quote(name, safe='')}"
    found: Any = entry(url)
    theirs = environ.Env.db_url_config(url)
    assert found == {**theirs, "PORT": "5433"}
    assert (found["USER"], found["PASSWORD"], found["NAME"]) == (user, password, name)


@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("postgres://u@h/n", {}),
        ("postgres://u@h/n?conn_max_age=600&sslmode=require", {"CONN_MAX_AGE": 600, "OPTIONS": {"sslmode": "require"}}),
        ("postgres://u@h/n?conn_max_age=None", {"CONN_MAX_AGE": None}),
        ("postgres://u@h/n?atomic_requests=true", {"ATOMIC_REQUESTS": True}),
        ("postgres://u@h/n?conn_health_checks=off&connect_timeout=3",
         {"CONN_HEALTH_CHECKS": False, "OPTIONS": {"connect_timeout": 3}}),
        ("pgsql://u@h/n", {}),
    ],
)  # fmt: skip
def test_the_query_has_keys_of_the_entry_and_options(url: str, more: dict[str, object]) -> None:
    expected = {"HOST": "h", "NAME": "n", "PASSWORD": "", "PORT": "", "USER": "u"}
    assert entry(url) == {"ENGINE": "django.db.backends.postgresql", **expected, **more}


def test_other_engines() -> None:
    assert entry("sqlite:///db.sqlite3") == {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}
    assert entry("sqlite:////var/db.sqlite3") == {"ENGINE": "django.db.backends.sqlite3", "NAME": "/var/db.sqlite3"}
    for url in ("sqlite:///:memory:", "sqlite://:memory:", "sqlite://"):
        assert entry(url) == {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    assert (entry("own.engine://u@h/n") or {})["ENGINE"] == "own.engine"


@pytest.mark.parametrize(
    "url",
    [
        *("swordfish", "postgres:swordfish", "swordfish://u@h/n", "postgres://u:swordfish@h", "postgres:///swordfish"),
        *(
            "postgres://u:swordfish@h:port/n",
            "postgres://u:swordfish@[h/n",
            "postgres://u:swordfish@h/n?conn_max_age=x",
        ),
        "postgres://u:swordfish@h/n?atomic_requests=maybe",
    ],
)
def test_a_value_that_is_not_a_url_is_not_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(SettingsError, match="DATABASE_URL is not the URL of a database") as refused:
        databases(None)
    assert "p%40ss" in str(refused.value)
    assert "swordfish" not in str(refused.value)
    frame = refused.traceback[-1].frame
    assert "swordfish" not in str(frame.f_locals)


def test_a_missing_variable_has_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(SettingsError, match=r"DATABASE_URL=sqlite:///db\.sqlite3"):
        databases(None)
    with pytest.raises(SettingsError, match=r"(?s)MAIN_DB.*Call set_envs\(\)"):
        databases(Stage("s", database=Database("postgresql", "MAIN_DB")))
    with pytest.raises(SettingsError, match=r"has no \[database\]"):
        databases(Stage("s"))


POCKET_TOML = """
[general]
region = "eu-west-1"
stages = ["dev"]
project_name = "shop"

[database]
engine = "postgresql"
secret = "shop/{stage}/url"

[awscontainer.handlers.web]
command = "pocket.django.lambda_handlers.wsgi_handler"

[awscontainer.secretsmanager.pocket_secrets]
MAIN = { type = "database_url" }
"""
SETTINGS = """
from pocket.django.runtime import set_envs
from pocket.django.utils import get_databases
set_envs()
SECRET_KEY = "x" * 50
DATABASES = get_databases()
"""


def test_settings_get_the_stages_database(tmp_path: Path) -> None:
    (tmp_path / "pocket.toml").write_text(POCKET_TOML)
    (tmp_path / "database_settings.py").write_text(SETTINGS)
    code = "from django.conf import settings; result = settings.DATABASES['default']"

    def found(**environ: str) -> Any:
        return evaluate(code, tmp_path, {"DJANGO_SETTINGS_MODULE": "database_settings", **environ})

    given = found(POCKET_STAGE="dev", POCKET_HOSTS="", MAIN="postgres://u:p%40@h/n", POCKET_GIVEN="MAIN")
    assert given["PASSWORD"] == "p@", "a rehearsal gives it, and no secret is read"
    assert found(POCKET_STAGE="dev", POCKET_PLACEHOLDER_SECRETS="1")["NAME"] == ":memory:"
    assert found(DATABASE_URL="sqlite:///db.sqlite3")["NAME"] == "db.sqlite3"
