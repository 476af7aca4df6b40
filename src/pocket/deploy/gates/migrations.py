"""Gate `migrations`: lists pending migrations with their labels, and applies those that the live release works with."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.aws import invoke
from pocket.deploy.gates.checks import note_init
from pocket.deploy.gates.gate import MIGRATIONS, Candidate, refusal
from pocket.deploy.reporting import last_lines
from pocket.errors import CommandFailed, DeployError, PocketError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pocket.config import StageConfig
    from pocket.deploy.target import Target
    from pocket.errors import GateRefused

COMMAND = "pocket_migrations"


@dataclass(frozen=True)
class Migration:
    """A migration, as `app.name`; `reasons` has a line for each destructive operation.

    `whole` means that all of it is rolled back if it fails.
    """

    name: str
    operations: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    whole: bool = True


@dataclass(frozen=True)
class Database:
    """The database that a release migrates, as the release describes it; `host` is empty for a file."""

    kind: str
    name: str
    host: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" at {self.host}" if self.host else "")

    def is_own(self, own: tuple[str, str] | None) -> bool:
        """Whether it is the database with that name and host."""
        return (self.name, self.host) == own


@dataclass(frozen=True)
class Pending:
    """The pending migrations of a database; `used` means that it already has tables of their apps.

    With `grants`, `migrate` has to give the functions' user its rights, even if no migration is pending.
    """

    database: Database
    migrations: tuple[Migration, ...]
    used: bool
    grants: bool = False
    log_tail: str = ""
    """The end of the log of the invocation that listed them."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to migrate."""
        return not self.migrations and not self.grants

    @property
    def destructive(self) -> tuple[Migration, ...]:
        """The migrations that lose data, or with which the live release may fail."""
        return tuple(item for item in self.migrations if item.reasons)

    def lines(self, live: int | None) -> Iterator[str]:
        """The database and the migrations with their reasons, in words; `live` is the live release."""
        yield f"The database is {self.database}."
        additive = ", ".join(item.name for item in self.migrations if not item.reasons)
        if not self.destructive:
            yield f"Pending migrations, all additive: {additive}"
            return
        if additive:
            yield f"Pending additive migrations: {additive}"
        if live is not None:
            yield f"Pending migrations after which release {live} may fail:"
        elif self.used:
            yield "Pending migrations that lose data, or after which other users of the database may fail:"
        else:
            yield "Pending migrations that would be destructive if the tables of their apps existed:"
        for item in self.destructive:
            for reason in item.reasons:
                yield f"  {item.name}: {reason}"


@dataclass(frozen=True)
class Backup:
    """How the database is backed up: `write` returns where to. If it is `wanted`, no question is asked."""

    write: Callable[[], str]
    wanted: bool = False


def look(candidate: Candidate, target: Target) -> Pending | None:
    """The pending migrations; None where they cannot be listed, since the gate `checks` says why more clearly."""
    version, handler = candidate.management_version, candidate.stage.command_handler
    if version is None or handler is None:
        return None
    with suppress(CommandFailed), candidate.reporter.step(f"Gate {MIGRATIONS}: list the pending migrations"):
        found = pending(candidate.stage, target, version)
        note_init(candidate.reporter, handler, found.log_tail)
        return found
    return None


def check(
    candidate: Candidate,
    target: Target,
    found: Pending | None = None,
    *,
    allow_destructive: bool,
    backup: Backup | None = None,
) -> tuple[str, ...]:
    """Notes the database and applies the pending migrations; returns the names of the destructive ones.

    Destructive ones need `allow_destructive` or the user's confirmation, unless there is nothing to break: no release
    is live and the database has no table of their apps, or the database is the target's own. Before them the user is
    offered the `backup`. Raises GateRefused without confirmation, and if the backup or a migration fails.
    """
    version = candidate.management_version
    if version is None:
        return ()
    stage, reporter = candidate.stage, candidate.reporter
    if found is None:
        with reporter.step(f"Gate {MIGRATIONS}: list the pending migrations"):
            try:
                found = pending(stage, target, version)
            except CommandFailed as error:
                raise _refusal(candidate, [error.message], error) from error
    if not found.migrations:
        reporter.note(f"The database is {found.database}: no migration is pending.")
        if found.grants:
            _migrate(candidate, target, version, found)
        return ()
    for line in found.lines(candidate.live):
        reporter.note(line)
    could_break = (found.used or candidate.live is not None) and not found.database.is_own(target.own_database)
    if found.destructive and could_break:
        # Only a PostgreSQL database can be dumped: a question about any other would end in an error.
        if backup is not None and (backup.wanted or found.database.kind == "PostgreSQL"):
            _back_up(candidate, backup, asks=not allow_destructive)
        if not allow_destructive:
            _confirm(candidate, found)
    _migrate(candidate, target, version, found)
    return tuple(item.name for item in found.destructive)


def pending(stage: StageConfig, target: Target, version: str) -> Pending:
    """The pending migrations, as listed by a version of the management function. Raises CommandFailed."""
    listed, log_tail = _listed(stage, target, version, [])
    return replace(read_pending(listed), log_tail=log_tail)


def read_pending(listed: Any) -> Pending:
    """The pending migrations that the project's process has listed."""
    migrations = tuple(read_all(listed["migrations"]))
    return Pending(Database(**listed["database"]), migrations, listed["used"], listed.get("grants", False))


def beyond(stage: StageConfig, target: Target, version: str, names: Sequence[str]) -> list[Migration]:
    """The migrations in the version's code that are not in `names`. Raises CommandFailed."""
    return read_all(_listed(stage, target, version, ["--beyond", *names])[0])


def known(stage: StageConfig, target: Target, version: str) -> list[str]:
    """The names of all migrations in the version's code. Raises CommandFailed."""
    return [str(item) for item in _listed(stage, target, version, ["--known"])[0]]


def _listed(stage: StageConfig, target: Target, version: str, arguments: Sequence[str]) -> tuple[Any, str]:
    """What COMMAND lists, and the end of its log."""
    outcome = invoke.manage(stage, target, COMMAND, arguments, qualifier=version)
    if outcome.exit_status == 0:
        try:
            return json.loads(outcome.stdout.strip().rpartition("\n")[2]), outcome.log_tail
        except ValueError:
            pass
    raise invoke.own_command_failed(
        stage, COMMAND, outcome, f"The migrations of stage {stage.name!r} could not be listed"
    )


def read_all(listed: Sequence[Any]) -> list[Migration]:
    """The migrations that the project's process has listed."""
    return [_read(item) for item in listed]


def _read(item: Any) -> Migration:
    operations = item["operations"]
    return Migration(
        item["migration"],
        tuple(one["operation"] for one in operations),
        tuple(f"{one['operation']}: {one['reason']}" for one in operations if one["reason"]),
        item.get("whole", True),
    )


def _back_up(candidate: Candidate, backup: Backup, *, asks: bool) -> None:
    stage, reporter = candidate.stage, candidate.reporter
    if not backup.wanted and not (asks and reporter.confirm("Back the database up first?", grave=True)):
        where = "" if candidate.clients.target.endpoint_url is None else " --local"
        reporter.note(f"No backup was made. To make one: pocket db backup --stage {stage.name}{where}, or --backup.")
        return
    try:
        with reporter.step(f"Gate {MIGRATIONS}: back the database up"):
            reporter.note(f"The backup is {backup.write()}.")
    except (DeployError, CommandFailed, OSError) as error:
        message = error.message if isinstance(error, PocketError) else str(error)
        hint = error.hint if isinstance(error, PocketError) else ""
        text = f"The backup failed, and nothing was migrated: {message}"
        raise refusal(stage, candidate.live, MIGRATIONS, [text], hint) from error


def _confirm(candidate: Candidate, found: Pending) -> None:
    stage, live = candidate.stage, candidate.live
    if live is None:
        question = f"Apply them to {found.database}, which already has tables of their apps?"
    else:
        question = f"Apply them to stage {stage.name} while release {live} is live?"
    if candidate.reporter.confirm(question, grave=True):
        return
    raise refusal(
        stage,
        live,
        MIGRATIONS,
        [f"{item.name}: {reason}" for item in found.destructive for reason in item.reasons],
        "Nothing was migrated. `--allow-destructive` applies them without a question; `--yes` does not. To avoid"
        " failures, make two releases: first code that works before and after the migration, then the migration.",
    )


def _migrate(candidate: Candidate, target: Target, version: str, found: Pending) -> None:
    stage, reporter = candidate.stage, candidate.reporter
    with reporter.step(f"Gate {MIGRATIONS}: migrate"):
        try:
            outcome = invoke.manage(stage, target, "migrate", ["--noinput"], qualifier=version, note=reporter.note)
        except CommandFailed as error:
            raise _refusal(candidate, [error.message, *_state(candidate, target, version, found)], error) from error
        for line in outcome.stdout.splitlines():
            reporter.event(line)
        if outcome.exit_status == 0:
            return
        message = f"`migrate` failed:\n{last_lines(outcome.traceback or outcome.stderr or outcome.stdout)}"
        failure = CommandFailed(message, exit_status=outcome.exit_status)
        raise _refusal(candidate, [message, *_state(candidate, target, version, found)], failure)


def _state(candidate: Candidate, target: Target, version: str, before: Pending) -> list[str]:
    """The state of the database after a failed `migrate`, and its effect on the live release."""
    try:
        left = {item.name for item in pending(candidate.stage, target, version).migrations}
    except CommandFailed as error:
        return [f"Pocket could not find out which of them were applied. {error.message}"]
    done = [item for item in before.migrations if item.name not in left]
    failed = next((item for item in before.migrations if item.name in left), None)
    lines = []
    if failed is not None and failed.whole:
        lines.append(f"{failed.name} failed and was rolled back.")
    elif failed is not None:
        lines.append(f"{failed.name} failed and was not rolled back as a whole: what it did before remains.")
    if not done:
        return [*lines, "No other migration was applied."]
    return [*lines, f"Applied before it: {', '.join(item.name for item in done)}. {_effect(candidate.live, done)}"]


def _effect(live: int | None, done: Sequence[Migration]) -> str:
    reasons = [f"{item.name}: {reason}" for item in done for reason in item.reasons]
    if live is None:
        return "No release is live yet."
    if not reasons:
        return f"They are additive, so release {live} still works."
    return f"Release {live} may not work with the database as it is now: {'; '.join(reasons)}."


def _refusal(candidate: Candidate, messages: Sequence[str], error: CommandFailed) -> GateRefused:
    hint = error.hint
    if error.exit_status == naming.MIGRATE_RUNS:
        hint = "Wait until the other migration has ended, then deploy again. `pocket logs` shows its progress."
    return refusal(candidate.stage, candidate.live, MIGRATIONS, messages, hint)
