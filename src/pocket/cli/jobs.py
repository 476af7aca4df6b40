"""`pocket jobs`: the recorded jobs of a stage, and its dead letters."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pocket.cli.options import Local, OutputFormat, Stage, Yes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocket.deploy.operate.dead_letters import DeadLetter

app = typer.Typer(name="jobs", help="Look at background jobs, and run failed ones again.", no_args_is_help=True)

Ids = Annotated[list[str], typer.Argument(help="Ids of jobs.", metavar="ID...")]


@app.command("list")
def list_jobs(
    stage: Stage,
    status: Annotated[
        str | None, typer.Option(help="Only these: ready, running, successful, failed or cancelled.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Only jobs of this task or command.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Maximum number of jobs, newest first.")] = 50,
    local: Local = False,
    output: OutputFormat = "text",
) -> None:
    """List recorded jobs, newest first."""
    arguments = ["list", f"--limit={limit}"]
    arguments += [f"--status={status}"] if status else []
    arguments += [f"--name={name}"] if name else []
    _print(_recorded(stage, arguments, local=local), output)


@app.command()
def show(
    stage: Stage,
    job: Annotated[str, typer.Argument(help="Id of the job.", metavar="ID")],
    local: Local = False,
    output: OutputFormat = "text",
) -> None:
    """Show a job: arguments, attempts, result, errors and output."""
    [found] = _recorded(stage, ["show", job], local=local)
    if output == "json":
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    errors, text = found.pop("errors"), found.pop("output")
    for name, value in found.items():
        if value not in (None, "", []):
            typer.echo(f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
    for error in errors:
        typer.echo(f"\n{error['traceback'].strip()}")
    if text:
        typer.echo(f"\nOutput:\n{text.rstrip()}")


@app.command()
def retry(stage: Stage, jobs: Ids, local: Local = False) -> None:
    """Send failed or cancelled jobs again."""
    _print(_recorded(stage, ["retry", *jobs], local=local), "text")


@app.command()
def cancel(stage: Stage, jobs: Ids, local: Local = False) -> None:
    """Cancel jobs that have not begun."""
    _print(_recorded(stage, ["cancel", *jobs], local=local), "text")


@app.command()
def redrive(
    stage: Stage,
    handler: Annotated[str | None, typer.Option(help="Only dead letters of this handler's queue.")] = None,
    name: Annotated[str | None, typer.Option(help="Only dead letters of this task or command.")] = None,
    job: Annotated[str | None, typer.Option("--id", help="Only the dead letter of this job.")] = None,
    yes: Yes = False,
    local: Local = False,
) -> None:
    """Move messages from the dead-letter queues back to their queues."""
    from pocket.cli.console import reporter
    from pocket.cli.project import destination
    from pocket.deploy.operate import dead_letters

    place = destination(stage, local=local)
    moved: set[str] = set()
    count = 0
    while True:
        with dead_letters.held(place.stage, place.target, handler=handler, name=name, job=job) as (found, unread):
            # A job that was moved back may have failed again by now.
            letters = [item for item in found if item.job not in moved]
            if letters:
                _show_letters(letters)
                amount = f"{'at least ' if unread else ''}{_messages(len(letters))}"
                if not moved and not reporter(assume_yes=yes).confirm(f"Move {amount} back?"):
                    raise typer.Exit(1)
                count += dead_letters.redrive(place.stage, place.target, letters)
                moved |= {item.job for item in letters}
        if not letters or not unread:
            break
    if count or not unread:
        typer.echo(f"{_messages(count)} moved back." if count else "No dead letters.")
    if unread:
        typer.echo(
            f"About {_messages(unread)} more could not be looked at: in a FIFO queue, those behind the first ones of"
            " their message group; in any other, those beyond 1000. Move the first ones, without --name and --id."
        )


def _messages(count: int) -> str:
    return f"{count} message" if count == 1 else f"{count} messages"


def _show_letters(letters: Sequence[DeadLetter]) -> None:
    from pocket.cli.console import aligned

    rows = [("HANDLER", "NAME", "ID", "FAILED", "ATTEMPTS", "REASON")]
    rows += [
        (item.handler, item.name, item.job, item.failed_at[:19] or "-", item.attempts, item.reason[:80] or "-")
        for item in letters
    ]
    for line in aligned(rows):
        typer.echo(line)


def _recorded(stage: str, arguments: list[str], *, local: bool) -> list[dict[str, Any]]:
    """What the stage's `manage.py pocket_jobs` writes; ends with its error where it fails."""
    from pocket.cli.failure import write
    from pocket.cli.project import destination
    from pocket.deploy.aws import invoke

    place = destination(stage, local=local)
    result = invoke.manage(place.stage, place.target, "pocket_jobs", arguments)
    found = _written(result.stdout)
    if result.exit_status:
        if found:  # the jobs that were not refused
            _print(found, "text")
        if "Unknown command" in result.stderr:
            write("error", "The stage keeps no record of jobs: add pocket.jobs to INSTALLED_APPS, and deploy.")
        else:
            sys.stderr.write(result.stderr + (result.traceback or ""))
        raise typer.Exit(result.exit_status)
    if found is None:
        write("error", "The stage's answer is not a list of jobs. Deploy this version of Pocket, and try again.")
        raise typer.Exit(1)
    return found


def _written(output: str) -> list[dict[str, Any]] | None:
    """The last line of the output that is a list in JSON; the project's own lines are around it."""
    for line in reversed(output.splitlines()):
        with suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, list):
                return found
    return None


def _print(jobs: list[dict[str, Any]], output: str) -> None:
    from pocket.cli.console import aligned

    if output == "json":
        typer.echo(json.dumps(jobs, indent=2, ensure_ascii=False))
        return
    rows = [("ID", "NAME", "STATE", "ATTEMPTS", "ENQUEUED", "LAST ERROR")]
    rows += [
        (job["id"], job["name"], job["state"], str(job["attempts"]), job["enqueued_at"][:19], job["reason"][:60] or "-")
        for job in jobs
    ]
    for line in aligned(rows):
        typer.echo(line)
