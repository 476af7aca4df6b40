"""`pocket plan`: what a deploy would do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from pocket.cli.options import Local, SkipGates, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.cli.project import Destination
    from pocket.deploy.releases.saved_plan import SavedPlan

CHANGES = 2
"""The exit status of a plan that changes something."""

FORMATS = ("text", "json", "markdown")


class PlanCommand(TyperCommand):
    """A command that exits with status 1 if it is misused, since 2 means changes."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            # Typer does not export the base of its usage errors.
            if getattr(error, "exit_code", None) != CHANGES:
                raise
            usage: Any = error
            usage.show()
            raise typer.Exit(1) from error


def _known(value: str) -> str:
    if value not in FORMATS:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(FORMATS)}.")
    return value


def plan(
    stage: Stage,
    local: Local = False,
    output: Annotated[
        str, typer.Option("--format", help="Output format.", metavar="text|json|markdown", callback=_known)
    ] = "text",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Also write the plan to FILE, for deploy --plan."),
    ] = None,
    skip_gate: SkipGates = None,
) -> None:
    """Show what a deploy would change, and change nothing. Exit status 2 means changes, 0 none."""
    from pocket.cli.console import StandardOutput, reporter
    from pocket.cli.project import destination
    from pocket.deploy.releases.changes import show
    from pocket.deploy.releases.plan import plan as planned

    place = destination(stage, local=local)
    found = planned(place.project, place.stage, place.target, reporter(), skip_gates=tuple(skip_gate or ()))
    if out is not None:
        _write(found, out, place)
    if output == "json":
        typer.echo(found.to_json(), nl=False)
    elif output == "markdown":
        typer.echo("\n".join(markdown(found)))
    elif found.empty:
        typer.echo(f"Stage {found.stage} is up to date.")
    else:
        show(found.changes, StandardOutput(assume_yes=False))
    raise typer.Exit(0 if found.empty else CHANGES)


def _write(plan: SavedPlan, path: Path, place: Destination) -> None:
    from pocket.deploy.build import source
    from pocket.errors import PlanRefused

    if plan.early:
        listed = ", ".join(plan.early)
        raise PlanRefused(
            f"{path} was not written: a deploy first makes or changes {listed}, which templates depend on.",
            f"Begin with a deploy without a plan: pocket deploy --stage {plan.stage}",
        )
    exclude = place.stage.awscontainer.exclude if place.stage.awscontainer else []
    made = not path.exists()
    try:
        path.touch()
        if path.resolve() not in source.select(place.project.directory, exclude).files.values():
            path.write_text(plan.to_json(), encoding="utf-8")
            return
        if made:
            path.unlink()
    except OSError as error:
        raise PlanRefused(f"{path} was not written: {error.strerror}.") from error
    raise PlanRefused(
        f"{path} would be part of the next artifact, which would then be another one.",
        "Write it elsewhere, for example to .pocket/plan.json.",
    )


def markdown(plan: SavedPlan) -> Iterator[str]:
    """The lines of the plan as GitHub's Markdown, for a comment on a pull request."""
    changes = plan.changes
    where = f"`{plan.project}` in account {plan.account}, {plan.region}"
    yield f"### Plan of stage `{plan.stage}` of {where}"
    yield ""
    live = "first release" if plan.live is None else f"release {plan.live} is live"
    commit = f"commit `{plan.git[:12]}{'+' * plan.git.endswith('+')}`, " if plan.git else ""
    yield f"{commit}artifact `{plan.artifact[:12]}`, {live}."
    if plan.empty:
        yield from ("", "Nothing would change.")
    for line in changes.domains:
        yield from ("", _escaped(line))
    if changes.rows:
        yield from ("", "| Change | Resource | Type | Detail |", "|---|---|---|---|")
        for row in changes.rows:
            yield f"| {row.action} | `{row.name}` | {row.kind} | {_escaped(row.detail)} |"
    for label, sentences in changes.sections():
        yield from ("", f"**{label}**", "")
        yield from (f"- {_escaped(sentence)}" for sentence in sentences)


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_|\[\]<>#~@])", r"\\\1", " ".join(text.split()))
