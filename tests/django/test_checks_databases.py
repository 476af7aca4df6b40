"""What DATABASES says, and what only a connection tells."""

from __future__ import annotations

from typing import Any

import pytest
from checking import Site
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning
from django.db import connection
from django.db.utils import ConnectionHandler
from postgres import Postgres

from pocket.django.checks import databases
from pocket.django.configuration.database_urls import entry
from pocket.manifest import Handler, Stage

SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": "/var/task/db.sqlite3"}
SERVER = {"ENGINE": "django.db.backends.postgresql", "NAME": "gallery"}


def is_sqlite(alias: str) -> Error:
    return Error(
        f"The database {alias!r} uses SQLite in a deployed stage. Each environment has its own file, which is"
        " lost when the environment ends.",
        hint="Use PostgreSQL or MySQL. Declare it in [database].",
        obj=f"DATABASES[{alias!r}]",
        id="pocket.E020",
    )


def judged(
    site: Site, monkeypatch: pytest.MonkeyPatch, *, aliases: list[str] | None = None, **entries: Any
) -> list[Any]:
    """What the check says of these databases, which are described and never made."""
    monkeypatch.setattr("django.conf.settings.DATABASES", entries)
    return site.found(databases.configured, databases=aliases)


def test_sqlite_is_for_one_machine(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(site, monkeypatch, default=SQLITE) == [is_sqlite("default")]
    assert judged(site, monkeypatch, default=SERVER) == []
    assert judged(site, monkeypatch, default={**SQLITE, "NAME": "/mnt/files/db.sqlite3"}) == []


def test_only_the_aliases_that_are_given_are_looked_at(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {"default": SQLITE, "other": SQLITE}
    assert judged(site, monkeypatch, aliases=["other"], **entries) == [is_sqlite("other")]
    assert judged(site, monkeypatch, **entries) == [is_sqlite("default"), is_sqlite("other")]


def test_a_database_that_is_not_the_stages_is_not_an_issue(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = {**SQLITE, "NAME": ":memory:"}
    assert judged(site, monkeypatch, default=memory) == [is_sqlite("default")]
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    assert judged(site, monkeypatch, default=SQLITE) == [], "a rehearsal has its database on this machine"
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("POCKET_PLACEHOLDER_SECRETS", "1")
    assert judged(site, monkeypatch, default=memory) == [], "a stand-in for DATABASE_URL"
    assert judged(site, monkeypatch, default=SQLITE) == [is_sqlite("default")]
    site.write(".env", "# the laptop's\nexport DATABASE_URL=sqlite:///db.sqlite3\n")
    assert judged(site, monkeypatch, default=SQLITE) == []


def test_connections_that_are_kept_are_checked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {**SERVER, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": False}
    assert judged(site, monkeypatch, default=kept) == [], "nobody said no: the handlers turn it on"
    site.write("site_settings.py", 'DATABASES = {"default": {"CONN_HEALTH_CHECKS": False}}\n')
    assert judged(site, monkeypatch, default=kept) == [
        CheckWarning(
            "The database 'default' keeps connections open without checking them. After a freeze, the first query"
            " fails if the server has closed the connection.",
            hint="Set CONN_HEALTH_CHECKS to True, or leave it out: Pocket's handlers turn it on. With"
            " dj-database-url, pass conn_health_checks=True.",
            obj="DATABASES['default']",
            id="pocket.W021",
        )
    ]
    assert judged(site, monkeypatch, default={**kept, "CONN_HEALTH_CHECKS": True}) == []
    assert judged(site, monkeypatch, default={**kept, "CONN_MAX_AGE": 0}) == []


def refused(name: str) -> Error:
    return Error(
        f"{name} is asynchronous, and the database 'default' has ATOMIC_REQUESTS: each request raises RuntimeError.",
        hint="Decorate the view with transaction.non_atomic_requests, or make it synchronous.",
        obj=name,
        id="pocket.E022",
    )


def test_no_transaction_goes_around_an_asynchronous_view(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(**settings: Any) -> list[Any]:
        return site.found(databases.atomic_requests, **settings)

    monkeypatch.setattr("django.conf.settings.DATABASES", {"default": {**SERVER, "ATOMIC_REQUESTS": True}})
    assert found(ROOT_URLCONF="gallery.async_urls") == [
        refused("gallery.views.waiting"),
        refused("gallery.views.Waiting"),
    ]
    assert found() == [], "its views are synchronous"
    monkeypatch.setattr("django.conf.settings.DATABASES", {"default": SERVER})
    assert found(ROOT_URLCONF="gallery.async_urls") == []


def test_a_cache_without_its_table(site: Site) -> None:
    from django.core.management import call_command

    caches = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cached"}}
    expected = CheckWarning(
        "The cache 'default' has no table 'cached' in the database 'default'.",
        hint="Run pocket manage --stage prd createcachetable.",
        obj="CACHES['default']",
        id="pocket.W023",
    )
    connection.close()
    assert site.found(databases.cache_tables, CACHES=caches) == []
    assert site.found(databases.cache_tables, databases=["other"], CACHES=caches) == []
    assert connection.connection is None, "without the alias nothing connects"
    assert site.found(databases.cache_tables, databases=["default"], CACHES=caches) == [expected]
    from django.test import override_settings

    with override_settings(CACHES=caches):
        call_command("createcachetable", verbosity=0)
    assert site.found(databases.cache_tables, databases=["default"], CACHES=caches) == []
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE cached")


def test_a_stage_that_the_file_does_not_have_is_not_checked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.deploy(Stage(stack_name="s"), POCKET_STAGE="dev")
    assert judged(site, monkeypatch, default=SQLITE) == []


def test_dj_database_url_sets_false_by_default(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {**SERVER, "CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": False}
    site.write("site_settings.py", "import dj_database_url\nDATABASES = {'default': dj_database_url.config()}\n")
    assert [item.id for item in judged(site, monkeypatch, default=kept)] == ["pocket.W021"]


def test_connections_are_counted_against_what_the_functions_open(
    site: Site, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = entry(postgres.url)
    assert parsed is not None
    server = ConnectionHandler({"default": parsed})
    monkeypatch.setattr("django.db.connections", server)

    def messages(**concurrency: int | None) -> list[str]:
        handlers = {name: Handler("a.b", 30, address=name == "web", concurrency=at) for name, at in concurrency.items()}
        site.deploy(Stage(stack_name="s", handlers=handlers))
        return [item.msg for item in site.found(databases.connections_suffice, databases=["default"])]

    try:
        assert messages(web=296, management=None) == [], "one for commands"
        assert messages(web=297, management=None) == [
            "The database 'default' takes 297 connections, and the functions may open 298."
        ]
        assert messages(web=None, queue=5) == [
            (
                "The database 'default' takes 297 connections, and nothing limits how many web may open, 1 for each"
                " request at one time."
            )
        ]
        entries = server["default"].settings_dict
        for host in ("ep-a-1-pooler.eu-central-1.aws.neon.tech", "p.proxy-abc1.eu-central-1.rds.amazonaws.com"):
            entries["HOST"] = host
            assert messages(web=None) == [], "a pooler takes more than its server"
        entries["HOST"] = parsed["HOST"]
        for pool, each in ((True, 4), ({"max_size": 6}, 6), ({"min_size": 2}, 2)):
            server["default"].settings_dict["OPTIONS"]["pool"] = pool
            assert databases._pooled(server["default"]) == each
        del server["default"].settings_dict["OPTIONS"]["pool"]
        server["default"].close()
        assert site.found(databases.connections_suffice) == []
        assert server["default"].connection is None, "without the alias nothing connects"
    finally:
        server.close_all()
