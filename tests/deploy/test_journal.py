from __future__ import annotations

import pytest
from deploying import PlanRecorder

from pocket.deploy.releases import journal
from pocket.deploy.releases.journal import STEPS, Journal


def interrupted(recorder: PlanRecorder, *reached: str) -> None:
    with Journal(recorder) as steps:
        for step in reached:
            steps.reached(step)
        raise KeyboardInterrupt


@pytest.mark.parametrize("number", range(1, len(STEPS)))
def test_an_interruption_shows_completed_and_remaining_steps(number: int) -> None:
    recorder = PlanRecorder()
    with pytest.raises(KeyboardInterrupt):
        interrupted(recorder, *STEPS[:number])
    shown = [note.strip() for note in recorder.notes]
    assert shown == [
        "Interrupted. Done:",
        *STEPS[:number],
        "Not done; the next deploy continues from here:",
        *STEPS[number:],
    ]


def test_skipped_migrations_are_not_shown_as_done() -> None:
    recorder = PlanRecorder()
    with pytest.raises(KeyboardInterrupt):
        interrupted(recorder, journal.PUBLISHED, journal.GATES)
    assert recorder.notes.index(f"  {journal.GATES}") < recorder.notes.index(f"  {journal.MIGRATED}")


def test_an_interruption_before_any_change_shows_that_nothing_changed() -> None:
    recorder = PlanRecorder()
    with pytest.raises(KeyboardInterrupt):
        interrupted(recorder)
    assert recorder.notes == ["Interrupted: nothing was changed."]


def test_a_completed_deploy_prints_no_journal() -> None:
    recorder = PlanRecorder()
    with Journal(recorder) as steps:
        steps.reached(journal.LIVE)
    assert recorder.notes == []
