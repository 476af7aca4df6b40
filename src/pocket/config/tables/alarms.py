"""`[alarms]`: who is told when a stage fails, and for what."""

from __future__ import annotations

from pydantic import Field

from pocket.config import patterns
from pocket.config.tables.table import EmailAddress, Table


class Alarms(Table):
    """CloudWatch alarms of a stage."""

    email: EmailAddress | None = Field(
        None, description="Address that gets a mail for each alarm, once it has confirmed the subscription."
    )
    topic: str | None = Field(
        None, pattern=patterns.TOPIC_ARN, description="SNS topic to send alarms to, instead of `email`."
    )
    dead_letters: bool = Field(True, description="A message is in a dead-letter queue.")
    oldest_message: bool = Field(True, description="A message has waited in a queue for `oldest_message_age`.")
    oldest_message_age: int = Field(
        3600, ge=60, le=1209600, description="Seconds from which on a message has waited too long."
    )
    failed_events: bool = Field(True, description="An event or the run of a schedule failed, or was not delivered.")
    errors: bool = Field(True, description="An invocation of a function failed.")
    throttles: bool = Field(True, description="An invocation of a function was throttled.")
    duration: bool = Field(True, description="An invocation took more than 80% of the function's `timeout`.")
    http_5xx: bool = Field(True, description="An HTTP API or a function URL answered with a status of 500 or more.")
    dashboard: bool = Field(False, description="Create a CloudWatch dashboard of the stage.")

    @property
    def notifies(self) -> bool:
        """Whether there is anybody to tell; without, the stage has no alarms."""
        return self.email is not None or self.topic is not None
