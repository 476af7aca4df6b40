"""The JSON Schema of `pocket.toml`, by which an editor completes and explains the file.

It takes every file that `load` takes. Of what `load` refuses it lets pass what a schema cannot say well: rules between
keys, and required keys of tables that a stage may complete.
"""

from __future__ import annotations

from typing import Any, cast

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from pocket.config.patterns import STAGE
from pocket.config.stage import OWN_GENERAL_KEYS, TABLES, StageTables

_COMPLETE = {"General": ["region", "stages"], "Schedule": ["expression", "manage"]}
"""The tables that stand alone: no stage lays a part over them."""


class _Generator(GenerateJsonSchema):
    """TOML has no null, and an unknown key of a table with free names is judged by its name."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if "default" in schema and schema["default"] is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        values = self.generate_inner(schema.get("values_schema") or core_schema.any_schema())
        names = self.generate_inner(schema.get("keys_schema") or core_schema.str_schema())
        return {"type": "object", "additionalProperties": values, "propertyNames": names}


def json_schema() -> dict[str, Any]:
    """The schema of a whole file, stages' tables included, in the dialect of draft 2020-12."""
    tables = StageTables.model_json_schema(schema_generator=_Generator)
    definitions = cast("dict[str, dict[str, Any]]", _without_titles(tables["$defs"]))
    for name, table in definitions.items():
        table.pop("required", None)
        if name in _COMPLETE:
            table["required"] = _COMPLETE[name]
    common = {name: _described(definitions, name, tables["properties"][name]["$ref"]) for name in TABLES}
    definitions["Stage"] = _stage(definitions["General"], common)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pocket.toml",
        "description": "How a Django project goes onto AWS Lambda.",
        "type": "object",
        "properties": common,
        "required": ["general"],
        "additionalProperties": {"$ref": "#/$defs/Stage"},
        "propertyNames": {"anyOf": [{"enum": list(TABLES)}, {"pattern": STAGE}]},
        "$defs": definitions,
    }


def _stage(general: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """The tables of a stage: the common ones, and of `[general]` what a stage may have of its own."""
    own = {
        "type": "object",
        "description": "What the stage has of its own instead of the project's.",
        "properties": {key: general["properties"][key] for key in OWN_GENERAL_KEYS},
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "description": "What this stage lays over the common tables, key by key; a list replaces a list.",
        "properties": {**common, "general": own},
        "additionalProperties": False,
    }


def _described(definitions: dict[str, dict[str, Any]], name: str, reference: str) -> dict[str, Any]:
    """A reference with the table's own description, since editors show the one beside the key."""
    return {"$ref": reference, "description": definitions[reference.rpartition("/")[2]]["description"]}


def _without_titles(schema: object) -> object:
    """`schema` without the titles that pydantic makes of names; a property that is called title stays."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_titles(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))
    }
