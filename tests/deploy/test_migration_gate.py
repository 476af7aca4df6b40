"""What the gate `migrations` makes of a command's answers; on deployed functions it is tried in test_gates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deploying import SMALL, PlanRecorder, project

from pocket.deploy.aws import invoke
from pocket.deploy.aws.invoke import Outcome
from pocket.deploy.aws.session import Clients
from pocket.deploy.gates import checks, migrations
from pocket.deploy.gates.gate import Candidate
from pocket.deploy.target import Target
from pocket.errors import CommandFailed, GateRefused
from pocket.naming import DATABASE_SLEEPS, MIGRATE_RUNS

TARGET = Target(region="eu-central-1")
FOUND = {
    "database": {"kind": "PostgreSQL", "name": "shop", "host": "db.example.com:5432"},
    "used": True,
    "migrations": [{"migration": "shop.0002_more", "whole": True, "operations": []}],
}
RUNS = Outcome("migrate", MIGRATE_RUNS, "", "CommandError: Another `migrate` runs in PostgreSQL shop.\n")


def answered(monkeypatch: pytest.MonkeyPatch, *outcomes: Outcome) -> list[str]:
    """Lets the commands come to those outcomes, one after the other; their names are noted."""
    left, asked = list(outcomes), []

    def manage(stage: Any, target: Target, command: str, args: Sequence[str], **options: Any) -> Outcome:
        asked.append(command)
        return left.pop(0)

    monkeypatch.setattr(invoke, "manage", manage)
    return asked


@pytest.fixture
def candidate(tmp_path: Path) -> Candidate:
    stage = project(tmp_path, SMALL).stage("dev")
    return Candidate(stage, Clients(TARGET), PlanRecorder(), {"management": "7"}, {}, live=3)


def refused(candidate: Candidate) -> GateRefused:
    with pytest.raises(GateRefused) as caught:
        migrations.check(candidate, TARGET, allow_destructive=True)
    return caught.value


@pytest.mark.parametrize("before", [[], [Outcome("pocket_migrations", 0, json.dumps(FOUND), "")]])
def test_another_running_migrate_has_a_hint_to_wait(
    candidate: Candidate, monkeypatch: pytest.MonkeyPatch, before: list[Outcome]
) -> None:
    asked = answered(monkeypatch, *before, RUNS, RUNS)
    error = refused(candidate)
    assert "Another `migrate` runs in PostgreSQL shop." in error.message
    assert "release 3 stays live" in error.message
    assert error.hint.startswith("Wait until the other migration has ended, then deploy again.")
    assert asked[0] == "pocket_migrations"


def test_what_a_failed_migrate_did_is_not_guessed_at(candidate: Candidate, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Outcome("migrate", 1, "", "CommandError: it broke\n")
    answered(monkeypatch, Outcome("pocket_migrations", 0, json.dumps(FOUND), ""), broken, RUNS)
    assert refused(candidate).messages[1].startswith("Pocket could not find out which of them were applied.")


def test_output_that_is_not_a_list_of_migrations_refuses(candidate: Candidate, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(monkeypatch, Outcome("pocket_migrations", 0, "it went well\n", ""))
    assert "could not be listed" in refused(candidate).message


@pytest.mark.parametrize("grants", [True, False])
def test_rights_that_are_missing_are_given_without_a_migration(
    candidate: Candidate, monkeypatch: pytest.MonkeyPatch, grants: bool
) -> None:
    found = {**FOUND, "migrations": [], "grants": grants}
    asked = answered(
        monkeypatch, Outcome("pocket_migrations", 0, json.dumps(found), ""), Outcome("migrate", 0, "app may.\n", "")
    )
    assert migrations.check(candidate, TARGET, allow_destructive=False) == ()
    assert asked == ["pocket_migrations", *(["migrate"] if grants else [])]


def test_a_database_that_was_asleep_is_named() -> None:
    recorder = PlanRecorder()
    checks.note_init(recorder, "management", f"The database default {DATABASE_SLEEPS}.\nEND")
    assert recorder.notes == ["The database was asleep: the first connection of management waited until it answered."]
    checks.note_init(recorder, "management", "END")
    assert len(recorder.notes) == 1


DROP = {"operation": "Remove field", "reason": "data is lost"}


def destructive(candidate: Candidate, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[str]:
    """The commands that the gate runs for a destructive migration."""
    found = {**FOUND, "migrations": [{"migration": "shop.0002_drop", "whole": True, "operations": [DROP]}]}
    listed, done = Outcome("pocket_migrations", 0, json.dumps(found), ""), Outcome("migrate", 0, "", "")
    asked = answered(monkeypatch, listed, done)
    migrations.check(candidate, TARGET, **options)
    return asked


@pytest.fixture
def written() -> list[str]:
    return []


@pytest.fixture
def backup(written: list[str]) -> migrations.Backup:
    def write() -> str:
        written.append("made")
        return "a.dump"

    return migrations.Backup(write)


def test_only_a_database_that_can_be_dumped_is_offered_a_backup(
    candidate: Candidate, monkeypatch: pytest.MonkeyPatch, backup: migrations.Backup, written: list[str]
) -> None:
    monkeypatch.setitem(FOUND, "database", {"kind": "SQLite", "name": "shop.sqlite3", "host": ""})
    recorder = PlanRecorder()
    destructive(replace(candidate, reporter=recorder), monkeypatch, allow_destructive=False, backup=backup)
    assert recorder.questions == ["Apply them to stage dev while release 3 is live?"]
    assert written == []


def test_a_backup_is_offered_before_a_destructive_migration(
    candidate: Candidate, monkeypatch: pytest.MonkeyPatch, backup: migrations.Backup, written: list[str]
) -> None:
    recorder = PlanRecorder()
    asked = destructive(replace(candidate, reporter=recorder), monkeypatch, allow_destructive=False, backup=backup)
    assert recorder.questions == ["Back the database up first?", "Apply them to stage dev while release 3 is live?"]
    assert (asked, written) == (["pocket_migrations", "migrate"], ["made"])
    assert "The backup is a.dump." in recorder.notes
    declines = PlanRecorder(agrees=False)
    with pytest.raises(GateRefused, match="Nothing was migrated"):
        destructive(replace(candidate, reporter=declines), monkeypatch, allow_destructive=False, backup=backup)
    assert written == ["made"]
    assert "No backup was made. To make one: pocket db backup --stage dev, or --backup." in declines.notes


def test_a_wanted_backup_needs_no_terminal(
    candidate: Candidate, monkeypatch: pytest.MonkeyPatch, backup: migrations.Backup, written: list[str]
) -> None:
    recorder = PlanRecorder(agrees=False)
    options = {"allow_destructive": True, "backup": replace(backup, wanted=True)}
    assert destructive(replace(candidate, reporter=recorder), monkeypatch, **options)[-1] == "migrate"
    assert (written, recorder.questions) == (["made"], [])
    assert destructive(candidate, monkeypatch, allow_destructive=True, backup=backup)[-1] == "migrate"
    assert written == ["made"], "without a question and without --backup there is none"


def test_a_backup_that_fails_refuses_the_migration(candidate: Candidate, monkeypatch: pytest.MonkeyPatch) -> None:
    def write() -> str:
        raise CommandFailed("psql was not found.", "Install it.")

    with pytest.raises(GateRefused, match=r"nothing was migrated: psql was not found\.") as caught:
        destructive(candidate, monkeypatch, allow_destructive=True, backup=migrations.Backup(write, wanted=True))
    assert caught.value.hint == "Install it."
