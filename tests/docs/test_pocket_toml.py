"""The reference of `pocket.toml` names every key that the file takes, with its default, and no other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pocket.config import json_schema

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "pocket-toml.md"
TABLES = {
    "General": "[general]",
    "Previews": "[previews]",
    "S3": "[s3]",
    "CloudFront": "[cloudfront]",
    "CloudFrontLogging": "logging",
    "Database": "[database]",
    "Vpc": "[vpc]",
    "AwsContainer": "[awscontainer]",
    "Handler": "[awscontainer.handlers.NAME]",
    "Permission": "permissions",
    "ApiGateway": "apigateway",
    "Sqs": "sqs",
    "Schedule": "schedule",
    "Event": "events",
    "S3Event": "events.s3",
    "SnsEvent": "events.sns",
    "EventBridgeEvent": "events.eventbridge",
    "DynamoDbEvent": "events.dynamodb",
    "Ses": "[ses]",
    "Alarms": "[alarms]",
    "SecretsManager": "[awscontainer.secretsmanager]",
    "Gate": "[awscontainer.gate]",
    "Startup": "[awscontainer.startup]",
    "FastAPI": "[awscontainer.fastapi]",
    "DjangoTables": "[awscontainer.django]",
    "DjangoFallback": "[general.django_fallback]",
    "Storage": "storages.NAME",
    "Cache": "caches.NAME",
}
IN_ONE_SECTION = {
    "FallbackTasks": "DjangoFallback",
    "Throttling": "ApiGateway",
    "PocketSecret": "SecretsManager",
    "SecretOptions": "SecretsManager",
}
WITHOUT_KEYS = {"FunctionUrl", "Stage"}


def definitions() -> dict[str, dict[str, Any]]:
    """Each table of the file by its model's name."""
    found = json_schema()["$defs"]
    return {name: found[name]["properties"] for name in (*TABLES, *IN_ONE_SECTION)}


def documented() -> dict[str, dict[str, str]]:
    """By section, each key of its tables with the cell of its default."""
    sections: dict[str, dict[str, str]] = {}
    for section in re.split(r"^#{2,3} ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \| [^|]+ \|$", text, flags=re.MULTILINE)
        sections[title] = dict(rows)
    return sections


@pytest.mark.parametrize("model", TABLES)
def test_a_section_has_the_keys_of_its_table(model: str) -> None:
    tables = definitions()
    expected = set(tables[model])
    for part, whole in IN_ONE_SECTION.items():
        if whole == model:
            expected |= set(tables[part])
    assert set(documented()[TABLES[model]]) == expected


@pytest.mark.parametrize("model", [*TABLES, *IN_ONE_SECTION])
def test_a_default_is_the_one_that_holds(model: str) -> None:
    rows = documented()[TABLES[IN_ONE_SECTION.get(model, model)]]
    for key, facts in definitions()[model].items():
        default = facts.get("default")
        if isinstance(default, str | int):
            assert rows[key].strip("` ") == json.dumps(default), key
        elif default is None and "default" in facts:
            assert rows[key] == "none", key


def test_every_table_of_the_schema_has_a_section() -> None:
    assert set(json_schema()["$defs"]) == {*TABLES, *IN_ONE_SECTION, *WITHOUT_KEYS}
