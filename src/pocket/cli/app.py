"""The command's entry point: its subcommands and its exit status.

The subcommands' modules import what they need only when they run, so that `pocket --help` is fast.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated

import typer

from pocket.cli import (
    check,
    db,
    deploy,
    doctor,
    import_file,
    init,
    jobs,
    local,
    mail,
    operate,
    permissions,
    plan,
    releases,
    schema,
    secrets,
)
from pocket.cli.failure import report, write
from pocket.errors import PocketError

if TYPE_CHECKING:
    from types import FrameType

_OF_A_FULL_DEVICE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

app = typer.Typer(
    name="pocket",
    help="Deploy a Django project to AWS Lambda, configured in pocket.toml.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(init.init)
app.command("import")(import_file.import_)
app.command()(check.check)
app.command()(doctor.doctor)
app.command()(local.local)
app.command(cls=plan.PlanCommand)(plan.plan)
app.command()(deploy.deploy)
app.command()(deploy.promote)
app.command()(releases.releases)
app.command()(releases.rollback)
app.command(context_settings={"allow_interspersed_args": False})(operate.manage)
app.command()(operate.status)
app.command()(operate.logs)
app.add_typer(db.app, name="db")
app.command()(mail.mail)
app.command()(deploy.destroy)
app.add_typer(secrets.app)
app.add_typer(jobs.app)
app.command()(permissions.permissions)
app.command()(schema.schema)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pocket {version('django-pocket')}")
        raise typer.Exit


@app.callback()
def root(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def run() -> None:
    """Runs the command and exits: 0 success, 1 failure, 2 usage error, 130 interrupted (by typer).

    129 is the terminal's end, 143 a termination.
    """
    terminated: list[int] = []

    def terminate(signum: int, frame: FrameType | None) -> None:
        # As with Ctrl-C: changes under way are rolled back, and the command prints what was done.
        terminated.append(signum)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, terminate)
    # A closed terminal; `nohup` has it ignored.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, terminate)
    try:
        app(prog_name="pocket")
    except PocketError as error:
        report(error)
        sys.exit(1)
    except OSError as error:
        if error.filename is not None or error.errno not in _OF_A_FULL_DEVICE:
            raise
        # Flushing the buffer would fail again when the interpreter exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        write("error", f"Standard output cannot be written: {error.strerror}.")
        sys.exit(1)
    except SystemExit:
        if terminated:
            sys.exit(128 + terminated[0])
        raise
