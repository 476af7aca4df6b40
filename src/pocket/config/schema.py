"""The JSON Schema of `pocket.toml`, with which an editor completes and explains the file.

It accepts every file that `load` accepts. It also accepts what a schema cannot express well: violated rules between
keys, and missing keys of tables that a stage may complete.
"""

from __future__ import annotations

from typing import Any, cast

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from pocket.config.patterns import STAGE
from pocket.config.stage import OWN_GENERAL_KEYS, TABLES, StageTables
from pocket.config.tables.previews import Previews

_COMPLETE = {"General": ["region", "stages"], "Schedule": ["expression"]}
"""The required keys of tables that a stage cannot complete."""


class _Generator(GenerateJsonSchema):
    """Without null, which TOML does not have, and with patterns for the keys of tables with free names."""

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
    """The schema of a whole file, including the stages' tables, as JSON Schema draft 2020-12."""
    tables = StageTables.model_json_schema(schema_generator=_Generator)
    definitions = cast("dict[str, dict[str, Any]]", _without_titles(tables["$defs"]))
    previews = cast("dict[str, Any]", _without_titles(Previews.model_json_schema(schema_generator=_Generator)))
    for name, table in definitions.items():
        table.pop("required", None)
        if name in _COMPLETE:
            table["required"] = _COMPLETE[name]
    common = {name: _described(definitions, name, tables["properties"][name]["$ref"]) for name in TABLES}
    definitions["Previews"] = previews
    common_and_previews = {**common, "previews": _described(definitions, "previews", "#/$defs/Previews")}
    definitions["Stage"] = _stage(definitions["General"], common)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pocket.toml",
        "description": "Configuration of a Django project on AWS Lambda.",
        "type": "object",
        "properties": common_and_previews,
        "required": ["general"],
        "additionalProperties": {"$ref": "#/$defs/Stage"},
        "propertyNames": {"anyOf": [{"enum": [*common_and_previews]}, {"pattern": STAGE}]},
        "$defs": definitions,
    }


def _stage(general: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """The tables of a stage: the common ones, with only the keys of `[general]` that a stage can override."""
    own = {
        "type": "object",
        "description": "What the stage overrides of the project's [general].",
        "properties": {key: general["properties"][key] for key in OWN_GENERAL_KEYS},
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "description": "What this stage overrides of the common tables, key by key; a list replaces a list.",
        "properties": {**common, "general": own},
        "additionalProperties": False,
    }


def _described(definitions: dict[str, dict[str, Any]], name: str, reference: str) -> dict[str, Any]:
    """A reference with the table's description, since editors show the description next to the key."""
    return {"$ref": reference, "description": definitions[reference.rpartition("/")[2]]["description"]}


def _without_titles(schema: object) -> object:
    """`schema` without the titles that pydantic derives from names; a property called title remains."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_titles(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))
    }
