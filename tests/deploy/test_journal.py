from __future__ import annotations

import pytest
from deploying import Voice

from pocket.deploy.releases import journal
from pocket.deploy.releases.journal import STEPS, Journal


def interrupted(voice: Voice, *reached: str) -> None:
    with Journal(voice) as steps:
        for step in reached:
            steps.reached(step)
        raise KeyboardInterrupt


@pytest.mark.parametrize("number", range(1, len(STEPS)))
def test_an_interruption_is_told_with_what_was_done_and_what_was_not(number: int) -> None:
    voice = Voice()
    with pytest.raises(KeyboardInterrupt):
        interrupted(voice, *STEPS[:number])
    told = [note.strip() for note in voice.notes]
    assert told == [
        "Interrupted. Done:",
        *STEPS[:number],
        "Not done; the next deploy continues from here:",
        *STEPS[number:],
    ]


def test_migrations_that_nobody_asked_for_are_not_done() -> None:
    voice = Voice()
    with pytest.raises(KeyboardInterrupt):
        interrupted(voice, journal.PUBLISHED, journal.GATES)
    assert voice.notes.index(f"  {journal.GATES}") < voice.notes.index(f"  {journal.MIGRATED}")


def test_an_interruption_before_anything_was_done_says_so() -> None:
    voice = Voice()
    with pytest.raises(KeyboardInterrupt):
        interrupted(voice)
    assert voice.notes == ["Interrupted: nothing was changed."]


def test_what_ends_well_is_told_elsewhere() -> None:
    voice = Voice()
    with Journal(voice) as steps:
        steps.reached(journal.LIVE)
    assert voice.notes == []
