"""`pocket db` on a real PostgreSQL: its state, a shell, a dump, and the dump restored beside or in place of it."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from deploying import project as project_of
from postgres import Postgres
from tiny_project import write
from typer.testing import CliRunner, Result

from pocket.cli import db, stage_database
from pocket.cli.project import Destination
from pocket.deploy.operate import database, migration, postgresql, stage_secrets
from pocket.deploy.operate.database import parsed
from pocket.deploy.target import Credentials, Target
from pocket.errors import CommandFailed, DeployError, PlanRefused
from pocket.local import LocalAWS
from pocket.local.postgresql.server import Server
from pocket.naming import MIGRATE_RUNS

POCKET_TOML = """
[general]
region = "eu-central-1"
stages = ["dev", "bare"]
project_name = "shop"

[dev.database]
engine = "postgresql"
secret = "{project}/{stage}/url#main"

[awscontainer.handlers.web]
command = "app.web"
reserved_concurrency = 5
"""
SHOP = {
    "manage.py": 'import os\n\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop_settings")\n',
    "shop_settings.py": """
from pocket.django.runtime import set_envs
from pocket.django.utils import get_databases

set_envs()
SECRET_KEY = "only for this test"
INSTALLED_APPS = ["goods", "pocket.django"]
DATABASES = get_databases()
""",
    "goods/__init__.py": "",
    "goods/migrations/__init__.py": "",
    "goods/migrations/0001_first.py": """
from django.db import migrations, models

class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("Item", [("id", models.AutoField(primary_key=True)), ("name", models.TextField())])
    ]
""",
}
LOSES = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("goods", "0001_first")]
    operations = [migrations.RemoveField("item", "name")]
"""
NAME = 'shop\'s "dev"'


@dataclass
class Site:
    """A stage whose secret names a database of the tests' server, and the command that works on it."""

    url: str
    folder: Path
    secrets: dict[str, str]
    server: Server | None = None

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(db.app, [*arguments, "--stage", "dev"])

    def ok(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.exception is None, done.exception
        return done.stdout

    def rows(self) -> list[Any]:
        with psycopg.connect(self.url) as connection:
            return connection.execute("SELECT * FROM things").fetchall()


@pytest.fixture
def site(tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS operator")
        connection.execute("CREATE ROLE operator LOGIN CREATEDB PASSWORD 'p@ss:w/ord'")
        connection.execute('CREATE DATABASE "shop\'s ""dev""" OWNER operator')
    place = f"operator:p%40ss%3Aw%2Ford@127.0.0.1:{postgres.port}"
    site = Site(f"postgres://{place}/shop's%20%22dev%22", tmp_path, {})
    site.secrets["DATABASE_URL"] = f"{site.url}?conn_max_age=60&sslmode=prefer"
    with psycopg.connect(site.url) as connection:
        connection.execute("CREATE TABLE things (name text)")
        connection.execute("INSERT INTO things VALUES ('kept')")
    write(tmp_path, SHOP)
    project = project_of(tmp_path, POCKET_TOML)

    def destination(stage: str, *, local: bool) -> tuple[Destination, LocalAWS | None]:
        aws = LocalAWS("http://127.0.0.1:1", "id", "secret", {}, tmp_path, tmp_path / "log", 1, postgresql=site.server)
        return Destination(project, project.stage(stage), Target("eu-central-1")), aws if local else None

    monkeypatch.setattr(db, "place_of", destination)
    monkeypatch.setattr(stage_database, "place_of", destination)
    monkeypatch.setattr("pocket.local.postgresql.programs.clients", lambda: postgres.binaries)
    monkeypatch.setattr(stage_secrets, "value", lambda stage, target, item: site.secrets.get(item.name))
    yield site
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        query = "SELECT datname FROM pg_database JOIN pg_roles ON datdba = pg_roles.oid WHERE rolname = 'operator'"
        for (name,) in connection.execute(query).fetchall():
            quoted = name.replace('"', '""')
            connection.execute(f'DROP DATABASE "{quoted}" WITH (FORCE)')  # type: ignore[call-overload]  # a test's own
        connection.execute("DROP ROLE operator")


def test_status_counts_connections_against_what_the_functions_need(site: Site) -> None:
    lines = site.ok("status").splitlines()
    assert lines[0].startswith("PostgreSQL 1")
    assert lines[0].endswith(", engine postgresql")
    assert lines[1].startswith(f"Database {NAME}, user operator: 1 tables, ")
    assert lines[2].startswith("Connections: ")
    assert lines[3] == "The functions need up to 5, by their reserved_concurrency: enough."
    assert '"tables": 1' in site.ok("status", "--format", "json")


def test_the_url_has_its_password_only_if_asked(site: Site) -> None:
    hidden, shown = site.ok("url"), site.ok("url", "--show")
    assert "***" in hidden
    assert "p%40ss" not in hidden
    assert shown.strip().endswith("/shop%27s%20%22dev%22")
    with psycopg.connect(shown.strip()) as connection:
        assert connection.info.user == "operator"


def test_a_dump_is_restored_beside_the_database(site: Site) -> None:
    file = Path(site.ok("backup", str(site.folder / "shop.dump")).strip())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert isinstance(site.run("backup", str(file)).exception, CommandFailed), "nothing is overwritten"
    with psycopg.connect(site.url) as connection:
        connection.execute("DELETE FROM things")
    done = site.run("restore", str(file))
    assert done.exception is None, done.exception
    fresh = done.stdout.strip()
    assert f"name the database {fresh} in the URL of the secret shop/dev/url, then deploy" in done.stderr
    assert site.rows() == []
    beside = parsed(site.url, "it")
    with psycopg.connect(site.url, dbname=fresh) as connection:
        assert connection.execute("SELECT * FROM things").fetchall() == [("kept",)]
    assert beside.name == NAME


def test_a_migration_that_is_too_long_for_a_function_runs_from_here(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    declined = site.run("migrate")
    assert isinstance(declined.exception, PlanRefused)
    assert "all additive: goods.0001_first" in declined.output
    assert site.run("migrate", "--yes").exception is None
    output = capfd.readouterr()
    assert f"Migrating PostgreSQL {NAME} at 127.0.0.1:" in output.out
    assert "lock_timeout 10 s" in output.out
    assert "p@ss" not in output.out + output.err
    with psycopg.connect(site.url) as connection:
        assert connection.execute("SELECT app, name FROM django_migrations").fetchall() == [("goods", "0001_first")]
    loses = site.folder / "goods" / "migrations" / "0002_second.py"
    loses.write_text(LOSES)
    unsaid = site.run("migrate", "--yes").exception
    assert isinstance(unsaid, PlanRefused)
    assert unsaid.hint == "To confirm: --yes --allow-destructive"
    done = site.run("migrate", "--yes", "--allow-destructive", "--backup")
    assert done.exception is None
    assert "goods.0002_second: " in done.output
    assert re.search(r"The backup is .*\.dump", done.output)
    (site.folder / "goods" / "migrations" / "0003_third.py").write_text("raise RuntimeError('broken')\n")
    broken = site.run("migrate", "--yes").exception
    assert isinstance(broken, DeployError)
    assert "could not be listed" in broken.message
    assert "RuntimeError: broken" in broken.message
    waits = site.folder / "goods" / "migrations" / "0003_third.py"
    waits.write_text(f"raise SystemExit({MIGRATE_RUNS})\n")
    busy = site.run("migrate", "--yes").exception
    assert isinstance(busy, DeployError)
    assert busy.message == "Another `migrate` runs in this database; nothing was migrated."


def test_a_list_of_migrations_that_cannot_be_read_is_an_error() -> None:
    here = migration.Here(lambda arguments: subprocess.CompletedProcess(arguments, 0, "printed at exit\n", ""))
    with pytest.raises(DeployError, match="could not be listed") as unread:
        here.pending()
    assert "printed at exit" in unread.value.message


def test_a_deploys_backup_is_a_dump(site: Site) -> None:
    project = project_of(site.folder, POCKET_TOML)
    place = Destination(project, project.stage("dev"), Target("eu-central-1"))
    found = stage_database.backup_of(place, None, wanted=True)
    assert found is not None
    assert found.wanted
    assert Path(found.write()).parent == site.folder / ".pocket" / "backups"
    without = replace(place, stage=replace(place.stage, database=None))
    assert stage_database.backup_of(without, None, wanted=False) is None
    with pytest.raises(CommandFailed, match=r"has no \[database\]"):
        stage_database.backup_of(without, None, wanted=True)


def test_a_backup_has_a_name_of_its_own_and_is_git_ignored(site: Site) -> None:
    file = Path(site.ok("backup").strip())
    assert file.parent == site.folder / ".pocket" / "backups"
    assert (site.folder / ".pocket" / ".gitignore").read_text() == "*\n"


def test_in_a_rehearsal_the_restored_database_takes_the_place(site: Site, postgres: Postgres) -> None:
    file = Path(site.ok("backup").strip())
    site.server = Server(postgres.port, "1", str(postgres.binaries), "x")
    with psycopg.connect(site.url) as open_connection:
        open_connection.execute("DELETE FROM things")
        open_connection.commit()
        done = site.run("restore", str(file), "--local")
        assert done.exception is None, done.exception
    assert site.rows() == [("kept",)]
    before = done.stderr.rpartition("kept as ")[2].strip().rstrip(".")
    with psycopg.connect(site.url, dbname=before) as connection:
        assert connection.execute("SELECT * FROM things").fetchall() == []


def test_a_file_that_is_no_dump_leaves_nothing(site: Site, postgres: Postgres) -> None:
    for text in (b"not a dump", Path(site.ok("backup").strip()).read_bytes()[:-200]):
        file = site.folder / "broken.dump"
        file.write_bytes(text)
        assert isinstance(site.run("restore", str(file)).exception, DeployError)
    with psycopg.connect(postgres.url) as connection:
        left = connection.execute("SELECT count(*) FROM pg_database WHERE datname LIKE '%\\_20%'").fetchone()
    assert left == (0,)


def test_a_dump_that_fails_leaves_no_file(site: Site) -> None:
    site.secrets["DATABASE_URL"] = site.url.replace("/shop", "/absent")
    refused = site.run("backup", str(site.folder / "shop.dump")).exception
    assert isinstance(refused, DeployError)
    assert "does not exist" in refused.message
    assert not list(site.folder.glob("shop.dump*"))


def test_programs_older_than_the_server_are_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    run: Callable[..., str] = postgresql.Programs._run

    def older(self: postgresql.Programs, name: str, *arguments: str, **named: Any) -> str:
        return "pg_dump (PostgreSQL) 9.6" if name == "pg_dump" else run(self, name, *arguments, **named)

    monkeypatch.setattr(postgresql.Programs, "_run", older)
    refused = site.run("backup").exception
    assert isinstance(refused, DeployError)
    assert "is of PostgreSQL 9, and the server is 1" in refused.message


def test_a_shell_runs_psql_without_the_password_in_its_arguments(site: Site, postgres: Postgres) -> None:
    code = (
        "import os, sys; from pathlib import Path; from pocket.deploy.operate.database import parsed;"
        "from pocket.deploy.operate.postgresql import Programs;"
        "Programs(Path(sys.argv[1]), parsed(os.environ['URL'], 'it')).shell()"
    )
    query = "\\! tr '\\\\0' ' ' < /proc/$PPID/cmdline\nSELECT current_user || '!';\n"
    done = subprocess.run(
        [sys.executable, "-c", code, str(postgres.binaries)],
        input=query,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "URL": site.url},
        timeout=60,
    )
    assert "psql" in done.stdout, done.stderr
    assert "operator!" in done.stdout
    assert "p@ss" not in done.stdout + done.stderr


def test_what_cannot_be_done_is_an_error_with_a_way(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments, what in (
        (("branch", "try"), "have branches"),
        (("remove", "try", "--yes"), "have copies"),
        (("restore", "--at", "2026-11-01T09:30:00"), "be restored to a time"),
        (("rotate",), "be rotated by Pocket"),
    ):
        refused = site.run(*arguments).exception
        assert isinstance(refused, CommandFailed)
        assert refused.message == f"The database of stage 'dev' cannot {what}: its engine is \"postgresql\"."
        assert "pocket db restore" in refused.hint
    assert "Give either a dump or --at" in site.run("restore").output
    assert "A rehearsal keeps no earlier data" in site.run("restore", "--at", "2026-11-01T09:30:00", "--local").output
    absent = site.run("backup", str(site.folder / "absent" / "x.dump")).exception
    assert isinstance(absent, DeployError)
    assert absent.message.endswith("absent/x.dump.part cannot be written: No such file or directory.")
    monkeypatch.setattr("pocket.local.postgresql.programs.clients", lambda: None)
    missing = site.run("status").exception
    assert isinstance(missing, CommandFailed)
    assert "were not found" in missing.message


@pytest.mark.parametrize("url", ["mysql://u:swordfish@h/n", "postgres://u:swordfish@h:x/n", "postgres://u:swordfish@h"])
def test_a_url_of_something_else_is_not_shown(url: str) -> None:
    with pytest.raises(DeployError, match="The secret x is not the URL of a PostgreSQL database") as refused:
        parsed(url, "The secret x")
    assert "swordfish" not in str(refused.value) + str(refused.traceback[-1].frame.f_locals)


def test_a_missing_secret_and_a_missing_table_have_their_hints(site: Site) -> None:
    site.secrets.clear()
    missing = site.run("url").exception
    assert isinstance(missing, DeployError)
    assert "secret shop/dev/url#main with the database's URL does not exist" in missing.message
    assert missing.hint == "pocket secrets set DATABASE_URL --stage dev"
    bare = project_of(site.folder, POCKET_TOML).stage("bare")
    with pytest.raises(DeployError, match=r"Stage 'bare' has no \[database\]"):
        database.access(bare, Target("eu-central-1"))


def test_a_database_with_iam_is_reached_with_a_token_and_a_verified_certificate(tmp_path: Path) -> None:
    table = 'engine = "postgresql"\niam = true\nhost = "db.x.eu-central-1.rds.amazonaws.com"\nname = "shop"'
    text = POCKET_TOML.replace('engine = "postgresql"\nsecret = "{project}/{stage}/url#main"', f'{table}\nuser = "app"')
    stage = project_of(tmp_path, text.replace('user = "app"', 'user = "app"\nresource_id = "db-ABC"')).stage("dev")
    found = database.access(stage, Target("eu-central-1", credentials=Credentials("AKIDEXAMPLE", "secret")))
    variables = found.environment()
    assert variables["PGPASSWORD"].startswith("db.x.eu-central-1.rds.amazonaws.com:5432/?Action=connect&DBUser=app")
    assert variables["PGSSLMODE"] == "verify-full"
    assert variables["PGSSLROOTCERT"].endswith(".pocket/rds-roots-eu-central-1.pem")
    assert Path(variables["PGSSLROOTCERT"]).is_file()
    assert "X-Amz" not in repr(found) + found.url()


def test_a_secret_that_rds_manages_is_completed(site: Site, tmp_path: Path) -> None:
    text = POCKET_TOML.replace('url#main"', 'url"\nhost = "db.example.com"\nname = "shop"')
    stage = project_of(tmp_path, text).stage("dev")
    site.secrets["DATABASE_URL"] = '{"username": "app", "password": "p@ss"}'
    assert (
        database.access(stage, Target("eu-central-1")).url(show=True)
        == "postgres://app:p%40ss@db.example.com:5432/shop"
    )
    site.secrets["DATABASE_URL"] = '{"username": "app"}'
    with pytest.raises(DeployError, match="has no text for password"):
        database.access(stage, Target("eu-central-1"))


def test_a_cluster_of_the_stages_own_takes_no_restored_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = POCKET_TOML.replace('engine = "postgresql"\nsecret = "{project}/{stage}/url#main"', 'engine = "aurora"')
    project = project_of(tmp_path, text)
    place = Destination(project, project.stage("dev"), Target("eu-central-1"))
    monkeypatch.setattr(db, "place_of", lambda stage, *, local: (place, None))
    (tmp_path / "shop.dump").write_text("")
    refused = CliRunner().invoke(db.app, ["restore", "--stage", "dev", str(tmp_path / "shop.dump")]).exception
    assert isinstance(refused, CommandFailed)
    assert "no restored database can take its place" in refused.message
