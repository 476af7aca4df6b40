"""Rules for `[alarms]`: one place to send them to, in the stage's region."""

from __future__ import annotations

from collections.abc import Iterator

from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.stage import StageConfig

_WITHOUT_ALARMS = ("email", "topic", "dashboard")


def issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues with the stage's alarms."""
    declared = stage.alarms
    if declared is None:
        return
    path: KeyPath = ("alarms",)
    places: tuple[KeyPath, ...] = ((*path, "email"), (*path, "topic"))
    if not declared.notifies:
        for key in sorted(declared.model_fields_set - set(_WITHOUT_ALARMS)):
            message = "This key has no effect without an address or a topic."
            yield Issue((*path, key), "nowhere", message, "Add email or topic.", places)
        if not declared.dashboard:
            hint = 'Set email = "team@example.com", or topic to the ARN of an SNS topic.'
            yield Issue(path, "empty", "Expected email, topic or dashboard.", hint, places)
    if declared.email is not None and declared.topic is not None:
        hint = "Remove email, and subscribe the address to the topic."
        yield Issue((*path, "topic"), "both", "Expected email or topic, found both.", hint, places)
    elif declared.topic is not None and (region := declared.topic.split(":")[3]) != stage.region:
        message = f"The topic is in {region}; CloudWatch in {stage.region} sends only to topics there."
        hint = f"Use a topic in {stage.region}."
        yield Issue((*path, "topic"), "region", message, hint, (("general", "region"),))
