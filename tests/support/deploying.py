"""A stage that has one of everything, a project folder that deploys in a moment, and a reporter that listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tiny_project import PYTHON, Recorder, wheel, write

from pocket.config import Project, build_manifest, load
from pocket.deploy.reporting import PlanRow
from pocket.deploy.stacks.secrets import key_pair
from pocket.deploy.template import Code, Inputs

FULL = f"""
[general]
region = "eu-central-1"
stages = ["dev"]
project_name = "full"

[s3]
public_dirs = ["static", "open/files"]

[awscontainer]
python_version = "{PYTHON}"
envs = {{ DJANGO_SETTINGS_MODULE = "full.settings", GREETING = "it's \\"${{AWS::AccountId}}\\", <&>: é" }}
permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"

[awscontainer.handlers.web]
command = "pocket.django.lambda_handlers.wsgi_handler"
apigateway = {{}}

[awscontainer.handlers.admin-site]
command = "pocket.django.lambda_handlers.wsgi_handler"
apigateway = {{}}
reserved_concurrency = 3

[awscontainer.handlers.api]
command = "pocket.django.lambda_handlers.asgi_handler"
function_url = {{}}

[awscontainer.handlers.management]
command = "pocket.django.lambda_handlers.management_command_handler"
timeout = 600
schedule = [
    {{ expression = "rate(1 hour)", manage = "clearsessions" }},
    {{ expression = "cron(0 3 * * ? *)", manage = "archive --title 'two words' --older-than 90" }},
]

[awscontainer.handlers.sqsmanagement]
command = "pocket.django.lambda_handlers.sqs_management_command_handler"
timeout = 50
sqs = {{ batch_size = 5 }}

[awscontainer.handlers.ordered]
command = "pocket.django.lambda_handlers.sqs_management_command_handler"
sqs = {{ fifo = true, report_batch_item_failures = false }}

[awscontainer.tasks]
default = "sqsmanagement"

[awscontainer.secretsmanager]
secrets = {{ SENTRY_DSN = "arn:aws:ssm:eu-central-1:123456789012:parameter/sentry", API_KEY = "shared/api#key" }}
extra_resources = ["arn:aws:kms:eu-central-1:123456789012:key/0000"]

[awscontainer.secretsmanager.pocket_secrets]
SECRET_KEY = {{ type = "password", options = {{ length = 60 }} }}
TOKEN = {{ type = "rsa_pem_base64" }}

[awscontainer.django.storages]
default = {{ store = "s3", location = "media" }}
staticfiles = {{ store = "s3", location = "static", static = true, manifest = true }}

[[awscontainer.permissions]]
actions = ["sns:Publish"]
resources = ["arn:${{AWS::Partition}}:sns:${{AWS::Region}}:${{AWS::AccountId}}:news"]

[[awscontainer.handlers.api.permissions]]
actions = ["dynamodb:GetItem", "dynamodb:Query"]
resources = ["arn:aws:dynamodb:eu-central-1:123456789012:table/cache"]
conditions."ForAllValues:StringEquals"."dynamodb:LeadingKeys" = ["a", "b"]
conditions.Bool."aws:SecureTransport" = "true"
"""

EVENTS = f"""{FULL}
[ses]
from_email = "Board <noreply@mail.example.com>"
region = "us-east-1"
configuration_set = "tracked"

[vpc]
subnet_ids = ["subnet-0a1b2c3d", "subnet-0b1b2c3d"]
security_group_ids = ["sg-0a1b2c3d"]

[awscontainer.handlers.thumbnails]
command = "full.events.thumbnails"
events = [
    {{ s3 = {{ prefix = "media/", suffix = ".jpg", events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"] }} }},
    {{ sns = {{ topic = "arn:aws:sns:us-east-1:123456789012:orders" }} }},
    {{ eventbridge = {{ pattern = {{ source = ["shop"] }}, bus = "shop" }} }},
    {{ eventbridge = {{ pattern = {{ source = ["aws.health"] }} }} }},
    {{ dynamodb = {{ stream = "arn:aws:dynamodb:eu-central-1:123456789012:table/a/stream/2026-01-01T00:00:00.000" }} }},
]
schedule = [
    {{ expression = "cron(0 9 * * ? *)", timezone = "Asia/Tokyo", input = {{ kind = "weekly" }}, enabled = false }},
]
maximum_retry_attempts = 1
maximum_event_age = 3600
"""
"""FULL with mail, in a network, and with a callable that every kind of event calls."""
ALARMS = f"""{EVENTS}
[alarms]
email = "team@example.com"
dashboard = true
"""
"""EVENTS with every alarm and a dashboard."""
SECRETS = {"POCKET_ORIGIN_SECRET": "0123456789" * 5, "POCKET_CLOUDFRONT_PUB_BASE64": key_pair()[1]}
"""What the template of a distribution carries of the stage's secrets."""

CDN = (
    FULL.replace("apigateway = {}\nreserved", "function_url = {}\nreserved")
    .replace('public_dirs = ["static", "open/files"]', 'upload_origins = ["https://www.example.com"]')
    .replace('store = "s3", location = "media"', 'store = "cloudfront", signed = true, location = "media"')
    .replace('store = "s3"', 'store = "cloudfront"')
    + """
[cloudfront]
price_class = "PriceClass_100"
waf_acl_arn = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/site/0a1b"
logging = { bucket = "our-logs", prefix = "full/" }
"""
)
"""The same behind a distribution."""

SMALL = f"""
[general]
region = "eu-central-1"
stages = ["dev"]
project_name = "small"

[s3]

[awscontainer]
python_version = "{PYTHON}"

[awscontainer.handlers.web]
command = "app.web"
apigateway = {{}}

[awscontainer.handlers.open]
command = "app.web"
function_url = {{}}

[awscontainer.handlers.worker]
command = "app.work"
sqs = {{}}

[awscontainer.handlers.management]
command = "pocket.django.lambda_handlers.management_command_handler"

[awscontainer.secretsmanager.pocket_secrets]
SECRET_KEY = {{ type = "password" }}
"""

APP = """
import json
import os

def web(event, context):
    print("asked for", event["rawPath"])
    seen = {key: value for key, value in os.environ.items() if key.startswith("POCKET_")}
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(seen)}

def work(event, context):
    return {"batchItemFailures": []}
"""

COMMANDS = """
import importlib
import json
import os
import time

DATABASE = {"kind": "PostgreSQL", "name": "small", "host": "db.internal:5432"}
PENDING = []
USED = []
FAILS_AT = []
KNOWN = []
MESSAGES = []

def event_handler(event, context):
    module, _, name = os.environ["POCKET_CALLABLE"].rpartition(".")
    function = getattr(importlib.import_module(module), name)
    return {"started": name} if event == {"pocket": "probe"} else function(event, context)

def management_command_handler(event, context):
    if event["args"][:1] == ["--meet"]:
        open(event["args"][1], "w").close()
        while not os.path.exists(event["args"][2]):
            time.sleep(0.05)
    if event["command"] == "pocket_check":
        return answer(json.dumps(MESSAGES)) if MESSAGES is not None else crash()
    if event["command"] == "pocket_migrations":
        if "--beyond" in event["args"]:
            return answer(json.dumps([item for item in KNOWN if item["migration"] not in event["args"]]))
        if "--known" in event["args"]:
            return answer(json.dumps([item["migration"] for item in KNOWN])) if KNOWN is not None else crash()
        left = PENDING
        if FAILS_AT and os.path.exists(FAILS_AT[0]):
            left = [item for item in PENDING if item["migration"] in FAILS_AT[1:]]
        found = {"database": DATABASE, "used": bool(USED), "migrations": left}
        return answer(json.dumps(found))
    if event["command"] == "migrate" and FAILS_AT:
        open(FAILS_AT[0], "w").close()
        return {**answer("Applying"), "exit_status": 1, "stderr": "CommandError: it broke"}
    if event["command"] == "crash":
        crash()
    if event["command"] == "odd":
        return ["not", "a", "result"]
    told = f"{event['command']} {event['args']} {event['on_failure']}"
    failed = event["command"] == "fail"
    return {
        "command": event["command"], "exit_status": 3 if failed else 0, "stdout": told, "stderr": "a warning",
        "result": None, "traceback": "Traceback" if failed else None,
    }

def crash():
    raise RuntimeError("out of order")

def answer(text):
    return {"command": "", "exit_status": 0, "stdout": text, "stderr": "", "result": None, "traceback": None}
"""


class PlanRecorder(Recorder):
    """A reporter that also remembers plans, events and questions; it agrees unless it was told not to.

    With `agrees_to_all` it stands for `--yes`, which answers no grave question.
    """

    def __init__(
        self, *, agrees: bool = True, agrees_to_all: bool = False, on_event: Callable[[str], None] | None = None
    ) -> None:
        super().__init__()
        self.plans: list[Sequence[PlanRow]] = []
        self.events: list[str] = []
        self.questions: list[str] = []
        self._agrees = agrees
        self._agrees_to_all = agrees_to_all
        self._on_event = on_event

    def plan(self, rows: Sequence[PlanRow]) -> None:
        self.plans.append(rows)

    def event(self, text: str) -> None:
        self.events.append(text)
        if self._on_event is not None:
            self._on_event(text)

    def confirm(self, question: str, *, grave: bool = False) -> bool:
        self.questions.append(question)
        return self._agrees and not (grave and self._agrees_to_all)


def project(folder: Path, pocket_toml: str = FULL) -> Project:
    """The project of a `pocket.toml` alone."""
    write(folder, {"pocket.toml": pocket_toml})
    return load(folder / "pocket.toml")


def deployable(folder: Path, pocket_toml: str = SMALL, app: str = APP, commands: str = COMMANDS) -> Project:
    """A project without Django: its functions are those of `app`, and its commands only say what they were asked."""
    write(
        folder,
        {
            "pocket.toml": pocket_toml,
            "app.py": app,
            "pocket/django/lambda_handlers.py": commands,
            "requirements.txt": wheel(folder, "django_pocket"),
        },
    )
    return load(folder / "pocket.toml")


def inputs(found: Project, stage: str = "dev", **more: Any) -> Inputs:
    """What the stage's template is made of."""
    manifest = build_manifest(found).stages[stage]
    return Inputs(found.stage(stage), manifest, **{"code": Code("code-bucket", "artifacts/0a.zip"), **more})
