"""`pocket manage`, `pocket status` and `pocket logs`, which work on a deployed stage."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from pocket.cli.options import Local, OutputFormat, Stage

if TYPE_CHECKING:
    from pocket.deploy.operate.status import Status


Env = Annotated[
    list[str] | None,
    typer.Option("--env", metavar="NAME", help="Pass this variable of the shell to the command; may be repeated."),
]


def manage(
    stage: Stage,
    command: Annotated[str, typer.Argument(help="Management command, for example migrate.")],
    args: Annotated[list[str] | None, typer.Argument(help="Arguments of the command, passed unchanged.")] = None,
    env: Env = None,
    local: Local = False,
) -> None:
    """Run a management command inside Lambda."""
    from pocket.cli.failure import write
    from pocket.cli.project import destination
    from pocket.deploy.aws import invoke

    place = destination(stage, local=local)
    environ = {name: _variable(name) for name in env or ()}
    note = partial(write, "info")
    result = invoke.manage(place.stage, place.target, command, args or [], environ=environ, note=note)
    sys.stdout.write(result.stdout)
    sys.stderr.write(result.stderr)
    if result.traceback:
        sys.stderr.write(result.traceback)
    raise typer.Exit(result.exit_status)


def _variable(name: str) -> str:
    """The shell's value; if it is not set, one typed at the terminal, which does not show it."""
    from pocket.errors import CommandFailed

    if name in os.environ:
        return os.environ[name]
    if not sys.stdin.isatty():
        raise CommandFailed(f"The variable {name} is not set.", f"Set {name} in the shell, or remove --env {name}.")
    value: str = typer.prompt(name, hide_input=True, confirmation_prompt=True, err=True)
    return value


def status(stage: Stage, local: Local = False, output: OutputFormat = "text") -> None:
    """Show the stack, functions, addresses, queues, schedules, failed events and alarms."""
    from pocket.cli.project import destination
    from pocket.deploy.operate import status as stage_status

    if output not in {"text", "json"}:
        raise typer.BadParameter(f"{output!r} is not one of text, json.", param_hint="--format")
    place = destination(stage, local=local)
    found = stage_status.read(place.stage, place.target)
    if output == "json":
        typer.echo(json.dumps(asdict(found), indent=2, default=str))
    else:
        _show(found)


def _show(found: Status) -> None:
    from pocket.cli.console import aligned

    typer.echo(f"Stack {found.stack_name} in {found.place}: {found.stack_status}")
    if found.lock:
        typer.echo(f"Locked by {found.lock}.")
    rows = [("FUNCTION", "VERSION", "STATE", "MODIFIED")]
    rows += [(item.name, item.version, item.state, item.modified) for item in found.functions]
    for line in aligned(rows):
        typer.echo(line)
    for handler, address in found.addresses.items():
        behind = found.targets.get(handler)
        typer.echo(f"{handler}: {address}" + (f" (its records lead to {behind})" if behind else ""))
    for queue in found.queues:
        oldest = "" if queue.oldest is None else f", the oldest {queue.oldest} s old"
        typer.echo(f"{queue.name}: {queue.visible} waiting{oldest}, {queue.in_flight} in flight, {queue.dead} failed")
        if queue.last_error:
            typer.echo(f"  last error, {queue.last_failed_at[:19]}: {queue.last_error[:200]}")
    for item in found.events:
        typer.echo(f"{item.name}: {item.failed} failed {'event' if item.failed == 1 else 'events'}")
        for schedule in item.schedules:
            typer.echo(f"  {schedule.text}")
            if schedule.enabled:
                last = f"{schedule.state} {_minute(schedule.last)}".strip()
                typer.echo(f"    last run: {last or 'not known'}; next: {_minute(schedule.next) or 'not known'}")
    _show_alarms(found)


def _show_alarms(found: Status) -> None:
    from collections import Counter

    if found.alarms:
        states = Counter(item.state for item in found.alarms)
        typer.echo(f"alarms: {', '.join(f'{count} {state}' for state, count in sorted(states.items()))}")
    for item in found.alarms:
        if item.state != "OK":
            since = f" since {_minute(item.since)}" if item.since else ""
            typer.echo(f"  {item.state}{since}: {item.handler} {item.kind}: {item.what}")
    if found.unconfirmed:
        typer.echo(f"  {found.unconfirmed} gets no alarms: the subscription that AWS sent to it is not confirmed.")


def _minute(moment: str) -> str:
    """A time in ISO format, in UTC, without its seconds."""
    return f"{moment[:16].replace('T', ' ')} UTC" if moment else ""


def logs(
    stage: Stage,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Print new lines until Ctrl-C.")] = False,
    since: Annotated[str, typer.Option(help="How far back to start: 30s, 10m, 2h, 1d.")] = "10m",
    local: Local = False,
) -> None:
    """Print the functions' logs, oldest first."""
    from pocket.cli.project import destination
    from pocket.deploy.operate import logs as stage_logs

    place = destination(stage, local=local)
    for line in stage_logs.read(place.stage, place.target, since=stage_logs.seconds(since), follow=follow):
        typer.echo(f"{line.time:%Y-%m-%dT%H:%M:%S.%f} {line.handler} {line.message}")
        sys.stdout.flush()
