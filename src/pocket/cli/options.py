"""The options that several subcommands share, with the completion of stage names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def _stages(incomplete: str) -> list[str]:
    from pocket.config import find_file, load
    from pocket.errors import PocketError

    try:
        names = load(find_file(Path.cwd())).stages
    except PocketError:
        return []
    return [name for name in names if name.startswith(incomplete)]


Stage = Annotated[
    str,
    typer.Option(
        "--stage",
        "-s",
        metavar="STAGE",
        help="The stage, one of `general.stages`.",
        autocompletion=_stages,
        show_default=False,
    ),
]
AnyStage = Annotated[
    str | None,
    typer.Option(
        "--stage", "-s", metavar="STAGE", help="One stage alone; without it, every stage.", autocompletion=_stages
    ),
]
Local = Annotated[bool, typer.Option("--local", help="Aim at the embedded AWS that `pocket local` runs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer yes to every question.")]
OutputFormat = Annotated[str, typer.Option("--format", help="text or json.", metavar="text|json")]
