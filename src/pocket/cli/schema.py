"""`pocket schema`: the JSON Schema of pocket.toml, for editors."""

from __future__ import annotations

import json

import typer


def schema() -> None:
    """Print the JSON Schema of pocket.toml, for editors."""
    from pocket.config import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
