"""Files of magic-pocket, early and new, become files of Pocket; nothing in them is left out without a word.

`magic_pocket_keys.json` has every key of magic-pocket's settings with its type: those of its repository on 15 February
2026, and those of release 0.46.1, as `Settings.model_json_schema()` gives them.
"""

from __future__ import annotations

import datetime as dt
import json
import string
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_values import changed, only

from pocket.config import loads
from pocket.config.name_formats import slug
from pocket.config.overlay import merge
from pocket.errors import ConfigError, ConfigErrors
from pocket.scaffold import toml_text
from pocket.scaffold.magic_pocket.former import FormerSecret
from pocket.scaffold.magic_pocket.translation import Translation, common, translate

KEYS: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("magic_pocket_keys.json").read_text())
NOWHERE = Path("/nowhere/board")

EARLY = """\
[general]
region = "ap-southeast-1"
project_name = "board"
stages = ["dev", "prd"]

[s3]
public_dirs = ["static"]

[neon]
pg_version = 15

[awscontainer]
dockerfile_path = "pocket.Dockerfile"

[awscontainer.handlers.wsgi]
command = "pocket.django.lambda_handlers.wsgi_handler"
[awscontainer.handlers.worker]
command = "pocket.django.lambda_handlers.sqs_management_command_report_failuers_handler"
timeout = 60
sqs = {}

[dev.awscontainer.handlers.wsgi]
apigateway = {}
[prd.awscontainer.handlers.wsgi]
apigateway = { domain = "board.example.com" }

[awscontainer.secretsmanager.pocket_secrets]
SECRET_KEY = { type = "password", options = { length = 50 } }
JWT = { type = "rsa_pem_base64", options = { pem_base64_environ_suffix = "_PRIVATE" } }
DB_URL = { type = "neon_database_url" }

[awscontainer.django.storages]
default = { store = "s3", location = "media" }
staticfiles = { store = "s3", location = "static", static = true, manifest = true }
"""

LATER = """\
[general]
region = "ap-southeast-1"
namespace = "acme"
project_name = "Board_App"
stages = ["sandbox", "prod"]

[s3]

[neon]
project_name = "board"

[container.jobs]
dockerfile_path = "jobs.Dockerfile"

[container.main]
dockerfile_path = "pocket.Dockerfile"
build = "depot"
platform = "linux/arm64"

[container.main.iam.inline_policies.topics]
Version = "2012-10-17"
Statement = [{ Effect = "Allow", Action = "sns:Publish", Resource = "arn:aws:sns:ap-southeast-1:123456789012:a" }]

[container.main.handlers.wsgi]
command = "pocket.django.lambda_handlers.wsgi_handler"
apigateway = {}
[container.main.handlers.management]
command = "pocket.django.lambda_handlers.management_command_handler"

[container.main.secrets.managed]
SECRET_KEY = { type = "password", options = { length = 16 } }
TOKEN = { type = "spa_token_secret" }
[container.main.secrets.user]
DATABASE_URL = { type = "neon_database_url" }
MAIL_TOKEN = { name = "acme/{stage}/mail" }

[container.main.django.storages]
default = { store = "s3", distribution = "web", route = "media" }
staticfiles = { store = "s3", static = true, manifest = true, distribution = "web", route = "static" }

[cloudfront.web]
domain = "board.example.com"
redirect_from = [{ domain = "www.example.com" }]
routes = [
    { type = "lambda", handler = "main.wsgi", is_default = true },
    { path_pattern = "/static/*", ref = "static" },
    { path_pattern = "/media/*", ref = "media", signed = true, origin_path = "/x" },
]
[sandbox.cloudfront.web]
domain = "sandbox.example.com"
redirect_from = []

[scheduler.schedules.nightly]
scheduler = "pocket.django.management_lambda_scheduler"
cron = "0 3 * * ? *"
handler = "main.management"
manage = "clearsessions"
[prod.scheduler.schedules.hourly]
rate = "1 hour"
handler = "main.management"
scheduler = "pocket.django.management_lambda_scheduler"
manage = "send"
"""


def of(text: str, folder: Path = NOWHERE) -> Translation:
    return translate(tomllib.loads(text), folder)


def written(translation: Translation) -> str:
    return toml_text.text(translation.tables, below=tuple(translation.tables["general"]["stages"]))


def listed(translation: Translation) -> list[str]:
    return [key for note in translation.notes for key in note.keys]


def test_the_early_form_is_valid_for_pocket() -> None:
    found = of(EARLY)
    stages = loads(written(found), NOWHERE / "pocket.toml").stages
    dev, prd = stages["dev"], stages["prd"]
    assert dev.awscontainer is not None
    assert prd.awscontainer is not None
    assert dev.awscontainer.handlers["worker"].command == "pocket.django.lambda_handlers.sqs_management_command_handler"
    assert dev.awscontainer.handlers["wsgi"].apigateway is not None
    assert [domain.name for domain in prd.domains] == ["board.example.com"]
    assert dev.database_variable == "DB_URL"
    assert [item.name for item in dev.secret_variables] == ["SECRET_KEY", "JWT_PRIVATE", "JWT_PUB_BASE64", "DB_URL"]
    assert dev.stack_name == "pocket-v2-dev-board", "the old names are magic-pocket's as long as its stage exists"
    assert listed(found) == ["neon.pg_version", "awscontainer.dockerfile_path"]
    assert found.buckets["prd"] == ("pocket-prd-board", "pocket-v2-prd-board")


def test_the_early_forms_secrets_are_in_one_secret_by_stage_and_project() -> None:
    name = "pocket-prd-board"
    assert of(EARLY).former["prd"] == (
        FormerSecret("SECRET_KEY", "secretsmanager", name, ("prd", "board", "SECRET_KEY")),
        FormerSecret("JWT_PRIVATE", "secretsmanager", name, ("prd", "board", "JWT", "pem")),
        FormerSecret("JWT_PUB_BASE64", "secretsmanager", name, ("prd", "board", "JWT", "pub")),
        FormerSecret("DB_URL", "secretsmanager", name, ("prd", "board", "DB_URL")),
    )


def test_the_newest_form_is_valid_for_pocket() -> None:
    found = of(LATER)
    stages = loads(written(found), NOWHERE / "pocket.toml").stages
    sandbox, prod = stages["sandbox"], stages["prod"]
    assert prod.awscontainer is not None
    assert prod.stack_name == "pocket-prod-board-app"
    assert prod.cdn_names == ("board.example.com", "www.example.com")
    assert sandbox.cdn_names == ("sandbox.example.com",)
    storages = prod.awscontainer.django.storages
    assert (storages["default"].location, storages["default"].signed) == ("media", True)
    assert (storages["staticfiles"].location, storages["staticfiles"].store) == ("static", "cloudfront")
    assert [item.manage for item in prod.awscontainer.handlers["management"].schedule] == ["clearsessions", "send"]
    assert prod.awscontainer.permissions[0].actions == ["sns:Publish"]
    assert prod.awscontainer.secretsmanager.secrets == {"MAIL_TOKEN": "acme/prod/mail"}
    assert prod.database_reference is not None
    assert prod.database_reference.secret_id == "prod-Board_App-acme-user/neon_database_url"
    assert sorted(listed(found)) == [
        "container.jobs",
        "container.main.build",
        "container.main.dockerfile_path",
        "container.main.secrets.managed.TOKEN.type",
        "general.namespace",
        "neon.project_name",
    ]


def test_the_newest_forms_secrets_are_the_containers_or_shared() -> None:
    names = [item.secret_id for item in of(LATER).former["prod"] if item.variable == "SECRET_KEY"]
    assert names == ["prod-Board_App-main-acme", "prod-Board_App-acme"]
    parameters = of(LATER.replace("[container.main.secrets.managed]", '[container.main.secrets]\nstore = "ssm"\n'
                                  "[container.main.secrets.managed]"))  # fmt: skip
    found = [item for item in parameters.former["prod"] if item.variable == "SECRET_KEY"]
    assert found[0] == FormerSecret("SECRET_KEY", "ssm", "/prod-Board_App-main-acme/SECRET_KEY", ())


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("password", True),
        ("rsa_pem_base64", True),
        ("neon_database_url", True),
        ("tidb_database_url", True),
        ("upstash_redis_url", True),
        ("auto_database_url", True),
        ("rds_database_url", False),
        ("cloudfront_signing_key", False),
        ("spa_token_secret", False),
        ("origin_verify_secret", False),
        ("waf_allow_secret", False),
        ("basic_auth_credential", False),
    ],
)
def test_a_managed_secret_of_each_type_is_copied_or_listed(kind: str, taken: bool) -> None:
    found = of(LATER.replace('TOKEN = { type = "spa_token_secret" }', f'TOKEN = {{ type = "{kind}" }}').replace(
        'DATABASE_URL = { type = "neon_database_url" }\n', ""))  # fmt: skip
    assert bool([item for item in found.former["prod"] if item.variable.startswith("TOKEN")]) == taken
    assert ("container.main.secrets.managed.TOKEN.type" in listed(found)) != taken
    stage = loads(written(found), NOWHERE / "pocket.toml").stage("prod")
    assert bool([item for item in stage.secret_variables if item.name.startswith("TOKEN")]) == taken


def test_the_projects_name_is_that_of_pyproject(tmp_path: Path) -> None:
    text = EARLY.replace('project_name = "board"\n', "")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "acme.board"\n')
    found = of(text, tmp_path)
    assert found.tables["general"]["project_name"] == "acme-board"
    assert found.former["dev"][0].secret_id == "pocket-dev-acme.board"


def test_a_pyproject_without_a_table_of_the_project_has_no_name(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("project = 1\n")
    found = of(EARLY.replace('project_name = "board"\n', ""), tmp_path)
    assert found.tables["general"]["project_name"] == slug(tmp_path.name)


def test_a_stages_name_that_pocket_does_not_have_is_changed() -> None:
    found = of(EARLY.replace("dev", "1st.dev_a"))
    assert found.tables["general"]["stages"] == ["stage-1st-dev-a", "prd"]
    assert found.former["stage-1st-dev-a"][0].keys[0] == "1st.dev_a"
    assert found.notes[0].keys == ("general.stages",)


def test_a_file_that_is_none_of_magic_pocket_is_refused() -> None:
    with pytest.raises(ConfigError, match="no list `stages`"):
        of("[tool]\n")


NAMES = {"container": "main", "handlers": "web", "storages": "default", "cloudfront": "site", "schedules": "nightly"}
VALUES: dict[str, Any] = {
    "command": "pocket.django.lambda_handlers.wsgi_handler",
    "permissions_boundary": "arn:aws:iam::123456789012:policy/a",
    "handler": "main.web",
    "general.region": "eu-west-1",
}
BY_TYPE: dict[str, list[Any]] = {
    "string": ["x1"],
    "integer": [77],
    "number": [1.5],
    "boolean": [True, False],
    "array": [["x"]],
    "object": [{"X_KEY": "x"}],
    "list of tables": [[{"domain": "a.example.com"}]],
}


def path_of(key: str) -> tuple[str, ...]:
    parts = key.split(".")
    return tuple(NAMES.get(parts[place - 1], "one") if part == "NAME" else part for place, part in enumerate(parts))


def put(data: dict[str, Any], path: Sequence[str], value: object) -> bool:
    for part in path[:-1]:
        data = data.setdefault(part, {})
        if not isinstance(data, dict):
            return False
    data.setdefault(path[-1], value)
    return True


def possible(key: str, kind: str) -> list[Any]:
    """Values of a key of this type."""
    given = VALUES.get(key, VALUES.get(key.rpartition(".")[2]))
    if given is not None:
        return [given]
    return kind.removeprefix("one of ").split("|") if kind.startswith("one of ") else BY_TYPE[kind]


@st.composite
def files(draw: st.DrawFn) -> list[tuple[tuple[str, ...], Any]]:
    """Some keys of one version, each with a value of its type."""
    keys = KEYS[draw(st.sampled_from(sorted(KEYS)))]
    chosen = draw(st.lists(st.sampled_from(sorted(keys)), unique=True, min_size=1, max_size=30))
    return [(path_of(key), draw(st.sampled_from(possible(key, keys[key])))) for key in chosen]


def data_of(values: Sequence[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    data: dict[str, Any] = {"general": {"stages": ["dev", "prd"]}}
    for path, value in values:
        put(data, path, value)
    return data


def every_key(version: str) -> dict[str, Any]:
    """A file of one stage with every key of that version."""
    values = [(path_of(key), next(iter(possible(key, kind)))) for key, kind in KEYS[version].items()]
    return data_of(values) | {"general": {**data_of(values)["general"], "stages": ["dev"]}}


@pytest.mark.parametrize("data", [tomllib.loads(EARLY), tomllib.loads(LATER), *map(every_key, KEYS)])
def test_an_odd_value_at_any_place_is_translated_or_refused(data: dict[str, Any]) -> None:
    for path, value, odd in changed(data):
        with only(ConfigError, f"at {path}: {value!r}"):
            translate(odd, NOWHERE)


def same(one: Translation, other: Translation) -> bool:
    return (repr(one.tables), one.former, one.buckets) == (repr(other.tables), other.former, other.buckets)


@given(files())
@settings(max_examples=50)
def test_every_key_of_magic_pocket_is_translated_or_listed(values: list[tuple[tuple[str, ...], Any]]) -> None:
    found = translate(data_of(values), NOWHERE)
    keys = listed(found)
    for path, _ in values:
        rest = [item for item in values if item[0] != path]
        key = ".".join(path)
        is_listed = any(item == key or item.startswith((f"{key}.", f"{key}[")) for item in keys)
        assert is_listed or not same(translate(data_of(rest), NOWHERE), found), key


@given(files())
@settings(max_examples=50)
def test_a_translation_is_toml_and_at_most_its_values_are_refused(values: list[tuple[tuple[str, ...], Any]]) -> None:
    found = translate(data_of(values), NOWHERE)
    text = written(found)
    assert tomllib.loads(text) == found.tables
    with suppress(ConfigErrors):
        loads(text, NOWHERE / "pocket.toml")


scalars = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.dates()
    | st.datetimes(timezones=st.just(dt.UTC))
    | st.times()
)
tables = st.recursive(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), scalars, max_size=3),
    lambda below: st.dictionaries(
        st.text(string.ascii_letters, max_size=3), below | scalars | st.lists(scalars | below, max_size=3), max_size=3
    ),
    max_leaves=12,
)


@given(tables)
@settings(max_examples=50)
def test_the_text_of_tables_is_read_back_as_they_were(table: Mapping[str, Any]) -> None:
    assert tomllib.loads(toml_text.text(table)) == table


@given(st.lists(tables, min_size=1, max_size=4))
@settings(max_examples=50)
def test_common_and_own_tables_are_the_same_as_before(stages: list[dict[str, Any]]) -> None:
    shared, own = common(stages)
    assert [merge(shared, item) for item in own] == stages


def test_the_secrets_of_every_container_are_taken_over() -> None:
    more = """
[container.jobs.secrets.managed]
JOBS_KEY = { type = "password" }
DJANGO_SECRET_KEY = { type = "password" }
"""
    text = LATER.replace(
        "[container.main.secrets.managed]\n",
        '[container.main.secrets.managed]\nDJANGO_SECRET_KEY = { type = "password" }\n',
    )
    found = translate(tomllib.loads(text + more), NOWHERE)
    (advice,) = [note.advice for note in found.notes if note.keys == ("container.jobs",)]
    assert "Its secrets are there already: JOBS_KEY." in advice
    assert "Two containers have DJANGO_SECRET_KEY: the value of the translated one is copied." in advice
    assert found.tables["awscontainer"]["secretsmanager"]["pocket_secrets"]["JOBS_KEY"] == {"type": "password"}
    stage, former = next(iter(found.former.items()))
    places = [place.secret_id for place in former if place.variable == "JOBS_KEY"]
    assert places[0].endswith("-jobs-acme"), (stage, places)
    assert not any("-jobs-" in place.secret_id for place in former if place.variable == "DJANGO_SECRET_KEY")
