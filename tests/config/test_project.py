"""`pocket.config.load`: a whole file, its stages laid together, and all of its faults at once."""

from pathlib import Path
from textwrap import dedent

import pytest

from pocket import config
from pocket.errors import ConfigError, ConfigErrors

BOARD = """\
[general]
region = "ap-northeast-1"
stages = ["local", "dev", "prd"]
s3_fallback_bucket_name = "board-uploads"

[general.django_fallback.storages]
default = { store = "filesystem" }

[s3]
public_dirs = ["static"]

[awscontainer]
python_version = "3.13"
envs = { DEBUG = "false", DJANGO_SETTINGS_MODULE = "board.settings" }

[awscontainer.handlers.web]
command = "pocket.django.lambda_handlers.wsgi_handler"
apigateway = {}

[awscontainer.handlers.management]
command = "pocket.django.lambda_handlers.management_command_handler"
timeout = 600
schedule = [{ expression = "cron(0 3 * * ? *)", manage = "archive_topics --days '30'" }]

[awscontainer.handlers.sqsmanagement]
command = "pocket.django.lambda_handlers.sqs_management_command_handler"
timeout = 600
sqs = {}

[awscontainer.secretsmanager]
refresh = "15m"

[awscontainer.secretsmanager.pocket_secrets]
SECRET_KEY = { type = "password", options = { length = 50 } }
JWT = { type = "rsa_pem_base64" }

[awscontainer.secretsmanager.secrets]
DATABASE_URL = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:board-AbCdEf#url"

[awscontainer.django.storages]
default = { store = "s3", location = "media" }
staticfiles = { store = "s3", location = "static", static = true, manifest = true }

[awscontainer.django.caches]
default = { store = "database", location = "cache" }

[awscontainer.django.settings]
DEFAULT_FROM_EMAIL = "board@example.com"
CORS_ALLOWED_ORIGINS = ["https://example.com"]

[local.awscontainer.django]
storages.default = { store = "filesystem" }

[dev.awscontainer.handlers.web]
memory_size = 1024

[dev.awscontainer.django.settings]
CORS_ALLOWED_ORIGINS = ["https://dev.example.com"]

[prd.general]
region = "us-east-1"

[prd.awscontainer.secretsmanager.secrets]
DATABASE_URL = "board-prd#url"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "board"
    folder.mkdir()
    return folder


def load(folder: Path, text: str) -> config.Project:
    path = folder / "pocket.toml"
    path.write_text(dedent(text), encoding="utf-8")
    return config.load(path)


def faults(folder: Path, text: str) -> list[ConfigError]:
    with pytest.raises(ConfigErrors) as caught:
        load(folder, text)
    return list(caught.value.faults)


def places(folder: Path, text: str) -> list[tuple[int | None, str]]:
    return [(fault.line, fault.key) for fault in faults(folder, text)]


def test_every_planted_fault_is_named_at_once_with_its_line(folder: Path) -> None:
    planted = (
        BOARD.replace("memory_size = 1024", "memory_sise = 1024")
        .replace("[prd.general]", "[prod.general]")
        .replace("timeout = 600\nsqs", 'timeout = "600"\nsqs')
        .replace("rate(1 hour)", "rate(1 hours)")
        .replace("cron(0 3 * * ? *)", "cron(0 3 * * * *)")
        .replace('DEBUG = "false"', "AWS_REGION = 'x'")
        .replace('{ type = "rsa_pem_base64" }', '{ type = "rsa" }')
        .replace("static = true, manifest = true", "manifest = true")
        .replace('store = "database", location = "cache"', 'store = "efs"')
        .replace('public_dirs = ["static"]', 'public_dirs = ["static", "/media"]')
        .replace('CORS_ALLOWED_ORIGINS = ["https://dev.example.com"]', "STARTED = 2026-01-01")
    )
    lines = planted.splitlines()

    found = faults(folder, planted)

    assert [(fault.line, fault.key) for fault in found] == [
        (10, "s3.public_dirs[1]"),
        (14, "awscontainer.envs.AWS_REGION"),
        (23, "awscontainer.handlers.management.schedule[0].expression"),
        (27, "awscontainer.handlers.sqsmanagement.timeout"),
        (35, "awscontainer.secretsmanager.pocket_secrets.JWT.type"),
        (42, "awscontainer.django.storages.staticfiles.manifest"),
        (45, "awscontainer.django.caches.default.store"),
        (55, "dev.awscontainer.handlers.web.memory_sise"),
        (58, "dev.awscontainer.django.settings.STARTED"),
        (60, "prod"),
    ]
    for fault in found:
        assert fault.file == folder / "pocket.toml"
        assert fault.key.rsplit(".")[-1].split("[")[0] in lines[(fault.line or 0) - 1]
    assert found[7].hint == 'Did you mean "memory_size"?'
    assert found[9].hint == 'Did you mean "prd"?'
