"""Gate `migrations`: what is pending is told, labelled, and applied where the release that is live can stand it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pocket.deploy.aws import invoke
from pocket.deploy.build import uv
from pocket.deploy.gates.gate import MIGRATIONS, Candidate, refusal
from pocket.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocket.config import StageConfig
    from pocket.deploy.target import Target

COMMAND = "pocket_migrations"


@dataclass(frozen=True)
class Migration:
    """A migration, as `app.name`; `reasons` has a line for each destructive operation, none where all are additive."""

    name: str
    operations: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Database:
    """The database that a release migrates, as it describes it itself; `host` is empty for a file."""

    kind: str = ""
    name: str = ""
    host: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" at {self.host}" if self.host else "")

    def is_file(self, path: str | None) -> bool:
        """Whether it is the file of that path."""
        return path is not None and not self.host and self.name == path


def check(candidate: Candidate, target: Target, *, allow_destructive: bool) -> tuple[str, ...]:
    """Applies the pending migrations, after naming the database; returns the names of the destructive ones among them.

    Destructive ones are applied where the user agrees or `allow_destructive`, and without a question where no release
    is live that they could break, or where the database is the target's own. Raises GateRefused where they are not, or
    where a migration fails.
    """
    version = candidate.management_version
    if version is None:
        return ()
    stage, reporter = candidate.stage, candidate.reporter
    with reporter.step(f"Gate {MIGRATIONS}: what is pending"):
        try:
            pending = listed(stage, target, version)
            database = where(stage, target, version) if pending else Database()
        except CommandFailed as error:
            raise refusal(stage, candidate.live, MIGRATIONS, [error.message], error.hint) from error
    if not pending:
        reporter.note("No migration is pending.")
        return ()
    reporter.note(f"The database is {database}.")
    destructive = [item for item in pending if item.reasons] if candidate.live is not None else []
    if destructive:
        _show(candidate, destructive)
        if not allow_destructive and not database.is_file(target.own_database):
            _confirm(candidate, destructive)
    else:
        reporter.note(f"Pending migrations, all additive: {', '.join(item.name for item in pending)}")
    _migrate(candidate, target, version)
    return tuple(item.name for item in destructive)


def listed(stage: StageConfig, target: Target, version: str, arguments: Sequence[str] = ()) -> list[Migration]:
    """The migrations that the version of the management function lists; raises CommandFailed where it cannot."""
    return [_read(item) for item in _asked(stage, target, version, arguments)]


def known(stage: StageConfig, target: Target, version: str) -> list[str]:
    """The names of all migrations in the version's code; raises CommandFailed where it cannot tell."""
    return [str(item) for item in _asked(stage, target, version, ["--known"])]


def where(stage: StageConfig, target: Target, version: str) -> Database:
    """The database that the version migrates; raises CommandFailed where it cannot tell."""
    return Database(**_asked(stage, target, version, ["--where"]))


def _asked(stage: StageConfig, target: Target, version: str, arguments: Sequence[str]) -> Any:
    outcome = invoke.manage(stage, target, COMMAND, arguments, qualifier=version)
    if outcome.exit_status == 0:
        try:
            return json.loads(outcome.stdout.strip().rpartition("\n")[2])
        except (TypeError, ValueError):
            pass
    raise invoke.unanswered(stage, COMMAND, outcome, f"The migrations of stage {stage.name!r} could not be listed")


def _read(item: Any) -> Migration:
    operations = item["operations"]
    return Migration(
        item["migration"],
        tuple(one["operation"] for one in operations),
        tuple(f"{one['operation']}: {one['reason']}" for one in operations if one["reason"]),
    )


def _show(candidate: Candidate, destructive: Sequence[Migration]) -> None:
    candidate.reporter.note(f"Pending migrations that release {candidate.live} may not run after:")
    for item in destructive:
        for reason in item.reasons:
            candidate.reporter.note(f"  {item.name}: {reason}")


def _confirm(candidate: Candidate, destructive: Sequence[Migration]) -> None:
    question = f"Apply them to stage {candidate.stage.name} while release {candidate.live} still answers?"
    if candidate.reporter.confirm(question, grave=True):
        return
    raise refusal(
        candidate.stage,
        candidate.live,
        MIGRATIONS,
        [f"{item.name}: {reason}" for item in destructive for reason in item.reasons],
        "Nothing was migrated. `--allow-destructive` applies them without a question; `--yes` does not. To break"
        " nothing, spread the change over two releases: first one that runs with and without it, then the migration.",
    )


def _migrate(candidate: Candidate, target: Target, version: str) -> None:
    stage, reporter = candidate.stage, candidate.reporter
    with reporter.step(f"Gate {MIGRATIONS}: migrate"):
        try:
            outcome = invoke.manage(stage, target, "migrate", ["--noinput"], qualifier=version)
        except CommandFailed as error:
            raise refusal(stage, candidate.live, MIGRATIONS, [error.message], error.hint) from error
        for line in outcome.stdout.splitlines():
            reporter.event(line)
        if outcome.exit_status != 0:
            said = uv.last_lines(outcome.traceback or outcome.stderr or outcome.stdout)
            raise refusal(stage, candidate.live, MIGRATIONS, [f"`migrate` failed:\n{said}"])
