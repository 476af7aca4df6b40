"""`[awscontainer.handlers.NAME]`: the Lambda functions of a stage and their fronts."""

from __future__ import annotations

import shlex
from functools import cache
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from pocket import naming
from pocket.config import patterns
from pocket.config.domain_names import issue_with_domain
from pocket.config.schedules import issue_with_expression
from pocket.config.suggestions import nearest
from pocket.config.tables.events import Event
from pocket.config.tables.permissions import Permission
from pocket.config.tables.table import Table, Text, VariableName, refused

LogRetention = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""The days for which CloudWatch can keep logs."""

SMALLEST_STORAGE, LARGEST_STORAGE = 512, 10240
"""The MB that /tmp of a function can have; the smallest is free of charge."""


def _expression(text: str) -> str:
    issue = issue_with_expression(text)
    if issue:
        raise refused(issue)
    return text


def _domain(text: str) -> str:
    expected, hint = issue_with_domain(text)
    if expected:
        raise refused(expected, hint)
    return text


DomainName = Annotated[str, AfterValidator(_domain)]


def _command_line(text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise refused("a command line with every quotation mark closed") from error
    if not words:
        raise refused("the name of a management command and its arguments")
    return text


_timezones = cache(available_timezones)
"""The names in the system's time zone database, which are read from hundreds of files."""


def _timezone(name: str) -> str:
    known = _timezones()
    # A system without the time zone database has none to compare with.
    if known and name not in known:
        raise refused('the name of a time zone, such as "Asia/Tokyo"', nearest(name, known))
    return name


class Throttling(Table):
    """Limits of an HTTP API, which answers further requests with 429."""

    rate_limit: int = Field(ge=1, description="Average requests per second.")
    burst_limit: int = Field(ge=1, description="Requests at once.")


class ApiGateway(Table):
    """An HTTP API in front of the function."""

    domain: DomainName | None = Field(
        None, description="Domain of the API, with a certificate. Defaults to an address of AWS."
    )
    create_records: bool = Field(
        True, description="Create the domain's records in its hosted zone. Otherwise the deploy shows what to enter."
    )
    hosted_zone_id_override: str | None = Field(
        None,
        pattern=patterns.ZONE_ID,
        description="Id of the hosted zone for the records. Defaults to the public one with the longest name that the"
        " domain ends with.",
    )
    certificate_arn: str | None = Field(
        None,
        pattern=patterns.CERTIFICATE_ARN,
        description="Certificate of ACM to use for the domain, in the stage's region. By default Pocket creates one.",
    )
    default_endpoint: bool = Field(
        True, description="Also answer at the address of AWS (`execute-api`). `false` needs a domain."
    )
    access_log: bool = Field(False, description="Log each request to the API's own log group.")
    throttling: Throttling | None = Field(
        None, description="Limits of the API's requests. Defaults to the account's limits."
    )


class FunctionUrl(Table):
    """A Lambda function URL in front of the function."""


class Sqs(Table):
    """A queue in front of the function, with its dead-letter queue."""

    batch_size: int = Field(
        1,
        ge=1,
        le=10,
        description="Maximum number of messages per invocation. In a batch of several, a message that ends the function"
        " delays those behind it.",
    )
    maximum_concurrency: int = Field(2, ge=2, le=1000, description="Maximum number of concurrent invocations.")
    message_retention_period: int = Field(
        345600, ge=60, le=1209600, description="Seconds to keep a message in the queue."
    )
    dead_letter_max_receive_count: int = Field(
        5, ge=1, le=1000, description="Attempts before a message moves to the dead-letter queue."
    )
    dead_letter_message_retention_period: int = Field(
        1209600, ge=60, le=1209600, description="Seconds to keep a message in the dead-letter queue."
    )
    report_batch_item_failures: bool = Field(True, description="Deliver only the failed messages of a batch again.")
    fifo: bool = Field(False, description="Keep the order of messages and deliver each of them once.")

    @property
    def spare_deliveries(self) -> int:
        """Deliveries of a message that may end before its job begins: an earlier job of the batch ended the function.

        A standard queue's batch runs what has ended a function last, so each of its jobs costs the others one
        delivery. A FIFO queue keeps the order: there it is one for each attempt.
        """
        return (self.dead_letter_max_receive_count if self.fifo else 1) * (self.batch_size - 1)


class Schedule(Table):
    """A management command or an event on a schedule."""

    expression: Annotated[str, AfterValidator(_expression)] = Field(
        max_length=256,
        description="When it runs: `rate(1 hour)`, `cron(0 3 * * ? *)`, `at(2030-01-01T00:00:00)`.",
    )
    timezone: Annotated[str, AfterValidator(_timezone)] = Field(
        "UTC", description="Time zone of the expression, such as `Asia/Tokyo`."
    )
    manage: Annotated[str, AfterValidator(_command_line)] | None = Field(
        None,
        description="Management command, with its arguments as on a command line. Required by the handler of management"
        " commands, for no other.",
    )
    input: dict[str, Any] | None = Field(
        None,
        description="The event that a callable of the project gets. Defaults to the event of EventBridge Scheduler.",
    )
    enabled: bool = Field(True, description="Whether the schedule runs.")

    @property
    def command(self) -> str:
        """The management command's name; "" without one."""
        return shlex.split(self.manage)[0] if self.manage else ""

    @property
    def arguments(self) -> list[str]:
        """The command's arguments, split as in a shell."""
        return shlex.split(self.manage)[1:] if self.manage else []


class Handler(Table):
    """One Lambda function of the stage."""

    command: str = Field(
        pattern=patterns.DOTTED_PATH,
        max_length=128,
        description="Dotted path of the Lambda handler, such as `pocket.django.lambda_handlers.wsgi_handler`, or of a"
        " callable of the project with the arguments `event` and `context`.",
    )
    timeout: int = Field(30, ge=1, le=900, description="Maximum seconds of an invocation; at most 30 behind an API.")
    memory_size: int = Field(512, ge=128, le=10240, description="Memory in MB.")
    ephemeral_storage: int = Field(
        SMALLEST_STORAGE, ge=SMALLEST_STORAGE, le=LARGEST_STORAGE, description="Size of /tmp in MB."
    )
    envs: dict[VariableName, str] = Field(
        default_factory=dict, description="Environment of this function, in addition to `awscontainer.envs`."
    )
    permissions: list[Permission] = Field(
        default_factory=list, description="What this function may do, in addition to `awscontainer.permissions`."
    )
    log_retention: LogRetention | None = Field(
        None, description="Days to keep the function's logs. Defaults to `awscontainer.log_retention`."
    )
    reserved_concurrency: int | None = Field(
        None, ge=0, description="Concurrent invocations reserved for this function, and its limit."
    )
    apigateway: ApiGateway | None = Field(None, description="An HTTP API in front of the function.")
    function_url: FunctionUrl | None = Field(None, description="A function URL in front of the function.")
    sqs: Sqs | None = Field(None, description="A queue in front of the function, with its dead-letter queue.")
    commands: list[Text] | None = Field(
        None, description="Management commands that its queue may run. Defaults to any. Tasks are not affected."
    )
    schedule: list[Schedule] = Field(
        default_factory=list, description="When to run by itself, with EventBridge Scheduler."
    )
    events: list[Event] = Field(default_factory=list, description="What else calls a callable of the project.")
    maximum_retry_attempts: int | None = Field(
        None,
        ge=0,
        le=2,
        description="How often Lambda repeats a failed event of S3, SNS, EventBridge or a schedule. Defaults to 2, and"
        " to 0 for management commands.",
    )
    maximum_event_age: int = Field(
        21600, ge=60, le=21600, description="Seconds that such an event may wait for an invocation or a repetition."
    )

    @property
    def has_address(self) -> bool:
        """Whether the function has an HTTP address."""
        return self.apigateway is not None or self.function_url is not None

    @property
    def runs_callable(self) -> bool:
        """Whether its command is a callable of the project that is started as Django is.

        A handler with an HTTP address is not: it is an application that starts itself.
        """
        return self.command not in naming.HANDLERS and not self.has_address

    @property
    def is_called_asynchronously(self) -> bool:
        """Whether any of its callers leaves repetitions and failures to Lambda."""
        return bool(self.schedule) or any(event.dynamodb is None for event in self.events)

    @property
    def keeps_failures(self) -> bool:
        """Whether it has a queue for events that failed."""
        return bool(self.schedule or self.events)
