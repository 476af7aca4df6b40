"""`[awscontainer.handlers.NAME] events`: what calls a callable of the project."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from pocket.config import patterns
from pocket.config.suggestions import suggest
from pocket.config.tables.table import Table, Text, refused

S3_EVENTS = (
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
    "s3:ObjectAcl:Put",
    "s3:LifecycleTransition",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:IntelligentTiering",
)
"""The events of a bucket, as in the S3 User Guide, "Supported event types", without those of features that the stage's
bucket does not have, such as replication."""


_RECURSION = "Accept `permissions` with which the function can cause the events that call it."


def _event_name(name: str) -> str:
    if name not in S3_EVENTS:
        raise refused("the name of an S3 event", suggest(name, S3_EVENTS))
    return name


class S3Event(Table):
    """Changes of objects in the stage's bucket."""

    bucket: Text | None = Field(None, description="The stage's bucket; no other can be named.")
    prefix: str = Field(
        "", pattern=patterns.KEY_PART, description="What the keys of the objects begin with. Defaults to any key."
    )
    suffix: str = Field("", pattern=patterns.KEY_PART, description="What the keys of the objects end with.")
    events: list[Annotated[str, AfterValidator(_event_name)]] = Field(
        default_factory=lambda: ["s3:ObjectCreated:*"],
        min_length=1,
        description='Names of S3\'s events. Defaults to `["s3:ObjectCreated:*"]`.',
    )
    allow_recursion: bool = Field(
        False, description="Let the function cause the events that call it. Without it, its role may not."
    )


class SnsEvent(Table):
    """Messages of an SNS topic."""

    topic: str = Field(pattern=patterns.TOPIC_ARN, description="ARN of the topic.")
    allow_recursion: bool = Field(False, description=_RECURSION)


class EventBridgeEvent(Table):
    """Events of an EventBridge bus that match a pattern."""

    pattern: dict[str, Any] = Field(description="The event pattern, as a table.")
    bus: str = Field("default", pattern=patterns.EVENT_BUS, description="Name or ARN of the event bus.")
    allow_recursion: bool = Field(False, description=_RECURSION)


class DynamoDbEvent(Table):
    """Changes in a DynamoDB table, in order."""

    stream: str = Field(pattern=patterns.STREAM_ARN, description="ARN of the table's stream.")
    batch_size: int = Field(100, ge=1, le=10000, description="Maximum number of records per invocation.")
    starting_position: Literal["LATEST", "TRIM_HORIZON"] = Field(
        "LATEST", description="Where to begin: with new records, or with the oldest in the stream."
    )
    maximum_retry_attempts: int = Field(
        -1, ge=-1, le=10000, description="Further attempts for a failed batch; -1 repeats it until its records expire."
    )
    allow_recursion: bool = Field(False, description=_RECURSION)


class Event(Table):
    """One source of events; exactly one of the keys."""

    s3: S3Event | None = Field(None, description="Changes of objects in the stage's bucket.")
    sns: SnsEvent | None = Field(None, description="Messages of an SNS topic.")
    eventbridge: EventBridgeEvent | None = Field(None, description="Events of an EventBridge bus.")
    dynamodb: DynamoDbEvent | None = Field(None, description="Changes in a DynamoDB table.")

    @property
    def sources(self) -> list[str]:
        """The keys that are set."""
        return [key for key in type(self).model_fields if getattr(self, key) is not None]
