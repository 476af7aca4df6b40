"""`pocket local`: the embedded AWS for as long as the command runs, with a stage deployed onto it."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pocket.cli.options import Stage

if TYPE_CHECKING:
    from pocket.cli.project import Destination
    from pocket.deploy.reporting import Reporter

Run = Annotated[
    list[str] | None,
    typer.Option("--run", metavar="COMMAND", help="A management command to run after the deploy; may be repeated."),
]
Port = Annotated[int | None, typer.Option("--port", help="The port of the first site; free ones are found without it.")]
Migrate = Annotated[bool, typer.Option(help="Apply the project's migrations after the deploy.")]


def local(stage: Stage = "local", run: Run = None, port: Port = None, migrate: Migrate = True) -> None:
    """Run a stage on the embedded AWS until Ctrl-C."""
    from pocket.cli.console import reporter
    from pocket.cli.project import Destination, current_project, local_target
    from pocket.cli.rehearsal import deploy_locally
    from pocket.local import start

    project = current_project()
    config = project.stage(stage)
    voice = reporter(assume_yes=True)
    with voice.step("Start the embedded AWS"):
        aws = start(project.directory, config.sites, port=port)
    try:
        place = Destination(project, config, local_target(config, aws))
        deployed = deploy_locally(place, voice)
        commands = [shlex.split(command) for command in run or ()]
        if config.command_handler is not None:
            commands = [["migrate", "--noinput"], *commands] if migrate else commands
        for command in commands:
            _manage(place, command, voice)
        aws.save()
        for address in deployed.addresses.values():
            typer.echo(address)
        sys.stdout.flush()
        sys.stderr.write(f"Log of the embedded AWS: {aws.log}\nCtrl-C ends it.\n")
        aws.wait()
    finally:
        aws.stop()


def _manage(place: Destination, command: list[str], reporter: Reporter) -> None:
    from pocket.deploy import invoke
    from pocket.errors import CommandFailed

    with reporter.step(f"manage {shlex.join(command)}"):
        result = invoke.manage(place.stage, place.target, command[0], command[1:])
        for line in result.stdout.splitlines():
            reporter.event(line)
        if result.exit_status != 0:
            raise CommandFailed(
                f"{command[0]} ended with status {result.exit_status}.",
                result.stderr.strip(),
                exit_status=result.exit_status,
            )
