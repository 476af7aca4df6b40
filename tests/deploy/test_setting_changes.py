"""Settings that a deploy changes: names, and values of what is no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from deploying import FULL, project

from pocket.config import build_manifest
from pocket.deploy.build.contents import is_secret
from pocket.deploy.template.setting_changes import manifest_changes, variable_changes

SETTINGS = '[awscontainer.django.settings]\nLANGUAGE_CODE = "de"\n'


def manifest(folder: Path, text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(build_manifest(project(folder, text)).to_json())["stages"]["dev"]
    return found


def function(**variables: Any) -> dict[str, Any]:
    return {"Resources": {"WebFunction": {"Properties": {"Environment": {"Variables": variables}}}}}


def test_a_manifest_says_what_changed_and_no_secret(tmp_path: Path) -> None:
    before = manifest(tmp_path, FULL.replace('API_KEY = "shared/api#key"', 'OLD = "shared/old"'))
    after = manifest(tmp_path, FULL.replace("shared/api", "other/api").replace("TOKEN = {", "PEM = {") + SETTINGS)
    assert list(manifest_changes(before, after)) == [
        "django.settings.LANGUAGE_CODE: de",
        "API_KEY: read from a secret",
        "OLD: no longer read from a secret",
        "PEM_PEM_BASE64: read from a secret",
        "PEM_PUB_BASE64: read from a secret",
        "TOKEN_PEM_BASE64: no longer read from a secret",
        "TOKEN_PUB_BASE64: no longer read from a secret",
    ]
    assert list(manifest_changes(after, after)) == []


def test_variables_are_compared_and_secrets_hidden() -> None:
    before = function(A="1", GONE="x", POCKET_HOSTS="a", DB="postgres://u:hunter22@host/x", ARN={"Ref": "Topic"})
    after = function(A="2", POCKET_HOSTS="b", DB="postgres://u:hunter33@host/x", ARN={"Fn::Sub": "${Topic.Name}"})
    assert list(variable_changes(before, after, ["web"])) == [
        "A: 1 -> 2 (web)",
        "ARN: ${Topic} -> ${Topic.Name} (web)",
        "DB: changed (web)",
        "GONE: removed (web)",
    ]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MOOD", "glad", False),
        ("STRIPE_SECRET", "x", True),
        ("REDIS_URL", "redis://:hunter22@host/0", True),
        ("REDIS_URL", "redis://host/0", False),
        ("KEY", "ghp_" + "a" * 36, True),
        ("DB_PASS", "x", True),
        ("PGPASS", "x", True),
        ("DBPW", "x", True),
        ("PASSPHRASE", "horse", True),
        ("CREDS", "x", True),
        ("HASH_SALT", "abcd", True),
        ("SENTRY_DSN", "x", True),
        ("BASIC_AUTH", "user:pass", True),
        ("LOGIN", "user:pass", True),
        ("django.settings.ALERTS", "https://hooks.slack.com/services/T0/B0/xyzXYZ", True),
        ("ALERTS", "https://discord.com/api/webhooks/1/a", True),
        ("IDENTITY", "eyJhbGciOiJIUzI1NiJ9.e30.abc", True),
        ("SIGNING", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC", True),
        ("ID", "0123456789abcdef0123456789abcdef", True),
        ("SERVICE", {"options": [{"url": "https://host/x", "jwt": "a"}]}, True),
        ("SERVICE", '{"password": "x"}', True),
        ("LOGIN_URL", "accounts:login", False),
        ("AUTH_USER_MODEL", "accounts.User", False),
        ("CACHE_HOST", "cache.example.com:6379", False),
        ("BUCKET", "pocket-dev-board-with-a-long-name-f58c7b", False),
        ("TOPIC", "arn:aws:sns:eu-central-1:123456789012:orders", False),
        ("MODULE", "board.settings.production_settings_of_2026", False),
        ("SESSION_COOKIE_NAME", "board", False),
        ("SERVICE", {"Fn::GetAtt": ["Topic", "TopicName"]}, False),
    ],
)
def test_a_secret_is_known_by_its_name_or_its_value(name: str, value: object, expected: bool) -> None:
    assert is_secret(name, value) is expected


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("MOOD", "glad", "django.settings.MOOD: glad"),
        ("CACHE_KEY_PREFIX", "board", "django.settings.CACHE_KEY_PREFIX: board"),
        ("FERNET_KEY", "Zm9vYmFyYmF6", "django.settings.FERNET_KEY: added"),
        ("API_TOKENS", {"github": "abcdef123456"}, "django.settings.API_TOKENS.github: added"),
        ("SERVERS", [{"host": "a", "PASSWORD": "hunter22"}], "django.settings.SERVERS: added"),
    ],
)
def test_no_value_below_or_with_a_secrets_name_is_shown(name: str, value: object, shown: str) -> None:
    before: dict[str, object] = {"secrets": []}
    assert list(manifest_changes(before, {"secrets": [], "django": {"settings": {name: value}}})) == [shown]
