"""What the gate `migrations` makes of a command's answers; on deployed functions it is tried in test_gates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from deploying import SMALL, PlanRecorder, project

from pocket.deploy.aws import invoke
from pocket.deploy.aws.invoke import Outcome
from pocket.deploy.aws.session import Clients
from pocket.deploy.gates import migrations
from pocket.deploy.gates.gate import Candidate
from pocket.deploy.target import Target
from pocket.errors import GateRefused
from pocket.naming import MIGRATE_RUNS

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


DROP = {"operation": "Remove field", "reason": "data is lost"}


@pytest.mark.parametrize("declared", [True, False])
def test_a_backup_is_offered_before_a_destructive_migration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: bool
) -> None:
    table = '[database]\nengine = "postgresql"\nsecret = "url"\n' if declared else ""
    recorder = PlanRecorder(agrees=False)
    stage = project(tmp_path, table + SMALL).stage("dev")
    candidate = Candidate(stage, Clients(TARGET), recorder, {"management": "7"}, {}, live=3)
    found = {**FOUND, "migrations": [{"migration": "shop.0002_drop", "whole": True, "operations": [DROP]}]}
    answered(monkeypatch, Outcome("pocket_migrations", 0, json.dumps(found), ""))
    with pytest.raises(GateRefused, match="Nothing was migrated"):
        migrations.check(candidate, TARGET, allow_destructive=False)
    offered = [note for note in recorder.notes if "pocket db backup --stage dev" in note]
    assert len(offered) == declared
    assert recorder.questions == ["Apply them to stage dev while release 3 is live?"]
