"""`migrate` on the operator's machine, as the owner and with the code that is there: no function's time limits it."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pocket import naming
from pocket.deploy.build import copies, stage_environment, static
from pocket.deploy.gates.migrations import COMMAND, read_pending
from pocket.deploy.reporting import last_lines
from pocket.errors import DeployError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Sequence

    from pocket.config import Project, StageConfig
    from pocket.deploy.gates.migrations import Pending
    from pocket.deploy.operate.database import Access
    from pocket.deploy.target import Target

MIGRATE = "pocket.django.schema_changes.here"


class Here:
    """The project's Python in a copy of the project, with the database's URL."""

    def __init__(self, run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
        self._run = run

    def pending(self) -> Pending:
        """The pending migrations. Raises DeployError."""
        done = self._run(["-m", "django", COMMAND])
        _refuse_two(done.returncode)
        if done.returncode == 0:
            with suppress(ValueError):
                return read_pending(json.loads(done.stdout.strip().rpartition("\n")[2]))
        raise DeployError(
            f"The migrations could not be listed: `{COMMAND}` ended with status {done.returncode}:"
            f"\n{last_lines(done.stderr or done.stdout)}"
        )

    def migrate(self) -> None:
        """Migrates; the output goes to this process's. Raises DeployError."""
        done = self._run(["-m", MIGRATE], captured=False)
        _refuse_two(done.returncode)
        if done.returncode:
            raise DeployError(
                f"`migrate` ended with status {done.returncode}; its message is above.",
                "Each migration that its output lists as OK is applied.",
            )


def _refuse_two(status: int) -> None:
    if status == naming.MIGRATE_RUNS:
        raise DeployError("Another `migrate` runs in this database; nothing was migrated.", "Wait until it has ended.")


@contextmanager
def prepared(project: Project, stage: StageConfig, target: Target, access: Access) -> Iterator[Here]:
    """The project's own Python for the database of `access`. Raises BuildFailed without Django there.

    Secrets other than the database's URL are placeholders.
    """
    python, _ = static.find_python(project.directory, "Migrations are run")
    if stage.settings_module is None and "DJANGO_SETTINGS_MODULE" not in os.environ:
        raise DeployError(
            "The project's settings module is not known.",
            "Put manage.py beside pocket.toml, or set DJANGO_SETTINGS_MODULE in [awscontainer.envs].",
        )
    variable = stage.database_variable or stage_environment.DATABASE_URL
    there = replace(target, environment={**target.environment, variable: access.url_of_child()})
    with copies.isolated(project, stage) as folder:

        def run(arguments: Sequence[str], *, captured: bool = True) -> subprocess.CompletedProcess[str]:
            return copies.run(python, arguments, folder, project=project, stage=stage, target=there, captured=captured)

        yield Here(run)
