"""`migrate` on the operator's machine, as the owner and with the code that is there: no function's time limits it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from pocket import naming
from pocket.deploy.build import copies, stage_environment, static
from pocket.errors import DeployError

if TYPE_CHECKING:
    from pocket.config import Project, StageConfig
    from pocket.deploy.operate.database import Access
    from pocket.deploy.target import Target

COMMAND = "pocket.django.schema_changes.here"


def migrate(project: Project, stage: StageConfig, target: Target, access: Access) -> None:
    """Migrates the database with the project's own Python; its output goes to this process's.

    Secrets other than the database's URL are placeholders. Raises BuildFailed without Django there, and DeployError if
    `migrate` fails.
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
        done = copies.run(python, ["-m", COMMAND], folder, project=project, stage=stage, target=there, captured=False)
    if done.returncode == naming.MIGRATE_RUNS:
        raise DeployError("Another `migrate` runs in this database; nothing was migrated.", "Wait until it has ended.")
    if done.returncode:
        raise DeployError(
            f"`migrate` ended with status {done.returncode}; its message is above.",
            "Each migration that its output lists as OK is applied.",
        )
