"""The JSON Schema: it describes every key, accepts what `load` accepts, and rejects what it can express."""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_values import changed as each_changed
from odd_values import only, places

from pocket import config
from pocket.config import file
from pocket.config.stage import StageTables
from pocket.errors import ConfigErrors

Read = Callable[..., config.Project]
Validate = Callable[[dict[str, Any]], list[str]]

WHOLE = tomllib.loads("""\
[general]
region = "ap-northeast-1"
account = "123456789012"
tags = { team = "board" }
stages = ["dev", "prd", "cdn", "exp"]
project_name = "board"
object_prefix = "acme-"
s3_fallback_bucket_name = "board-uploads"
[general.django_fallback.tasks]
backend = "thread"
[previews]
pattern = "pr-*"
from = "cdn"
expire_after = "7 days"
limit = 5
[general.django_fallback]
storages.default = { store = "s3", location = "media" }
caches.default = { store = "filesystem", location = "/tmp/cache" }
settings = { X = [1, { y = 1.5 }] }
[s3]
bucket_name_format = "{prefix}{stage}-{project}-files"
public_dirs = ["static", "a/b/"]
upload_origins = ["https://www.example.com"]
[database]
engine = "postgresql"
[dev.database]
secret = "{project}/{stage}/database-url"
[cdn.database]
engine = "neon"
project = "shiny-wind-028834"
branch = "{stage}-{project}"
parent_branch = "main"
api_key_secret = "neon/api-key"
[prd.database]
port = 5433
iam = true
host = "db.example.com"
name = "board"
user = "app"
owner = "boss"
resource_id = "cluster-ABC"
[exp.database]
engine = "aurora"
cluster = "{stage}-{project}"
[vpc]
subnet_ids = ["subnet-0a1b2c3d"]
security_group_ids = ["sg-0a1b2c3d"]
[prd.vpc]
security_group_ids = ["sg-0b1b2c3d"]
[ses]
from_email = "Board <noreply@example.com>"
region = "us-east-1"
configuration_set = "tracked"
[alarms]
dead_letters = true
oldest_message = true
oldest_message_age = 600
failed_events = true
errors = true
throttles = false
duration = false
http_5xx = false
dashboard = true
[dev.alarms]
email = "team@example.com"
[cdn.alarms]
topic = "arn:aws:sns:ap-northeast-1:123456789012:pager"
[exp.alarms]
email = "team@example.com"
[prd.alarms]
email = "team@example.com"
[awscontainer]
architecture = "x86_64"
python_version = "3.13"
log_retention = 90
resource_envs = {}
envs = { DEBUG = "false" }
extras = ["reports"]
groups = ["lambda"]
exclude = ["*.md", "!dist/"]
snapstart = true
permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"
permissions = [{ actions = ["s3:ListBucket"], resources = ["*"], conditions.StringEquals."s3:prefix" = "a" }]
gate = { path = "/health/?full=1" }
startup = { budget_ms = 900 }
fastapi = { app = "config.api:app", prefix = "/api" }
[awscontainer.handlers.web]
command = "pocket.django.lambda_handlers.wsgi_handler"
timeout = 20
memory_size = 1024
ephemeral_storage = 1024
permissions = [{ actions = ["sns:*"], resources = ["${Topic}"], allow_wildcard = true }]
envs = { FEATURE_X = "1" }
log_retention = 7
reserved_concurrency = 5
[dev.awscontainer.handlers.web.apigateway]
domain = "dev.example.com"
create_records = false
certificate_arn = "arn:aws:acm:ap-northeast-1:123456789012:certificate/0123"
default_endpoint = false
[prd.awscontainer.handlers.web.apigateway]
domain = "example.com"
hosted_zone_id_override = "Z0123456789"
[awscontainer.handlers.web.apigateway]
access_log = true
throttling = { rate_limit = 50, burst_limit = 100 }
[awscontainer.handlers.url]
command = "board.handlers.url"
function_url = {}
[awscontainer.handlers.management]
command = "pocket.django.lambda_handlers.management_command_handler"
schedule = [{ expression = "rate(1 hour)", manage = "clearsessions" }]
[awscontainer.handlers.thumbnails]
command = "board.events.thumbnails"
maximum_retry_attempts = 1
maximum_event_age = 3600
schedule = [{ expression = "rate(1 day)", timezone = "Asia/Tokyo", input = { kind = "weekly" }, enabled = false }]
events = [
    { s3 = { bucket = "acme-dev-board-files", prefix = "a/", suffix = ".x", events = ["s3:ObjectCreated:Put"] } },
    { s3 = { prefix = "b/", allow_recursion = true } },
    { sns = { topic = "arn:aws:sns:us-east-1:123456789012:orders" } },
    { eventbridge = { pattern = { source = ["shop"] }, bus = "shop" } },
]
[awscontainer.handlers.changes]
command = "board.events.changes"
[[dev.awscontainer.handlers.changes.events]]
[dev.awscontainer.handlers.changes.events.dynamodb]
stream = "arn:aws:dynamodb:ap-northeast-1:123456789012:table/a/stream/2026-01-01T00:00:00.000"
batch_size = 10
starting_position = "TRIM_HORIZON"
maximum_retry_attempts = 3
[awscontainer.handlers.sqsmanagement]
command = "pocket.django.lambda_handlers.sqs_management_command_handler"
commands = ["archive"]
[awscontainer.handlers.sqsmanagement.sqs]
batch_size = 5
maximum_concurrency = 3
message_retention_period = 3600
dead_letter_max_receive_count = 3
dead_letter_message_retention_period = 86400
report_batch_item_failures = false
fifo = true
[awscontainer.tasks]
default = "sqsmanagement"
reports = { sqsmanagement = 10 }
[awscontainer.secretsmanager]
store = "ssm"
refresh = "15m"
pocket_key_format = "acme/{stage}"
placeholders = { SENTRY_URL = "postgres://a@b.invalid/c" }
extra_resources = ["arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:x-AbCdEf"]
require_list_secrets = true
pocket_secrets.MAIN = { type = "database_url" }
pocket_secrets.KEY = { type = "password", options = { length = 60 } }
pocket_secrets.JWT = { type = "rsa_pem_base64", options = { pem_base64_environ_suffix = "_A" } }
pocket_secrets.JWT2 = { type = "rsa_pem_base64", options = { pub_base64_environ_suffix = "_B" } }
secrets = { SENTRY_URL = "board/db#url" }
[awscontainer.django]
storages.default = { store = "s3", location = "media", options = { querystring_auth = false } }
storages.staticfiles = { store = "s3", location = "static", static = true, manifest = true }
caches.default = { store = "redis", location = "redis://x", options = { a = 1 } }
settings = { DEFAULT_FROM_EMAIL = "a@b" }
[dev.awscontainer.handlers.web]
timeout = 10
[dev.awscontainer.django.storages.default]
location = "uploads"
[prd.general]
region = "us-east-1"
[prd.s3]
public_dirs = []
[prd.awscontainer.handlers.thumbnails]
events = []
[exp.awscontainer.handlers.thumbnails]
events = []
[cdn.s3]
public_dirs = []
[cdn.awscontainer.handlers.thumbnails]
events = []
[cdn.cloudfront]
domain = "www.example.org"
aliases = ["example.org"]
certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/01-23"
create_records = true
hosted_zone_id_override = "Z0123456789ABC"
price_class = "PriceClass_100"
waf_acl_arn = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/site/0a1b"
logging = { bucket = "our-logs", prefix = "board/", cookies = true }
[cdn.awscontainer.django.storages.default]
store = "cloudfront"
signed = true
""")


@pytest.fixture(scope="module")
def validate() -> Validate:
    """The errors of a JSON Schema validator: cfn-lint's, since no other is installed."""
    from cfnlint.jsonschema import StandardValidator

    validator = StandardValidator(schema=config.json_schema())
    return lambda data: [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(data)]


def toml(value: object) -> str:
    """A value as TOML writes it inline."""
    match value:
        case dict():
            return (
                "{"
                + ", ".join(f"{json.dumps(key, ensure_ascii=False)} = {toml(item)}" for key, item in value.items())
                + "}"
            )
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def document(data: dict[str, Any]) -> str:
    """Data as a TOML document, a line for each key at its top."""
    return "".join(f"{json.dumps(key, ensure_ascii=False)} = {toml(value)}\n" for key, value in data.items())


def tables(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, table in schema["$defs"].items():
        for key, value in table["properties"].items():
            yield f"{name}.{key}", value


def test_both_accept_a_file_with_every_key(read: Read, validate: Validate) -> None:
    read(document(WHOLE), head="")
    assert validate(WHOLE) == []


def test_the_whole_file_has_every_key_that_there_is() -> None:
    schema = config.json_schema()
    text = document(WHOLE)
    missing = [key for key, _ in tables(schema) if f'"{key.partition(".")[2]}" =' not in text]
    assert missing == ["AwsContainer.dockerfile_path", "AwsContainer.platform", "AwsContainer.requirements"]


def test_every_key_and_every_table_is_described() -> None:
    schema = config.json_schema()
    for name, table in schema["$defs"].items():
        assert table["description"], name
    for name, key in tables(schema):
        described = key.get("description") or schema["$defs"][key["$ref"].rpartition("/")[2]]["description"]
        assert described.endswith("."), name


def test_every_table_of_the_schema_rejects_unknown_keys_and_null() -> None:
    schema = config.json_schema()
    assert all(table["additionalProperties"] is False for table in schema["$defs"].values())
    assert "null" not in json.dumps(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert list(schema["properties"]) == [*StageTables.model_fields, "previews"]


def test_every_reference_has_a_definition() -> None:
    schema = config.json_schema()
    names = set(re.findall(r'"\$ref": "#/\$defs/(\w+)"', json.dumps(schema)))
    assert names == schema["$defs"].keys()


@pytest.mark.parametrize(
    "change",
    [
        {"x": 1},
        {"Prd": {}},
        {"general": {"region": "eu-west-1"}},
        {"general": {"region": "tokyo", "stages": ["dev"]}},
        {"dev": {"s4": {}}},
        {"dev": {"general": {"stages": []}}},
        {"dev": {"awscontainer": {"handlers": {"web": {"timout": 1}}}}},
        {"dev": {"awscontainer": {"handlers": {"Web": {}}}}},
        {"dev": {"awscontainer": {"handlers": {"web": {"timeout": 901}}}}},
        {"dev": {"awscontainer": {"handlers": {"web": {"schedule": [{"manage": "x"}]}}}}},
        {"dev": {"awscontainer": {"envs": {"DEBUG": True}}}},
        {"dev": {"awscontainer": {"django": {"caches": {"default": {"store": "efs"}}}}}},
        {"s3": {"public_dirs": ["/static"]}},
        {"s3": []},
    ],
)
def test_the_schema_rejects_what_it_can_express(validate: Validate, change: dict[str, Any]) -> None:
    assert validate(WHOLE | change)


def test_the_schema_accepts_the_example(validate: Validate) -> None:
    path = Path(__file__).parents[2] / "examples" / "board" / "pocket.toml"
    assert validate(tomllib.loads(path.read_text())) == []


WORDS = st.sampled_from(
    [
        "",
        "x",
        "dev",
        "prd",
        "s3",
        "web",
        "timeout",
        "region",
        "KEY",
        "a.b",
        "15m",
        "rate(1 day)",
        "ssm",
        "[key]",
        "{stage}",
    ]
)
VALUES = st.recursive(
    st.one_of(
        WORDS,
        st.text("abA_-./:{}#é", max_size=5),
        st.integers(-1, 2000),
        st.booleans(),
        st.floats(),
        st.dates(date(2000, 1, 1)),
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)
CHANGES = st.lists(
    st.tuples(st.sampled_from([(), *places(WHOLE)]), st.sampled_from(["put", "drop", "add"]), WORDS, VALUES),
    min_size=1,
    max_size=3,
)


def changed(changes: list[tuple[tuple[str | int, ...], str, str, Any]]) -> dict[str, Any]:
    """The whole file with some of its values put, dropped or added."""
    data = tomllib.loads(document(WHOLE))
    for path, how, name, value in changes:
        try:
            table: Any = data
            for part in path[:-1]:
                table = table[part]
            if how == "add":
                (table[path[-1]] if path else table)[name] = value
            elif path and how == "put":
                table[path[-1]] = value
            elif path:
                del table[path[-1]]
        except (KeyError, IndexError, TypeError):
            continue
    return data


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(CHANGES)
def test_any_file_is_accepted_by_both_or_every_issue_has_a_place(
    read: Read, validate: Validate, changes: list[tuple[tuple[str | int, ...], str, str, Any]]
) -> None:
    data = changed(changes)
    text = document(data)
    try:
        project = read(text, head="")
    except ConfigErrors as raised:
        issues = raised.errors
    else:
        assert validate(data) == []
        manifest = config.build_manifest(project)
        assert type(manifest).from_json(manifest.to_json()) == manifest
        return
    assert issues
    assert {issue.line for issue in issues} <= {1, *range(1, len(text.splitlines()) + 1)}
    assert all(issue.message.endswith(".") for issue in issues)
    assert len({(issue.key, issue.message) for issue in issues}) == len(issues)


def alone(stage: str) -> dict[str, Any]:
    """The whole file with this stage only, which is read faster."""
    others = {*WHOLE["general"]["stages"]} - {stage}
    own = {"general": {"stages": [stage]}, "previews": {"from": stage}}
    return {key: value | own.get(key, {}) for key, value in WHOLE.items() if key not in others}


def test_an_odd_value_at_any_place_is_accepted_or_an_issue(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for whole in (*map(alone, WHOLE["general"]["stages"]), WHOLE):
        for path, value, data in each_changed(whole):
            if (path, repr(value)) in seen:
                continue
            seen.add((path, repr(value)))
            monkeypatch.setattr(file, "parse", lambda *_, data=data: data)
            with only(ConfigErrors, f"at {path}: {value!r}"):
                config.loads("", Path("/board/pocket.toml"))
    assert {path for path, _ in seen} == {*places(WHOLE)}
