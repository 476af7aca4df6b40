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
        help="Stage, one of `general.stages`, or a preview.",
        autocompletion=_stages,
        show_default=False,
    ),
]
MaybeStage = Annotated[
    str | None,
    typer.Option(
        "--stage", "-s", metavar="STAGE", help="Stage, one of `general.stages`, or a preview.", autocompletion=_stages
    ),
]
AnyStage = Annotated[
    str | None,
    typer.Option(
        "--stage", "-s", metavar="STAGE", help="Stage to check. Defaults to every stage.", autocompletion=_stages
    ),
]
Local = Annotated[bool, typer.Option("--local", help="Use the local AWS started by pocket local.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
YesToPlan = Annotated[
    bool,
    typer.Option("--yes", "-y", help="Do not ask for confirmation, except of destructive migrations and data loss."),
]
SkipGates = Annotated[
    list[str] | None,
    typer.Option(
        "--skip-gate",
        metavar="GATE",
        help="Gate to skip: project, mail, network, checks, migrations, startup, request, smoke; may be repeated.",
        autocompletion=_gates,
    ),
]
AllowDestructive = Annotated[
    bool, typer.Option("--allow-destructive", help="Apply destructive migrations without asking.")
]
Backup = Annotated[bool, typer.Option("--backup", help="Back the database up before a destructive migration.")]
AllowLoss = Annotated[
    bool, typer.Option("--allow-loss", help="Apply changes that lose queued messages, files or secrets without asking.")
]
OutputFormat = Annotated[str, typer.Option("--format", help="Output format.", metavar="text|json")]
