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


def _gates(incomplete: str) -> list[str]:
    from pocket.deploy.gates import NAMES

    return [name for name in NAMES if name.startswith(incomplete)]


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
SkipGates = Annotated[
    list[str] | None,
    typer.Option(
        "--skip-gate",
        metavar="GATE",
        help="A gate that is not asked: project, checks, migrations, startup, request, smoke; may be repeated.",
        autocompletion=_gates,
    ),
]
AllowDestructive = Annotated[
    bool, typer.Option("--allow-destructive", help="Apply destructive migrations without a question.")
]
AllowLoss = Annotated[
    bool, typer.Option("--allow-loss", help="Apply changes that lose queued messages, files or secrets.")
]
OutputFormat = Annotated[str, typer.Option("--format", help="text or json.", metavar="text|json")]
