"""`pocket local`: the local AWS with a stage deployed to it, while the command runs."""

from __future__ import annotations

import contextlib
import shlex
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pocket.cli.options import AllowDestructive, SkipGates, Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from pocket.cli.saves import Files
    from pocket.config import Project
    from pocket.deploy.releases.deploy import Deployed
    from pocket.local import LocalAWS

Run = Annotated[
    list[str] | None,
    typer.Option("--run", metavar="COMMAND", help="Management command to run after the deploy; may be repeated."),
]
Port = Annotated[
    int | None,
    typer.Option(metavar="PORT", min=1, max=65535, help="Port of the first site. Defaults to a free port."),
]
Migrate = Annotated[bool, typer.Option(help="Apply migrations before the release goes live.")]
Page = Annotated[
    list[str] | None,
    typer.Option("--page", metavar="PATH", help="Also print the address of this path; may be repeated."),
]
Ready = Annotated[str, typer.Option("--ready", metavar="TEXT", help="Text to print when the stage is up.")]

Watch = Annotated[
    bool,
    typer.Option("--watch", help="Serve and release whatever is saved, and show requests, output and errors."),
]

Clean = Annotated[
    bool,
    typer.Option("--clean", help="Remove the files of rehearsals and builds, including databases, and exit."),
]


def local(
    stage: Stage = "local",
    run: Run = None,
    port: Port = None,
    migrate: Migrate = True,
    skip_gate: SkipGates = None,
    allow_destructive: AllowDestructive = False,
    page: Page = None,
    ready: Ready = "",
    watch: Watch = False,
    clean: Clean = False,
) -> None:
    """Run a stage on the local AWS until Ctrl-C."""
    from pocket.cli import rehearsal_database
    from pocket.cli.console import reporter
    from pocket.cli.project import Destination, current_project, local_target
    from pocket.cli.rehearsal import rehearse
    from pocket.cli.saves import files
    from pocket.local import start

    signal.signal(signal.SIGTERM, _terminated)
    # A shell starts a background process with SIGINT ignored, but this command must stop on it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    project = current_project()
    if clean:
        _clean(project)
        return
    project = project.with_stage(stage)
    config = project.stage(stage)
    progress = reporter(assume_yes=True)
    commands = [shlex.split(command) for command in run or ()]
    skipped = (*(skip_gate or ()), *(() if migrate else ("migrations",)))
    url, needs_server = rehearsal_database.named(), rehearsal_database.needs_server(project)
    with progress.step("Start the local AWS and PostgreSQL" if needs_server else "Start the local AWS"):
        aws = start(project.directory, config.sites, port=port, database_url=url, postgresql=needs_server)
    with aws:
        place = Destination(project, config, local_target(config, aws))
        saved = files(project.directory)
        deployed = rehearse(place, aws, progress, commands, skip_gates=skipped, allow_destructive=allow_destructive)
        for address in deployed.addresses.values():
            typer.echo("\n".join([address, *(f"{address}/{path.lstrip('/')}" for path in page or ())]))
        sys.stdout.flush()
        closing = [ready, f"The log of the local AWS is {aws.log}.", "Press Ctrl-C to stop."]
        sys.stderr.write("\n".join(line for line in closing if line) + "\n")
        with contextlib.suppress(KeyboardInterrupt):
            if watch:
                _watch(stage, aws, saved, allow_destructive=allow_destructive)
            aws.wait()


def _watch(stage: str, aws: LocalAWS, released: Files, *, allow_destructive: bool) -> None:
    from pocket.cli import watching
    from pocket.cli.project import Destination, current_project, local_target
    from pocket.cli.quiet import Quiet
    from pocket.cli.rehearsal import rehearse
    from pocket.cli.saves import Saves, Server
    from pocket.cli.static_files import Collector

    def read() -> Destination:
        project = current_project().with_stage(stage)
        config = project.stage(stage)
        return Destination(project, config, local_target(config, aws))

    def deploy(doubtful: Callable[[], bool]) -> Deployed:
        return rehearse(
            read(),
            aws,
            Quiet(assume_yes=True),
            skip_gates=watching.SKIPPED,
            required=lambda: watching.REQUIRED_IF_DOUBTFUL if doubtful() else (),
            allow_destructive=allow_destructive,
        )

    place = read()
    directory, config = place.project.directory, place.stage
    management = config.function_name(config.command_handler) if config.command_handler is not None else ""
    sys.stderr.write(f"Watching {directory}. What is served at once is released with the gate `migrations` alone.\n")
    collector = Collector(directory)
    try:
        watching.watch(
            aws, Saves(directory, Server(directory, aws, read, collector), deploy, released), quiet=management
        )
    finally:
        collector.stop()


def _clean(project: Project) -> None:
    from pocket.cli.console import reporter
    from pocket.deploy.build import artifact
    from pocket.local import clean

    progress = reporter()
    with progress.step("Remove the files of rehearsals and builds"):
        freed = clean(project.directory) + artifact.discard(project.directory, progress)
    result = f"Removed {freed / 1e6:,.0f} MB" if freed else "There was nothing to remove"
    sys.stderr.write(f"{result} in {project.directory / '.pocket'}.\n")


def _terminated(signum: int, frame: FrameType | None) -> None:
    sys.exit(128 + signum)
