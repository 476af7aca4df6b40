"""Writes the reference pages that come from the code: `python scripts/reference.py`; a test holds them up to date."""

from __future__ import annotations

from pathlib import Path

import typer

from pocket.cli.app import app

DOCS = Path(__file__).parent.parent / "docs" / "reference"


def command_page() -> str:
    """The page of the `pocket` command: each subcommand's help as a terminal of 80 columns shows it."""
    group = typer.main.get_command(app)
    lines = ["# The `pocket` command", "", "Written by `scripts/reference.py` from the command's own help.", ""]
    context = typer.Context(group, info_name="pocket", terminal_width=80)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        inner = typer.Context(command, info_name=name, parent=context, terminal_width=80)
        lines += [f"## pocket {name}", "", "```text", command.get_help(inner).rstrip(), "```", ""]
    lines += [
        "## Exit status",
        "",
        "| Status | Means |",
        "|---|---|",
        "| 0 | Done; also `pocket local` ended by Ctrl-C |",
        "| 1 | Failed: the message says what, the hint what to do |",
        "| 2 | Misused: an unknown option, a missing argument |",
        "| 130 | Interrupted before it was done |",
        "",
        "`pocket manage` exits with the status of the management command.",
        "",
        "Values go to standard output, everything else to standard error.",
    ]
    return "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """Each generated page's path and what it must hold."""
    return {DOCS / "cli.md": command_page()}


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
