"""`[awscontainer.handlers.NAME]`: the Lambda functions of a stage and what stands in front of them."""

from __future__ import annotations

import shlex
from typing import Annotated

from pydantic import AfterValidator, Field

from pocket.config import patterns
from pocket.config.schedules import fault_of_expression
from pocket.config.tables.table import Table, Text, refused


def _expression(text: str) -> str:
    fault = fault_of_expression(text)
    if fault:
        raise refused(fault)
    return text


def _command_line(text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise refused("a command line in which every quotation mark is closed") from error
    if not words:
        raise refused("the name of a management command, and its arguments if it takes any")
    return text


class Throttling(Table):
    """How many requests an HTTP API lets through; it answers the others with 429."""

    rate_limit: int = Field(ge=1, description="Requests a second, on average.")
    burst_limit: int = Field(ge=1, description="Requests at once.")


class ApiGateway(Table):
    """An HTTP API in front of the function."""

    domain: Text | None = Field(None, description="Domain of the API; AWS's own where it is absent.")
    create_records: bool = Field(True, description="Creates the domain's records in its hosted zone.")
    hosted_zone_id_override: Text | None = Field(
        None, description="Hosted zone of the records; found by the domain's name where it is absent."
    )
    access_log: bool = Field(False, description="Writes a line for each request to a log group of the API's own.")
    throttling: Throttling | None = Field(
        None, description="Limits of the API's requests; the account's own where it is absent."
    )


class FunctionUrl(Table):
    """A Lambda function URL in front of the function."""


class Sqs(Table):
    """A queue in front of the function, with its dead-letter queue."""

    batch_size: int = Field(
        1,
        ge=1,
        le=10,
        description="Most messages that one invocation gets; in a batch of several a message that ends the function"
        " costs the others an attempt.",
    )
    maximum_concurrency: int = Field(2, ge=2, le=1000, description="Most invocations that run at the same time.")
    message_retention_period: int = Field(
        345600, ge=60, le=1209600, description="Seconds that a message is kept in the queue."
    )
    dead_letter_max_receive_count: int = Field(
        5, ge=1, le=1000, description="Attempts after which a message goes to the dead-letter queue."
    )
    dead_letter_message_retention_period: int = Field(
        1209600, ge=60, le=1209600, description="Seconds that a message is kept in the dead-letter queue."
    )
    report_batch_item_failures: bool = Field(
        True, description="Only the failed messages of a batch are delivered again."
    )
    fifo: bool = Field(False, description="Keeps the order of messages and delivers each of them once.")


class Schedule(Table):
    """A management command that runs by the clock."""

    expression: Annotated[str, AfterValidator(_expression)] = Field(
        max_length=256,
        description="When it runs, in UTC: `rate(1 hour)`, `cron(0 3 * * ? *)`, `at(2030-01-01T00:00:00)`.",
    )
    manage: Annotated[str, AfterValidator(_command_line)] = Field(
        description="Management command, with its arguments as on a command line."
    )

    @property
    def command(self) -> str:
        """The management command's name."""
        return shlex.split(self.manage)[0]

    @property
    def arguments(self) -> list[str]:
        """What follows the command's name, split as a shell would."""
        return shlex.split(self.manage)[1:]


class Handler(Table):
    """One Lambda function of the stage."""

    command: str = Field(
        pattern=patterns.DOTTED_PATH,
        max_length=128,
        description="Dotted path of the Lambda handler, such as `pocket.django.lambda_handlers.wsgi_handler`.",
    )
    timeout: int = Field(30, ge=1, le=900, description="Seconds that an invocation may take; at most 30 behind an API.")
    memory_size: int = Field(512, ge=128, le=10240, description="Memory in MB.")
    reserved_concurrency: int | None = Field(
        None, ge=0, description="Invocations that may run at the same time, set aside for this function alone."
    )
    apigateway: ApiGateway | None = Field(None, description="An HTTP API in front.")
    function_url: FunctionUrl | None = Field(None, description="A Lambda function URL in front.")
    sqs: Sqs | None = Field(None, description="A queue in front, with its dead-letter queue.")
    schedule: list[Schedule] = Field(
        default_factory=list, description="Management commands that run by the clock, on EventBridge Scheduler."
    )

    @property
    def has_address(self) -> bool:
        """Whether the function answers HTTP at an address of its own."""
        return self.apigateway is not None or self.function_url is not None
