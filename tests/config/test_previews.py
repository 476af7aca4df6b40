"""Previews: stages that are not declared, with another's configuration and nothing in common with it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pocket.config import Project, build_manifest, load
from pocket.errors import ConfigError, ConfigErrors

FILE = """
[general]
region = "eu-central-1"
stages = ["dev", "prd"]
project_name = "shop"

[previews]
pattern = "preview-*"
from = "dev"
expire_after = "7 days"
limit = 2

[s3]

[awscontainer.handlers.web]
command = "pocket.django.lambda_handlers.wsgi_handler"
apigateway = {}

[awscontainer.secretsmanager.pocket_secrets]
SECRET_KEY = { type = "password" }

[dev.awscontainer.handlers.web]
memory_size = 333
apigateway = { domain = "dev.example.com", default_endpoint = false }

[dev.cloudfront]
"""
NEON = '[database]\nengine = "neon"\nproject = "shiny-wind-028834"\n'


def written(folder: Path, text: str) -> Project:
    (folder / "pocket.toml").write_text(text)
    return load(folder / "pocket.toml")


def issues(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        written(folder, text)
    return [f"{error.key}: {error.message}" for error in caught.value.errors]


def test_a_preview_has_the_configuration_and_names_of_its_own(tmp_path: Path) -> None:
    text = FILE.replace("\n[dev.cloudfront]\n", "") + NEON
    project = written(tmp_path, text).with_stage("preview-12")
    stage = project.stage("preview-12")
    assert stage.awscontainer is not None
    assert stage.awscontainer.handlers["web"].memory_size == 333
    assert stage.domains == ()
    assert stage.stack_name == "pocket-preview-12-shop"
    assert stage.bucket_name == "pocket-preview-12-shop"
    assert stage.pocket_key == "pocket-preview-12-shop"
    assert stage.branch_name == "pocket-preview-12-shop"
    assert stage.database is not None
    assert stage.database.parent_branch == "pocket-dev-shop"
    assert build_manifest(project).stages.keys() == {"dev", "prd", "preview-12"}
    assert project.is_preview("preview-12")
    assert not project.is_preview("dev")
    assert project.previews is not None
    assert project.previews.lifetime == timedelta(days=7)


@pytest.mark.parametrize(
    ("table", "branch", "cluster"),
    [
        (f'{NEON}branch = "restored"\n', "pocket-preview-12-shop", None),
        (f'{NEON}branch = "{{stage}}-data"\n', "preview-12-data", None),
        ('[database]\nengine = "aurora"\ncluster = "restored"\n', None, "pocket-preview-12-shop-database"),
    ],
)
def test_a_preview_does_not_use_the_database_that_its_source_was_switched_to(
    tmp_path: Path, table: str, branch: str | None, cluster: str | None
) -> None:
    text = FILE.replace("\n[dev.cloudfront]\n", "").replace('"dev", "prd"', '"dev"') + table.replace("[", "[dev.")
    stage = written(tmp_path, text).with_stage("preview-12").stage("preview-12")
    assert (stage.branch_name, stage.cluster_name) == (branch, cluster)
    assert stage.database is not None
    assert stage.database.parent_branch in {None, "restored", "dev-data"}


def test_a_distribution_of_a_preview_has_no_names(tmp_path: Path) -> None:
    text = FILE.replace('domain = "dev.example.com", default_endpoint = false', "")
    text = text.replace(
        "[dev.cloudfront]\n", '[dev.cloudfront]\ndomain = "dev.example.com"\naliases = ["a.example.com"]\n'
    )
    stage = written(tmp_path, text).with_stage("preview-1").stage("preview-1")
    assert stage.cloudfront is not None
    assert stage.cdn_names == ()


@pytest.mark.parametrize("name", ["preview-", "preview-A", "preview-a_b", "preview-a--b", "other"])
def test_other_names_are_no_previews(name: str, tmp_path: Path) -> None:
    text = FILE.replace("\n[dev.cloudfront]\n", "")
    with pytest.raises(ConfigError, match=r"pocket.toml declares dev, prd, and previews preview-\*"):
        written(tmp_path, text).with_stage(name)


def test_a_name_that_is_too_long_is_refused_when_it_is_used(tmp_path: Path) -> None:
    project = written(tmp_path, FILE.replace("\n[dev.cloudfront]\n", ""))
    with pytest.raises(ConfigErrors, match="AWS allows at most"):
        project.with_stage(f"preview-{'a' * 60}")


DATABASE = '[dev.database]\nengine = "postgresql"\nsecret = "shop/dev/url"\n'
UNSUSPICIOUS = """
[awscontainer.envs]
DB_POOL_SIZE = "4"
DATABASE_TIMEOUT = "30"
SQL_DEBUG = "off"
SENTRY_DSN = "https://a@example.com/1"
APP_DSN = "https://a@example.com/1"
REDIS_DB = "0"
REDIS_DB_HOST = "cache.internal"
CELERY_DB = "sessions"
GEOIP_DB = "GeoLite2-City.mmdb"
CITY_DB = "/var/task/city.mmdb"
SESSION_DB = "3"
CACHE_DATABASE_NAME = "1"
USE_DATABASE = "true"
DYNAMODB_ENDPOINT = "https://dynamodb.eu-central-1.amazonaws.com"
NOSQL_HOST = "scylla.internal"
NOSQL_DB = "orders"
IMDB_URL = "https://www.imdb.com/"

[awscontainer.secretsmanager.secrets]
GLITCHTIP_DSN = "shop/glitchtip"
REDIS_DB_PASSWORD = "shop/redis"
GEOIP_DATABASE_KEY = "shop/maxmind"

[awscontainer.django.settings]
HOME = "https://example.com/"
"""
OWN_DATABASE = '[database]\nengine = "postgresql"\nsecret = "shop/{stage}/url"\n'


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (DATABASE, "dev.database.secret: The stages dev and preview-1 would share the database of the secret shop/dev"),
        (
            '[awscontainer.envs]\nDB = "postgres://host/x"\n',
            "awscontainer.envs.DB: The previews of stage dev would use its database, by the variable DB (in",
        ),
        (
            '[dev.awscontainer.secretsmanager.secrets]\nDATABASE_URL = "shop/url"\n',
            "dev.awscontainer.secretsmanager.secrets.DATABASE_URL: The previews of stage dev would use its database",
        ),
        (
            '[awscontainer.handlers.web.envs]\nDB_HOST = "dev-db.internal"\n',
            "awscontainer.handlers.web.envs.DB_HOST: The previews of stage dev would use its database",
        ),
        (
            '[awscontainer.secretsmanager.secrets]\nAPP_DSN = "shop/dsn"\n',
            "awscontainer.secretsmanager.secrets.APP_DSN: The previews of stage dev would use its database",
        ),
        (
            '[awscontainer.secretsmanager.secrets]\nSQL_PASSWORD = "shop/sql"\n',
            "awscontainer.secretsmanager.secrets.SQL_PASSWORD: The previews of stage dev would use its database",
        ),
        (
            '[awscontainer.django.settings.DATABASES.default]\nHOST = "dev-db.internal"\n',
            "awscontainer.django.settings.DATABASES: The previews of stage dev would use its database, by the setting",
        ),
        (
            '[awscontainer.django.settings]\nTENANTS = [{ url = "mysql://host/dev" }]\n',
            "awscontainer.django.settings.TENANTS: The previews of stage dev would use its database, by the setting",
        ),
        (
            '[dev.s3]\nbucket_name_format = "shop-dev"\n',
            'dev.s3.bucket_name_format: The stages dev and preview-1 would share the bucket "shop-dev"',
        ),
    ],
)
def test_what_a_preview_would_share_is_refused_before_there_is_one(more: str, expected: str, tmp_path: Path) -> None:
    text = FILE.replace("\n[dev.cloudfront]\n", "")
    found = issues(tmp_path, text + more)
    assert any(issue.startswith(expected) for issue in found), found
    assert written(tmp_path, text + OWN_DATABASE + UNSUSPICIOUS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_HOST", "dev-db.internal"),
        ("DATABASE_HOST", "10.0.0.5"),
        ("PGHOST", "dev-db"),
        ("MSSQL_HOST", "dev-db"),
        ("POSTGRES_DB", "shop"),
        ("MYSQL_DATABASE", "shop"),
        ("SHOP_DB_NAME", "shop"),
        ("SQLALCHEMY_DATABASE_URI", "duckdb://x"),
        ("SHOP_DB", "dev-db.internal:5432/shop"),
        ("DATABASE", "shop"),
        ("APP_DSN", "host=dev-db.internal dbname=shop"),
        ("MAINDB_URL", "POSTGRES://host/shop"),
        ("MYDB_HOST", "shop.c1.eu-central-1.rds.amazonaws.com"),
        ("REDIS_DB", "postgresql+psycopg://host/shop"),
        ("CELERY_DB", "db+pgsql://host/shop"),
        ("REPLICA", "mysql-connector://host/shop"),
    ],
)
def test_a_variable_that_leads_to_the_database_of_dev_is_refused(name: str, value: str, tmp_path: Path) -> None:
    text = f'{FILE.replace("[dev.cloudfront]", "")}\n[awscontainer.envs]\n{name} = "{value}"\n'
    [issue] = issues(tmp_path, text)
    assert issue.startswith(f"awscontainer.envs.{name}: The previews of stage dev would use its database, by the")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('from = "dev"', 'from = "dve"', 'previews.from: There is no stage "dve".'),
        ('from = "dev"', "", "previews.from: "),
        ('"preview-*"', '"preview"', "previews.pattern: Expected names of stages with one `*`"),
        ('"preview-*"', '"*"', "previews.pattern: Expected names of stages with one `*`"),
        ('"7 days"', '"a week"', "previews.expire_after: Expected a number of hours, days or weeks"),
        ("limit = 2", "limit = 0", "previews.limit: "),
        ("limit = 2", "limits = 2", "previews.limits: "),
        ('"prd"]', '"previews"]', "general.stages[1]: A stage cannot have the name of a table"),
    ],
)
def test_a_wrong_table_is_reported_with_its_key(old: str, new: str, expected: str, tmp_path: Path) -> None:
    text = FILE.replace("\n[dev.cloudfront]\n", "")
    found = issues(tmp_path, text.replace(old, new, 1))
    assert any(issue.startswith(expected) for issue in found), found


def test_a_stage_that_is_refused_itself_is_no_other_issue_of_the_previews(tmp_path: Path) -> None:
    text = FILE.replace("\n[dev.cloudfront]\n", "").replace('"prd"]', '"s3"]').replace('from = "dev"', 'from = "s3"')
    assert [issue.partition(":")[0] for issue in issues(tmp_path, text)] == ["general.stages[1]"]
