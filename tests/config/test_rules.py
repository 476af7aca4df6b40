"""Rules between keys: the key of each issue, and neighbouring files without issues."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pocket import config, naming
from pocket.config.rules import environment
from pocket.config.tables.awscontainer import LAMBDA_PYTHONS
from pocket.config.tables.events import S3_EVENTS
from pocket.errors import ConfigError

Read = Callable[..., config.Project]
Refused = Callable[..., list[ConfigError]]

ARN = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:x-AbCdEf"


def one(issues: list[ConfigError]) -> ConfigError:
    assert len(issues) == 1, issues
    return issues[0]


def container(**keys: str) -> str:
    return "[awscontainer]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


def handler(command: str = "board.handlers.web", **keys: str) -> str:
    lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f'[awscontainer.handlers.web]\ncommand = "{command}"\n{lines}'


def of_dev(name: str = "web", **keys: str | bool) -> str:
    """A handler with an HTTP API whose keys are those of one stage, since two stages never share a domain."""
    web = handler() if name == "web" else ""
    lines = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in keys.items())
    return f"{web}[dev.awscontainer.handlers.{name}.apigateway]\n{lines}"


def secrets(text: str, table: str = "") -> str:
    return f"[awscontainer.secretsmanager]\n{table}\n{text}\n"


def storage(text: str) -> str:
    return f"[awscontainer.django.storages]\ndefault = {{ {text} }}\n"


def cache(text: str) -> str:
    return f"[awscontainer.django.caches]\ndefault = {{ {text} }}\n"


def permission(*, table: str = "awscontainer.permissions", **keys: str) -> str:
    given = {"actions": '["s3:GetObject"]', "resources": '["*"]', **keys}
    return f"[[{table}]]\n" + "".join(f"{key} = {value}\n" for key, value in given.items())


def tasks(text: str) -> str:
    return f"[awscontainer.tasks]\ndefault = {text}\n"


def of_cdn(**keys: Any) -> str:
    return "[dev.cloudfront]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())


DJANGO = "pocket.django.lambda_handlers"
ENVS = "awscontainer.envs"
ALLOWED = "awscontainer.permissions[0]"
WEB = "awscontainer.handlers.web"
API = f"{WEB}.apigateway"
THROTTLING = f"{API}.throttling"
SECRETS = "awscontainer.secretsmanager"
STORAGE = "awscontainer.django.storages.default"
CACHE = "awscontainer.django.caches.default"
MANAGE = f"{DJANGO}.management_command_handler"
NEWS = "'arn:aws:sns:us-east-1:123456789012:news'"
TOPIC = "{ topic = 'arn:aws:sns:us-east-1:123456789012:orders' }"
SNS = f"[{{ sns = {TOPIC} }}]"
CDN = f'[cloudfront]\n[awscontainer.handlers.web]\ncommand = "{DJANGO}.wsgi_handler"\napigateway = {{}}\n'
SECOND_API = f'[awscontainer.handlers.admin]\ncommand = "{DJANGO}.wsgi_handler"\napigateway = {{}}\n'
FILES = '[s3]\n[awscontainer.django.storages]\ndefault = {{ store = "cloudfront", {} }}\n'
REGIONAL_CERTIFICATE = "arn:aws:acm:ap-northeast-1:123456789012:certificate/01-23"
SITE = {"domain": "www.example.com", "certificate_arn": REGIONAL_CERTIFICATE.replace("ap-northeast-1", "us-east-1")}
REGIONAL_ACL = "arn:aws:wafv2:ap-northeast-1:123456789012:regional/webacl/site/0a1b"
IAM = 'iam = true\nhost = "a.example.com"\nname = "n"\nuser = "u"\nresource_id = "cluster-A"\n'
TASKS = "awscontainer.tasks"
BAD_ADDRESSES = ("noreply", "noreply@example", "a b@example.com", "noreply@example.com, b@example.com", "ä@example.com",
                 "Board <noreply@example.com> x", "noreply@bücher.example")  # fmt: skip
ISSUES = [
    # placeholders
    (
        secrets('secrets = { TOKEN = "a" }', 'placeholders = { TOKN = "x" }'),
        "awscontainer.secretsmanager.placeholders.TOKN",
        "There is no secret for the variable TOKN",
    ),
    # database
    ('[database]\nengine = "postgresql"', "database", 'needs the secret with the database\'s URL, or iam'),
    ('[database]\nengine = "postgresql"\nsecret = "{stage}"\nuser = "a"', "database.user", "Only a database with iam"),
    ('[database]\nengine = "postgresql"\nsecret = "{stage}"\nhost = "a.example.com"', "database.host", "needs name"),
    ('[database]\nengine = "postgresql"\nsecret = "{stage}"\nhost = "a b"', "database.host", "the name of a host"),
    ('[dev.database]\nengine = "postgresql"\n' + IAM.replace('user = "u"\n', ""), "dev.database", "user is required"),
    ('[dev.database]\nengine = "postgresql"\nsecret = "x"\n' + IAM, "dev.database.secret", "there is no password"),
    ('[dev.database]\nengine = "postgresql"\n' + IAM.replace("cluster-A", "board"), "dev.database.resource_id",
     "the resource id"),
    ('[database]\nengine = "postgresql"\n' + IAM, "database.name", "would share the database n at a.example.com"),
    ('[database]\nengine = "aurora"\nuser = "a"', "database.user", 'The engine "aurora" has no user'),
    ('[database]\nengine = "aurora"\n[dev.general]\nproject_name = "a--b"', "database.engine", "single hyphens"),
    ('[database]\nengine = "mysql"\nsecret = "{stage}"', "database.engine", "postgresql"),
    ('[database]\nengine = "postgresql"\nsecret = "{stages}"', "database.secret", "no placeholders other than"),
    ('[database]\nengine = "postgresql"\nsecret = "a {stage}"', "database.secret", "a secret's name, arn:"),
    ('[database]\nengine = "postgresql"\nsecret = "url"', "database.secret", "dev and prd would share the database"),
    ('[database]\nengine = "postgresql"\nsecret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:{stage}"',
     "database.secret", "The secret is in us-east-1"),
    ('[database]\nengine = "postgresql"\nsecret = "{stage}+"\n' + secrets("", 'store = "ssm"'),
     "database.secret", "the name of a parameter"),
    ('[database]\nengine = "postgresql"\nsecret = "{stage}"\n' + secrets('secrets.DATABASE_URL = "x"'),
     "database", "DATABASE_URL is also declared by awscontainer.secretsmanager.secrets"),
    (secrets('pocket_secrets.URL.type = "database_url"'), f"{SECRETS}.pocket_secrets.URL.type", "needs the table"),
    ('[database]\nengine = "postgresql"\nsecret = "{stage}"\n'
     + secrets('pocket_secrets.ONE.type = "database_url"\npocket_secrets.TWO.type = "database_url"'),
     f"{SECRETS}.pocket_secrets.TWO.type", "Only one variable"),
    ('[database]\nengine = "postgresql"\nsecret = "{stage}"\n'
     + secrets('pocket_secrets.ONE = { type = "database_url", options = { length = 9 } }'),
     f"{SECRETS}.pocket_secrets.ONE.options.length", "does not have this option"),
    # names
    ('[s3]\nbucket_name_format = "{stage}_x"', "s3.bucket_name_format", "lowercase letters"),
    ('[s3]\nbucket_name_format = "{stage}-s3alias"', "s3.bucket_name_format", "-s3alias"),
    ('[s3]\nbucket_name_format = "xn--{stage}"', "s3.bucket_name_format", "xn--"),
    ('[dev.s3]\nbucket_name_format = "board"\n[prd.s3]\nbucket_name_format = "board"',
     "prd.s3.bucket_name_format", "dev and prd would share"),
    ('[s3]\nbucket_name_format = "{stages}-x"', "s3.bucket_name_format", "no placeholders other than"),
    ('[s3]\nbucket_name_format = "{stage!r}-x"', "s3.bucket_name_format", "without format specifiers"),
    ('[s3]\nbucket_name_format = "{stage:>9}-x"', "s3.bucket_name_format", "without format specifiers"),
    ('[s3]\nbucket_name_format = "{stage-x"', "s3.bucket_name_format", "every brace closed"),
    (f'[awscontainer.handlers.{"x" * 50}]\ncommand = "a.b"', f"awscontainer.handlers.{'x' * 50}", "at most 64"),
    (handler() + '[awscontainer.handlers.a-b]\ncommand = "a.b"\n[awscontainer.handlers.a_b]\ncommand = "a.b"',
     "awscontainer.handlers.a_b", 'handlers "a-b" and "a_b"'),
    (handler(sqs="{}") + '[awscontainer.handlers.web-dead-letters]\ncommand = "a.b"\nsqs = {}',
     "awscontainer.handlers.web-dead-letters", "would share the name pocket-dev-board-web-dead-letters"),
    (handler(sqs="{ fifo = true }") + '[awscontainer.handlers.web-fifo]\ncommand = "a.b"\nsqs = {}',
     "awscontainer.handlers.web-fifo", "would share the name WebFifoQueue"),
    (secrets('pocket_secrets.KEY.type = "password"', 'pocket_key_format = "x {stage}"'),
     f"{SECRETS}.pocket_key_format", "The store does not allow"),
    (secrets('pocket_secrets.KEY.type = "password"', 'store = "ssm"\npocket_key_format = "x+{stage}"'),
     f"{SECRETS}.pocket_key_format", "The store does not allow"),
    (secrets('pocket_secrets.KEY.type = "password"', 'store = "ssm"\npocket_key_format = "/aws/{stage}"'),
     f"{SECRETS}.pocket_key_format", "reserves names"),
    (secrets('pocket_secrets.KEY.type = "password"') + f'[dev.{SECRETS}]\npocket_key_format = "x"\n'
     f'[prd.{SECRETS}]\npocket_key_format = "x"', f"prd.{SECRETS}.pocket_key_format", "share the generated secrets"),
    # artifact
    (container(dockerfile_path='"Dockerfile"'), "awscontainer.dockerfile_path", "no file"),
    (container(requirements='"requirements/none.txt"'), "awscontainer.requirements", "no file"),
    (container(requirements='"."'), "awscontainer.requirements", "no file"),
    (container(snapstart="true", python_version='"3.11"'), "awscontainer.snapstart", "needs Python 3.12"),
    (container(platform='"linux/amd64"', architecture='"arm64"'), "awscontainer.platform", "architecture is x86_64"),
    (container(platform='"linux/x86"'), "awscontainer.platform", '"linux/arm64" or "linux/amd64"'),
    (container(python_version='"3.9"'), "awscontainer.python_version", '"3.11"'),
    # environment
    (container(envs="{ AWS_REGION = 'x' }"), f"{ENVS}.AWS_REGION", "reserved by Lambda"),
    (container(envs="{ AWS_LAMBDA_FUNCTION_NAME = 'x' }"), f"{ENVS}.AWS_LAMBDA_FUNCTION_NAME", "reserved by Lambda"),
    (container(envs="{ LAMBDA_TASK_ROOT = 'x' }"), f"{ENVS}.LAMBDA_TASK_ROOT", "reserved by Lambda"),
    (container(envs="{ POCKET_STAGE = 'x' }"), f"{ENVS}.POCKET_STAGE", "reserved by Pocket"),
    (container(envs="{ _HANDLER = 'x' }"), f"{ENVS}._HANDLER", "a letter, then"),
    (container(envs="{ X = 'x' }"), f"{ENVS}.X", "at least one"),
    (container(envs="{ DEBUG = true }"), f"{ENVS}.DEBUG", "Expected a string"),
    (container(envs=f"{{ LONG = '{'x' * 4000}' }}"), ENVS, "allows 4096"),
    (container(envs="{ KEY = 'x' }") + secrets('pocket_secrets.KEY.type = "password"'),
     f"{SECRETS}.pocket_secrets.KEY", "KEY is also declared by awscontainer.envs.KEY"),
    (container(envs="{ KEY_PUB_BASE64 = 'x' }") + secrets('pocket_secrets.KEY.type = "rsa_pem_base64"'),
     f"{SECRETS}.pocket_secrets.KEY", "KEY_PUB_BASE64 is also declared"),
    (secrets('pocket_secrets.KEY.type = "password"\nsecrets.KEY = "x"'), f"{SECRETS}.secrets.KEY", "also declared by"),
    (secrets("pocket_secrets.KEY = { type = 'rsa_pem_base64', options = { pem_base64_environ_suffix = '_X', "
             "pub_base64_environ_suffix = '_X' } }"), f"{SECRETS}.pocket_secrets.KEY", "also declared by"),
    (secrets('secrets.POCKET_X = "x"'), f"{SECRETS}.secrets.POCKET_X", "reserved by Pocket"),
    (handler(envs="{ AWS_REGION = 'x' }"), f"{WEB}.envs.AWS_REGION", "reserved by Lambda"),
    (handler(envs="{ DJANGO_SETTINGS_MODULE = 'x' }"), f"{WEB}.envs.DJANGO_SETTINGS_MODULE", "same settings module"),
    (handler(envs=f"{{ LONG = '{'x' * 4000}' }}"), f"{WEB}.envs", 'environment of handler "web" takes about 4'),
    (handler(envs="{ KEY = 'x' }") + secrets('pocket_secrets.KEY.type = "password"'),
     f"{WEB}.envs.KEY", "KEY is also declared by awscontainer.secretsmanager.pocket_secrets.KEY"),
    # account
    ("[dev.general]\naccount = 123456789012", "dev.general.account", "Expected a string, found 123456789012"),
    ('[dev.general]\naccount = "1234"', "dev.general.account", "12 digits in quotation marks"),
    # tags
    ('[dev.general.tags]\n"AWS:team" = "x"', 'dev.general.tags."AWS:team"', 'begin with "AWS:" are reserved by AWS'),
    ('[dev.general.tags]\n"pocket:stage" = "x"', 'dev.general.tags."pocket:stage"', "reserved by Pocket"),
    ('[dev.general.tags]\n"a;b" = "x"', 'dev.general.tags."a;b"', "Expected a key of letters"),
    ('[dev.general.tags]\nteam = "a&b"', "dev.general.tags.team", "Expected a value of letters"),
    ('[dev.general.tags]\nteam = ""', "dev.general.tags.team", "a value of 1 to 256 characters, found 0"),
    (f'[dev.general.tags]\n{"k" * 129} = "x"', f"dev.general.tags.{'k' * 129}", "a key of 1 to 128 characters"),
    ('[dev.general.tags]\nteam = "x"\nTeam = "y"', "dev.general.tags.Team", "differ only in case"),
    ("[dev.general.tags]\n" + "".join(f'k{n} = "x"\n' for n in range(48)), "dev.general.tags", "48 tags; expected"),
    ("[dev.general.tags]\nteam = 1", "dev.general.tags.team", "Expected a string, found 1"),
    # permissions
    (permission(actions='["*"]'), f"{ALLOWED}.actions[0]", '"*" allows every action.'),
    (permission(actions='["s3:GetObject", "s3:*"]'), f"{ALLOWED}.actions[1]", "allows every action of a service"),
    (permission(actions='["s3:?*"]'), f"{ALLOWED}.actions[0]", "allows every action of a service"),
    (permission(actions='["S3.GetObject"]'), f"{ALLOWED}.actions[0]", "an action of IAM"),
    (permission(actions="[]"), f"{ALLOWED}.actions", "at least 1 item"),
    (permission(resources='["bucket"]'), f"{ALLOWED}.resources[0]", "an ARN, a reference such as"),
    (permission(resources='["arn:aws:s3:bucket"]'), f"{ALLOWED}.resources[0]", "arn:PARTITION:SERVICE:REGION:ACCOUNT"),
    (permission(resources='["arn:aws:sqs:${AWS::Region}:queue"]'), f"{ALLOWED}.resources[0]", "arn:PARTITION:SERVICE"),
    (permission(effect='"Deny"'), f"{ALLOWED}.effect", "Unknown key"),
    (permission(conditions='{ StringEqual = { "s3:prefix" = "a" } }'), f"{ALLOWED}.conditions.StringEqual",
     'no condition operator "StringEqual"'),
    (permission(conditions='{ StringEquals = { prefix = "a" } }'), f"{ALLOWED}.conditions.StringEquals.prefix",
     "Expected a condition key"),
    (permission(conditions='{ StringEquals = { "s3:prefix" = 1 } }'),
     f'{ALLOWED}.conditions.StringEquals."s3:prefix"', "Expected a list"),
    (handler() + permission(actions='["*"]', table="awscontainer.handlers.web.permissions"),
     f"{WEB}.permissions[0].actions[0]", "every action"),
    # handlers
    (handler(ephemeral_storage="511"), f"{WEB}.ephemeral_storage", "at least 512"),
    (handler(log_retention="31"), f"{WEB}.log_retention", "30, 60"),
    (handler(timeout="31", apigateway="{}"), f"{WEB}.timeout", "at most 30 seconds, found 31"),
    (handler(apigateway="{ throttling = { rate_limit = 5 } }"), f"{THROTTLING}.burst_limit", "required"),
    (handler(apigateway="{ throttling = { rate_limit = 0, burst_limit = 1 } }"), f"{THROTTLING}.rate_limit", "least 1"),
    (handler(apigateway="{ access_log = 'yes' }"), f"{WEB}.apigateway.access_log", "true or false"),
    # domains
    (of_dev(domain="https://api.example.com/x"), f"dev.{API}.domain", 'such as "api.example.com", found "https://api'),
    (of_dev(domain="api.example.com:8000"), f"dev.{API}.domain", "Expected a domain in lower case"),
    (of_dev(domain="API.example.com"), f"dev.{API}.domain", "Expected a domain in lower case"),
    (of_dev(domain="my_api.example.com"), f"dev.{API}.domain", "Expected a domain in lower case"),
    (of_dev(domain="api.example.com."), f"dev.{API}.domain", "Expected a domain in lower case"),
    (of_dev(domain="*.example.com"), f"dev.{API}.domain", "Expected a domain in lower case"),
    (of_dev(domain="192.0.2.1"), f"dev.{API}.domain", "Expected a domain in lower case"),
    (of_dev(domain="localhost"), f"dev.{API}.domain", "Expected a domain in lower case"),
    (of_dev(domain="bücher.example"), f"dev.{API}.domain", "Expected a domain in lower case"),
    (of_dev(domain=f"{'a' * 60}.com.au"), f"dev.{API}.domain", "at most 64 characters"),
    (of_dev(create_records=False), f"dev.{API}.create_records", "has no effect without a domain"),
    (of_dev(default_endpoint=False), f"dev.{API}.default_endpoint", "has no effect without a domain"),
    (of_dev(domain="a.example", hosted_zone_id_override="example.com"), f"dev.{API}.hosted_zone_id_override",
     'the id of a hosted zone of Route 53, such as "Z'),
    (of_dev(domain="a.example", create_records=False, hosted_zone_id_override="Z012"),
     f"dev.{API}.hosted_zone_id_override", "no hosted zone is used"),
    (of_dev(domain="a.example", certificate_arn="arn:aws:iam::123456789012:server-certificate/x"),
     f"dev.{API}.certificate_arn", "the ARN of a certificate"),
    (of_dev(domain="a.example", certificate_arn="arn:aws:acm:us-east-1:123456789012:certificate/0-1"),
     f"dev.{API}.certificate_arn", "The certificate is in us-east-1; an API in ap-northeast-1 needs one in ap-north"),
    (of_dev(domain="a.example") + f'[dev.awscontainer.handlers.b]\ncommand = "a.b"\n{of_dev("b", domain="a.example")}',
     "dev.awscontainer.handlers.b.apigateway.domain", "also declared by awscontainer.handlers.web.apigateway.domain"),
    (handler(apigateway='{ domain = "a.example" }'), f"{API}.domain", "stages dev and prd would share the domain"),
    (handler(apigateway="{}", sqs="{}"), f"{WEB}.sqs", "also has apigateway"),
    (handler(apigateway="{}", function_url="{}"), f"{WEB}.function_url", "also has apigateway"),
    (handler(f"{DJANGO}.wsgi_handler", sqs="{}"), f"{WEB}.sqs", "answers HTTP"),
    (handler(f"{DJANGO}.asgi_handler", sqs="{}"), f"{WEB}.sqs", "answers HTTP"),
    (handler(f"{DJANGO}.management_command_handler", sqs="{}"), f"{WEB}.sqs", "sent to it directly"),
    (handler(f"{DJANGO}.management_command_handler", apigateway="{}"), f"{WEB}.apigateway", "sent to it directly"),
    (handler(f"{DJANGO}.sqs_management_command_handler"), f"{WEB}.command", "the handler has none"),
    (handler(f"{DJANGO}.wsgi_handler", schedule='[{ expression = "rate(1 day)", manage = "x" }]'),
     f"{WEB}.schedule", "answers HTTP"),
    (handler(schedule='[{ expression = "rate(1 day)" }]', apigateway="{}"), f"{WEB}.schedule", "answers HTTP"),
    (handler(f"{DJANGO}.sqs_management_command_handler", sqs="{}", schedule='[{ expression = "rate(1 day)" }]'),
     f"{WEB}.schedule", "commands from a queue"),
    (handler(f"{DJANGO}.event_handler"), f"{WEB}.command", "Pocket chooses this handler itself"),
    (handler(schedule='[{ expression = "rate(1 day)", manage = "x" }]'), f"{WEB}.schedule[0].manage", "does not run"),
    (handler(MANAGE, schedule='[{ expression = "rate(1 day)" }]'), f"{WEB}.schedule[0].manage", "is required"),
    (handler(MANAGE, schedule='[{ expression = "rate(1 day)", manage = "x", input = {} }]'),
     f"{WEB}.schedule[0].input", "Only a callable"),
    (handler(schedule='[{ expression = "rate(1 day)", input = { since = 2026-01-01 } }]'),
     f"{WEB}.schedule[0].input.since", "JSON has no dates"),
    (handler(schedule='[{ expression = "rate(1 day)", input = "x" }]'),
     f"{WEB}.schedule[0].input", "a table, found a string."),
    (handler(schedule='[{ expression = "rate(1 day)", timezone = "Asia/Tokio" }]'),
     f"{WEB}.schedule[0].timezone", '"Asia/Tokyo", found "Asia/Tokio"'),
    (handler(MANAGE, schedule='[{ expression = "rate(1 day)", manage = "" }]'),
     f"{WEB}.schedule[0].manage", "the name of a"),
    # ses
    *((f"[ses]\nfrom_email = '{text}'", "ses.from_email", "an address, such as") for text in BAD_ADDRESSES),
    ("[ses]\nfrom_email = 'a@example.com'\nconfiguration_set = 'a b'", "ses.configuration_set", "configuration set"),
    ("[ses]\nfrom_email = 'a@example.com'\nregion = 'tokyo'", "ses.region", "AWS region"),
    ("[ses]\nregion = 'us-east-1'", "ses.from_email", "is required"),
    # alarms
    ("[alarms]", "alarms", "email, topic or dashboard"),
    ("[alarms]\nemail = 'team'", "alarms.email", "an address, such as"),
    ("[alarms]\ntopic = 'news'", "alarms.topic", "the ARN of an SNS topic"),
    (f"[alarms]\ntopic = {NEWS}", "alarms.topic", "sends only to topics there"),
    (f"[alarms]\nemail = 'a@example.com'\ntopic = {NEWS}", "alarms.topic", "found both"),
    ("[alarms]\ndashboard = true\nerrors = false", "alarms.errors", "no effect without"),
    ("[alarms]\nemail = 'a@example.com'\noldest_message_age = 1", "alarms.oldest_message_age", "at least 60"),
    # events
    (handler(f"{DJANGO}.wsgi_handler", events=SNS), f"{WEB}.events", "does not support events: it answers HTTP"),
    (handler(events=SNS, apigateway="{}"), f"{WEB}.events", "does not support events: it answers HTTP"),
    (handler(MANAGE, events=SNS), f"{WEB}.events", "sent to it directly"),
    (handler(events="[{}]"), f"{WEB}.events[0]", "found none"),
    (handler(events=f"[{{ sns = {TOPIC}, eventbridge = {{ pattern = {{ source = ['a'] }} }} }}]"),
     f"{WEB}.events[0]", "found sns and eventbridge"),
    (handler(events="[{ s3 = {} }]"), f"{WEB}.events[0].s3", "no table [s3]"),
    (handler(events="[{ s3 = { bucket = 'other' } }]") + "[s3]\nbucket_name_format = 'pocket-{stage}-b'\n",
     f"{WEB}.events[0].s3.bucket", 'The bucket "other" is not the stage\'s'),
    (handler(events="[{ s3 = { events = ['s3:ObjectCreate:*'] } }]") + "[s3]\n",
     f"{WEB}.events[0].s3.events[0]", "the name of an S3 event"),
    (handler(events="[{ s3 = { prefix = '*.png' } }]") + "[s3]\n", f"{WEB}.events[0].s3.prefix", "without wildcards"),
    (handler(events="[{ s3 = { events = ['s3:ObjectCreated:Put', 's3:ObjectCreated:*'] } }]") + "[s3]\n",
     f"{WEB}.events[0].s3.events[1]", "events in common"),
    (handler(events="[{ s3 = { prefix = '/media' } }]") + "[s3]\n", f"{WEB}.events[0].s3.prefix", "leading slash"),
    (handler(events="[{ s3 = { prefix = 'a/' } }, { s3 = { prefix = 'a/b', events = ['s3:ObjectCreated:Put'] } }]")
     + "[s3]\n", f"{WEB}.events[1].s3", "beside events[0] of the handler web"),
    (handler(events="[{ sns = { topic = 'orders' } }]"), f"{WEB}.events[0].sns.topic", "the ARN of an SNS topic"),
    (handler(events="[{ sns = { topic = 'arn:aws:sns:us-east-1:123456789012:a.fifo' } }]"),
     f"{WEB}.events[0].sns.topic", "not FIFO"),
    (handler(events="[{ eventbridge = { pattern = {} } }]"), f"{WEB}.events[0].eventbridge.pattern", "an empty table"),
    (handler(events="[{ eventbridge = { pattern = { origin = ['a'] } } }]"),
     f"{WEB}.events[0].eventbridge.pattern.origin", "no field 'origin'"),
    (handler(events="[{ eventbridge = { pattern = { source = 'a' } } }]"),
     f"{WEB}.events[0].eventbridge.pattern.source", "a list of the values"),
    (handler(events="[{ eventbridge = { pattern = { detail.a.b = [{ begins = 'x' }] } } }]"),
     f"{WEB}.events[0].eventbridge.pattern.detail.a.b[0]", "a filter with one of prefix"),
    (handler(events="[{ eventbridge = { pattern = { time = [2026-01-01] } } }]"),
     f"{WEB}.events[0].eventbridge.pattern.time[0]", "no dates"),
    (handler(events="[{ eventbridge = { pattern = { source = ['a'] }, bus = 'a b' } }]"),
     f"{WEB}.events[0].eventbridge.bus", "an event bus"),
    (handler(events="[{ eventbridge = { pattern = { source = ['a'] },"
             " bus = 'arn:aws:events:us-east-1:123456789012:event-bus/b' } }]"),
     f"{WEB}.events[0].eventbridge.bus", "another region"),
    (handler(events="[{ dynamodb = { stream = 'arn:aws:dynamodb:us-east-1:123456789012:table/a/stream/2026' } }]"),
     f"{WEB}.events[0].dynamodb.stream", "another region"),
    (handler(events="[{ dynamodb = { stream = 'arn:aws:dynamodb:us-east-1:123456789012:table/a' } }]"),
     f"{WEB}.events[0].dynamodb.stream", "a table's stream"),
    (handler(maximum_retry_attempts="1"), f"{WEB}.maximum_retry_attempts", "the handler has none"),
    (handler(events=SNS, maximum_event_age="30"), f"{WEB}.maximum_event_age", "at least 60"),
    (handler(schedule='[{ expression = "rate(1 day)", manage = "x \'" }]'), f"{WEB}.schedule[0].manage", "closed"),
    (handler(sqs="{}", reserved_concurrency="1"), f"{WEB}.reserved_concurrency", "2 invocations at once, but only 1"),
    (handler(sqs="{ message_retention_period = 600, dead_letter_message_retention_period = 60 }"),
     f"{WEB}.sqs.dead_letter_message_retention_period", "expire early"),
    (handler(sqs="{ maximum_concurrency = 1 }"), f"{WEB}.sqs.maximum_concurrency", "at least 2, found 1"),
    (handler(sqs="{ maximum_concurrency = 1001 }"), f"{WEB}.sqs.maximum_concurrency", "at most 1000"),
    (handler(sqs="{ batch_size = 11 }"), f"{WEB}.sqs.batch_size", "at most 10"),
    (handler(sqs="{ message_retention_period = 59 }"), f"{WEB}.sqs.message_retention_period", "at least 60"),
    (handler(sqs="{ message_retention_period = 1209601 }"), f"{WEB}.sqs.message_retention_period", "at most 1209600"),
    (handler(timeout="0"), f"{WEB}.timeout", "at least 1"),
    (handler(timeout="901"), f"{WEB}.timeout", "at most 900"),
    (handler(timeout="true"), f"{WEB}.timeout", "Expected a whole number, found true"),
    (handler(timeout="30.0"), f"{WEB}.timeout", "Expected a whole number, found 30.0"),
    (handler(memory_size="127"), f"{WEB}.memory_size", "at least 128"),
    (handler(memory_size="10241"), f"{WEB}.memory_size", "at most 10240"),
    (handler(reserved_concurrency="-1"), f"{WEB}.reserved_concurrency", "at least 0"),
    (handler("nodots"), f"{WEB}.command", "dotted path"),
    (handler("a." + "b" * 127), f"{WEB}.command", "at most 128"),
    (handler(commands='["check"]'), f"{WEB}.commands", "Only a handler that runs commands from a queue"),
    # tasks
    (tasks('"nowhere"'), f"{TASKS}.default", 'no handler "nowhere"'),
    (handler() + tasks('"web"'), f"{TASKS}.default", "does not run tasks"),
    (handler(f"{DJANGO}.sqs_management_command_handler", sqs="{}") + tasks('{ web = 5, webs = 1 }'),
     f"{TASKS}.default", 'no handler "webs"'),
    (tasks("{}"), f"{TASKS}.default", "name of a handler"),
    (tasks("3"), f"{TASKS}.default", "name of a handler, or a table"),
    (tasks('{ web = 101 }'), f"{TASKS}.default.web", "at most 100"),
    (tasks('"Web"'), f"{TASKS}.default", "name of a handler"),
    ('[general.django_fallback.tasks]\nbackend = "threads"', "general.django_fallback.tasks.backend", '"thread"'),
    # secrets
    (secrets('pocket_secrets.KEY = { type = "rsa_pem_base64", options = { length = 9 } }'),
     f"{SECRETS}.pocket_secrets.KEY.options.length", "not have this option"),
    (secrets('pocket_secrets.KEY = { type = "password", options = { pub_base64_environ_suffix = "_X" } }'),
     f"{SECRETS}.pocket_secrets.KEY.options.pub_base64_environ_suffix", "not have this option"),
    (secrets(f'secrets.KEY = "{ARN.replace("ap-northeast-1", "us-east-1")}"'), f"{SECRETS}.secrets.KEY", "us-east-1"),
    (secrets('secrets.KEY = "a+b"', 'store = "ssm"'), f"{SECRETS}.secrets.KEY", "name of a parameter"),
    (secrets('secrets.KEY = "x#"'), f"{SECRETS}.secrets.KEY", "after the #"),
    (secrets("", 'refresh = "15"'), f"{SECRETS}.refresh", "a duration"),
    (secrets("", 'refresh = "0m"'), f"{SECRETS}.refresh", "a duration"),
    # django
    (storage('store = "s3", location = "media"'), f"{STORAGE}.store", "no table [s3]"),
    ("[s3]\n" + storage('store = "s3"'), f"{STORAGE}.location", "needs a location"),
    ("[s3]\n" + storage('store = "s3", location = "/media"'), f"{STORAGE}.location", "without a leading slash"),
    ("[s3]\n" + storage('store = "s3", location = "a/../b"'), f"{STORAGE}.location", "without a leading slash"),
    (storage('store = "filesystem", manifest = true'), f"{STORAGE}.manifest", "not static"),
    *(
        ("[s3]\n" + storage(f'store = "s3", location = "{location}"'), f"{STORAGE}.location", "prefix of object keys")
        for location in ("*", "me*ia", "m?dia", "media/${aws:username}", "${AWS::AccountId}", "a b", "./media", "a//b")
    ),
    ("[s3]\n" + storage('store = "cloudfront", location = "x"'), f"{STORAGE}.store", "needs a distribution"),
    # the distribution
    ("[cloudfront]\n", "cloudfront", "found none"),
    (CDN + SECOND_API, "cloudfront", "found web, admin"),
    (CDN.replace(f"{DJANGO}.wsgi_handler", "board.handlers.web"), f"{WEB}.command", "Only Pocket's own handlers"),
    (CDN + '[dev.awscontainer.handlers.web.apigateway]\ndomain = "a.example.com"\n',
     f"dev.{WEB}.apigateway.domain", "needs no domain"),
    (CDN + of_cdn(aliases=["example.com"]), "dev.cloudfront.aliases", "no effect without a domain"),
    (CDN + of_cdn(**SITE, aliases=["www.example.com"]), "dev.cloudfront.aliases[0]", "by cloudfront.domain"),
    (CDN + of_cdn(**SITE, aliases=["b.example", "b.example"]), "dev.cloudfront.aliases[1]", "by cloudfront.aliases"),
    (CDN + of_cdn(domain="www.example.com", certificate_arn=REGIONAL_CERTIFICATE), "dev.cloudfront.certificate_arn",
     "a certificate in us-east-1"),
    (CDN + of_cdn(**SITE, create_records=False, hosted_zone_id_override="Z0123456789"),
     "dev.cloudfront.hosted_zone_id_override", "no hosted zone is used"),
    (CDN.replace("[cloudfront]\n", of_cdn(**SITE).replace("dev.", "")), "cloudfront.domain", "would share the domain"),
    (CDN + "[s3]\npublic_dirs = ['static']\n", "s3.public_dirs", "is private"),
    (CDN + f"[dev.cloudfront]\nwaf_acl_arn = '{REGIONAL_ACL}'\n", "dev.cloudfront.waf_acl_arn", "us-east-1"),
    (CDN.replace("[cloudfront]", "[cloudfront]\nlogging = { bucket = 'A' }"), "cloudfront.logging.bucket", "S3 bucket"),
    (CDN + "[s3]\nupload_origins = ['example.com']\n", "s3.upload_origins[0]", "the origin of a site"),
    (CDN + FILES.format('static = true, signed = true, location = "x"'), f"{STORAGE}.signed", "cannot be signed"),
    (CDN + FILES.format('location = "a!b"'), f"{STORAGE}.location", "a path pattern"),
    (CDN + "[s3]\n" + storage('store = "s3", signed = true, location = "x"'), f"{STORAGE}.signed", "can be signed"),
    (
        CDN + FILES.format('location = "x", signed = true') + 'private = { store = "cloudfront", location = "x/" }\n',
        "awscontainer.django.storages.private.location",
        "the same location",
    ),
    (
        "[general.django_fallback.storages]\ndefault = { store = 'cloudfront', location = 'x' }\n",
        "general.django_fallback.storages.default.store",
        "A laptop has no distribution",
    ),
    (cache('store = "efs"'), f"{CACHE}.store", '"locmem"'),
    (cache('store = "memcached"'), f"{CACHE}.store", 'found "memcached"'),
    (cache('store = "database"'), f"{CACHE}.location", "name of the table"),
    (cache('store = "filesystem"'), f"{CACHE}.location", "the directory"),
    (cache('store = "redis", location = "localhost:6379"'), f"{CACHE}.location", "redis://"),
    ("[awscontainer.django.settings]\nX = [1, { y = 10:00:00 }]", "awscontainer.django.settings.X[1].y", "no dates"),
    ("[awscontainer.django.settings]\nX = inf", "awscontainer.django.settings.X", "no inf"),
    ("[awscontainer.django.settings]\nX.y = nan", "awscontainer.django.settings.X.y", "no nan"),
    ("[awscontainer.django.settings]\nx = 1", "awscontainer.django.settings.x", "capital letters"),
    (storage('store = "filesystem", options = { a = 2026-01-01T00:00:00Z }'), f"{STORAGE}.options.a", "no dates"),
    (cache('store = "locmem", options = { a = -inf }'), f"{CACHE}.options.a", "no inf"),
    ('[general.django_fallback.storages]\ndefault = { store = "s3", location = "media" }',
     "general.django_fallback.storages.default.store", "s3_fallback_bucket_name"),
    ("[general.django_fallback.settings]\nX = 2026-01-01", "general.django_fallback.settings.X", "no dates"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "key", "words"), ISSUES)
def test_a_broken_rule_names_the_key_once_for_all_stages(refused: Refused, text: str, key: str, words: str) -> None:
    issue = one(refused(text))
    assert issue.key == key
    assert words in issue.message


TAKEN = [
    "[ses]\nfrom_email = 'Board <noreply@mail.example.com>'\nregion = 'us-east-1'\nconfiguration_set = 'a-b'",
    handler(timeout="30", apigateway="{}"),
    of_dev(domain="a.example"),
    of_dev(domain="a-1.b2.co.jp", default_endpoint=False, hosted_zone_id_override="Z0123"),
    of_dev(domain="xn--bcher-kva.example", create_records=False),
    of_dev(domain="a.example", certificate_arn="arn:aws:acm:ap-northeast-1:123456789012:certificate/0-1"),
    handler(timeout="900", function_url="{}"),
    handler(timeout="900", sqs="{ batch_size = 1, fifo = true }"),
    handler(sqs="{}", reserved_concurrency="2"),
    handler(sqs="{ message_retention_period = 1209600 }"),
    handler(f"{DJANGO}.wsgi_handler"),
    handler(schedule='[{ expression = "rate(1 day)", timezone = "Asia/Tokyo", input = { a = [1, { b = true }] } }]'),
    handler(MANAGE, schedule='[{ expression = "rate(1 day)", manage = "x", enabled = false }]'),
    handler(events=SNS, maximum_retry_attempts="0", maximum_event_age="60"),
    handler(
        events="[{ s3 = { suffix = '.png' } }, { s3 = { suffix = '.jpg' } }, { s3 = { prefix = 'a/', events ="
        " ['s3:ObjectRemoved:*'] } }]"
    )
    + "[s3]\n",
    handler(events="[{ s3 = { bucket = 'pocket-b' } }]") + "[dev.s3]\nbucket_name_format = 'pocket-b'\n"
    "[prd]\nawscontainer.handlers.web.events = []\n",
    handler(
        events="[{ eventbridge = { pattern = { source = ['a'], detail = { '$or' = [{ x = [{ numeric = ['>', 1] }]"
        " }, { y = [{ exists = false }] }] } }, bus = 'arn:aws:events:ap-northeast-1:123456789012:event-bus/b' } }]"
    ),
    handler(
        events="[{ dynamodb = { stream ="
        " 'arn:aws:dynamodb:ap-northeast-1:123456789012:table/a/stream/2026-01-01T00:00:00.000' } }]"
    ),
    handler(f"{DJANGO}.management_command_handler", timeout="900", reserved_concurrency="0"),
    container(envs="{ AWS_STORAGE_BUCKET_NAME = 'x', AWS_LAMBDA_EXEC_WRAPPER = '/opt/x', TZ = 'Asia/Tokyo' }"),
    container(envs=f"{{ LONG = '{'x' * 3700}' }}"),
    container(snapstart="true", python_version='"3.12"'),
    container(permissions_boundary='"arn:aws:iam::123456789012:policy/team/boundary"'),
    secrets("", 'pocket_key_format = "x y"'),
    secrets(f'secrets.KEY = "{ARN}#a#b"'),
    secrets('secrets.KEY = "arn:aws:ssm:ap-northeast-1:123456789012:parameter/a/b"'),
    secrets('secrets.KEY = "/a/b"', 'store = "ssm"'),
    secrets("", f'extra_resources = ["{ARN}", "arn:aws:secretsmanager:*:123456789012:secret:x*"]'),
    storage('store = "filesystem", static = true, manifest = true'),
    '[prd.s3]\n[dev.s3]\n[awscontainer.django]\nstorages.default = { store = "s3", location = "a/b.c" }',
    cache('store = "redis"'),
    cache('store = "redis", location = "rediss://x:y@z/1"'),
    cache('store = "database", location = "cache_table"'),
    "[awscontainer.django.settings]\nX = { y = [1, 1.5, true, 'x', []] }",
]


@pytest.mark.parametrize("text", TAKEN)
def test_valid_files_have_no_issues(read: Read, text: str) -> None:
    assert list(read(text).stages) == ["dev", "prd"]


def test_an_issue_of_one_stage_names_the_stage(refused: Refused) -> None:
    text = '[general]\nregion = "eu-west-1"\nstages = ["dev", "production"]\n'
    issue = one(refused(f'[awscontainer.handlers.{"x" * 45}]\ncommand = "a.b"', head=text))
    assert "The name of the function" in issue.message
    assert issue.message.endswith("(in stage production).")


def test_the_longest_names_are_valid_and_one_more_letter_is_not(read: Read, refused: Refused) -> None:
    def named(length: int, keys: str = "") -> str:
        return f'[awscontainer.handlers.{"x" * (length - len("pocket-dev-board-"))}]\ncommand = "a.b"\n{keys}'

    read(named(64))
    assert "has 65 characters; AWS allows at most 64" in one(refused(named(65))).message
    read(named(80 - len("-dead-letters.fifo"), "sqs = { fifo = true }"))
    issue = one(refused(named(81 - len("-dead-letters.fifo"), "sqs = { fifo = true }")))
    assert "has 81 characters; AWS allows at most 80" in issue.message


def test_a_stack_name_that_is_too_long_is_found_without_any_handler(refused: Refused) -> None:
    head = f'[general]\nregion = "eu-west-1"\nstages = ["dev"]\nproject_name = "{"x" * 120}"\n'
    issue = one(refused("", head=head))
    assert (issue.key, issue.line) == ("general.project_name", 4)
    assert "at most 128" in issue.message


def test_files_of_the_artifact_are_relative_to_the_project(read: Read, folder: Path) -> None:
    (folder / "deploy").mkdir()
    (folder / "deploy" / "Dockerfile").touch()
    (folder / "requirements.txt").touch()
    read(container(dockerfile_path='"deploy/Dockerfile"', requirements='"requirements.txt"'))


def test_an_image_has_its_own_python_for_snapstart(read: Read, folder: Path) -> None:
    (folder / "Dockerfile").touch()
    read(container(dockerfile_path='"Dockerfile"', snapstart="true"))


def test_the_zip_uses_the_running_python_unless_lambda_lacks_it(
    read: Read, refused: Refused, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = read(container()).stage("dev")
    assert stage.awscontainer is not None
    assert stage.awscontainer.python_version == naming.running_python()
    assert naming.running_python() in LAMBDA_PYTHONS
    monkeypatch.setattr("sys.version_info", type("Version", (), {"major": 3, "minor": 99}))
    issue = one(refused(container()))
    assert (issue.key, issue.line) == ("awscontainer.python_version", 4)
    assert "3.99" in issue.message
    assert "3.14" in issue.hint
    read(container(python_version='"3.13"'))
    (folder / "Dockerfile").touch()
    read(container(dockerfile_path='"Dockerfile"'))


def test_the_estimate_of_the_environment_counts_what_the_deploy_adds(read: Read) -> None:
    bare = environment.estimated_size(read(container(envs="{ KEY = 'é' }")).stage("dev"))
    served = environment.estimated_size(read(container(envs="{ KEY = 'é' }") + handler(apigateway="{}")).stage("dev"))
    queued = environment.estimated_size(read(container(envs="{ KEY = 'é' }") + handler(sqs="{}")).stage("dev"))
    assert bare > len("KEY") + 2
    assert served > bare + 3 * len("0123456789.execute-api.ap-northeast-1.amazonaws.com")
    assert queued > bare + len("POCKET_WEB_QUEUEURL")
    assert environment.estimated_size(read("").stage("dev")) == 0


def test_permissions_of_every_accepted_form(read: Read) -> None:
    role = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/x"
    resources = f'["*", "arn:aws:s3:::board/*", "${{Table.Arn}}/index/*", "${{Topic}}", "{role}"]'
    conditions = (
        '{ "ForAnyValue:StringLikeIfExists" = { "aws:TagKeys" = ["a", "b"] }, Null = { "s3:prefix" = "true" } }'
    )
    text = handler() + permission(resources=resources, conditions=conditions)
    text += permission(actions='["*", "s3:*", "s3:Get*"]', allow_wildcard="true", table=f"{WEB}.permissions")
    found = list(read(text).stage("dev").permissions())
    assert [path for path, _ in found] == [
        ("awscontainer", "permissions", 0),
        ("awscontainer", "handlers", "web", "permissions", 0),
    ]
    assert found[0][1].conditions["Null"] == {"s3:prefix": ["true"]}


def test_a_stages_tags_lie_over_the_common_ones(folder: Path) -> None:
    text = '[general]\nregion = "ap-northeast-1"\nstages = ["dev", "prd"]\n'
    text += 'tags = { team = "board", "チーム" = "掲示板 1" }\n[dev.general]\ntags = { team = "dev" }\n'
    (folder / "pocket.toml").write_text(text, encoding="utf-8")
    found = config.load(folder / "pocket.toml")
    assert found.stage("dev").general.tags == {"team": "dev", "チーム": "掲示板 1"}
    assert found.stage("prd").general.tags == {"team": "board", "チーム": "掲示板 1"}


def test_a_handlers_own_variables_lie_over_the_common_ones(read: Read) -> None:
    both = container(envs="{ KEY = 'a', OTHER = 'b' }") + handler(envs="{ KEY = 'longer' }")
    stage = read(both).stage("dev")
    assert stage.envs("web") == {"KEY": "longer", "OTHER": "b"}
    assert stage.envs(None) == {"KEY": "a", "OTHER": "b"}
    assert environment.estimated_size(stage, "web") == environment.estimated_size(stage) + len("longer") - len("a")


def test_an_invalid_key_causes_no_issues_at_its_neighbours(refused: Refused) -> None:
    for text in (
        storage('store = "filesystem", static = "yes", manifest = true'),
        handler("pocket", schedule='[{ expression = "rate(1 day)", manage = "x" }]'),
        handler(f"{DJANGO}.sqs_management_command_handler", sqs="true"),
        handler(sqs="{ maximum_concurrency = true }", reserved_concurrency="1"),
        handler(schedule="[{ expression = 1 }]", maximum_event_age="3600"),
        container(tasks='{ default = "web" }') + "[awscontainer.handlers.web]\ncommand = 1\n",
        "[awscontainer.secretsmanager]\nsecrets = { URL = 1 }\nplaceholders = { URL = 'x' }\n",
        '[database]\nengine = "neon"\nproject = 1\n',
    ):
        one(refused(text))
        one(refused(text + '[previews]\npattern = "pr-*"\nfrom = "dev"\n'))
    head = 's3 = "x"\n[general]\nregion = "ap-northeast-1"\nstages = ["dev", "prd"]\n'
    assert one(refused(storage('store = "s3", location = "media"'), head=head)).key == "s3"


def test_every_hint_is_a_sentence_and_every_message_too(refused: Refused) -> None:
    for text, _, _ in ISSUES:
        issue = one(refused(text))
        assert re.fullmatch(r"[A-Z\"].*\.", issue.message), issue.message
        assert not issue.hint or re.fullmatch(r"[A-Z].*[.?]", issue.hint), issue.hint


def test_names_of_s3_events_are_those_of_the_service() -> None:
    import botocore.session

    names = botocore.session.get_session().get_service_model("s3").shape_for("Event").enum
    assert set(S3_EVENTS) <= set(names)
