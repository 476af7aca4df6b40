"""What a deploy would do, found without doing it. Change sets are made and deleted again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from pocket import naming
from pocket.deploy import gates
from pocket.deploy.aws.session import Clients
from pocket.deploy.build import copies, static, upload
from pocket.deploy.gates import migrations
from pocket.deploy.releases.making import begun
from pocket.deploy.releases.planning import planning
from pocket.deploy.releases.preparation import described, planned
from pocket.deploy.releases.rollout import first_changes
from pocket.deploy.releases.run import Options
from pocket.deploy.reporting import last_lines
from pocket.deploy.template import render
from pocket.deploy.template.storage_steps import buckets
from pocket.errors import BuildFailed, CommandFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pocket.config import Project, StageConfig
    from pocket.deploy.gates.migrations import Migration
    from pocket.deploy.releases.run import Run
    from pocket.deploy.releases.saved_plan import SavedPlan
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.target import Target

_NOWHERE = "postgres://placeholder@placeholder.invalid/placeholder"
"""The URL of a PostgreSQL database, of which only the kind is used."""


def plan(
    project: Project, stage: StageConfig, target: Target, reporter: Reporter, *, skip_gates: Iterable[str] = ()
) -> SavedPlan:
    """The plan of a deploy, after the build and the gates before it.

    A template that is too large for a request is put into the artifact bucket; nothing else is left in AWS. Raises as
    `deploy`.
    """
    options = Options(gates.named(skip_gates), looks=True)
    with (
        begun(project, stage, target, reporter, options.skipped) as making,
        planning(project, stage, Clients(target), reporter, options=options, making=making) as (run, _),
    ):
        begins = first_changes(run, render(run.inputs))
        with reporter.step("Plan the changes"):
            changes = planned(run, begins).shown
        if begins.last is not None and gates.gate.MIGRATIONS not in options.skipped:
            with reporter.step("List the migrations"):
                changes = replace(changes, migrations=tuple(_expected(project, run)))
        return described(run, replace(changes, files=tuple(_files(run))))


def _files(run: Run) -> Iterator[str]:
    """How many static files are uploaded, where there are any."""
    found, bucket = run.built.static, run.stage.bucket_name
    if found is None or bucket is None:
        return
    there = bucket in buckets(run.storage.body).values()
    if count := upload.count_changed(run.clients.s3, bucket, found) if there else len(found.files):
        yield f"{count} uploaded, {len(found.files) - count} unchanged."


def _expected(project: Project, run: Run) -> Iterator[str]:
    """A sentence for each migration that the gate would find pending, as far as that is known before a release."""
    stage, target = run.stage, run.clients.target
    if stage.command_handler is None:
        yield "not known: the stage has no handler for management commands."
        return
    live = run.before.history.live
    try:
        applied = [] if live is None else _applied(stage, target)
        found = _beyond(project, stage, target, applied)
    except (BuildFailed, CommandFailed) as error:
        yield f"not known: {error.message}"
        return
    if live is None and found:
        yield f"the project has {len(found)}; the gate compares them with the database before it applies them."
        return
    for item in found:
        yield f"{item.name}: destructive. {'; '.join(item.reasons)}" if item.reasons else f"{item.name}: additive"


def _applied(stage: StageConfig, target: Target) -> list[str]:
    """The migrations of the live release that its database has."""
    left = {item.name for item in migrations.pending(stage, target, naming.ALIAS).migrations}
    return [name for name in migrations.known(stage, target, naming.ALIAS) if name not in left]


def _beyond(project: Project, stage: StageConfig, target: Target, names: Sequence[str]) -> list[Migration]:
    """The migrations of the project in its folder that are not in `names`, with their labels."""
    python, _ = static.find_python(project.directory, "The migrations are listed")
    variable = stage.database_variable
    environ = {} if variable is None or variable in target.environment else {variable: _NOWHERE}
    arguments = ["-m", "pocket.django.schema_changes.report", *names]
    with copies.isolated(project, stage) as folder:
        done = copies.run(python, arguments, folder, project=project, stage=stage, target=target, environ=environ)
    if done.returncode != 0:
        raise CommandFailed(f"The project's migrations could not be listed:\n{last_lines(done.stderr)}")
    return migrations.read_all(json.loads(done.stdout))
