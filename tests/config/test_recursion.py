"""A handler whose permissions could cause the events that call it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pocket.config import Project
from pocket.errors import ConfigError

TABLE = "arn:aws:dynamodb:ap-northeast-1:123456789012:table/orders"
TOPIC = "arn:aws:sns:ap-northeast-1:123456789012:orders"
BUS = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus"
STREAM = f'{{ dynamodb = {{ stream = "{TABLE}/stream/2026-01-01T00:00:00.000" }} }}'
MESSAGES = f'{{ sns = {{ topic = "{TOPIC}" }} }}'
SALES = '{ eventbridge = { bus = "shop", pattern = { source = ["shop"] } } }'


def text(event: str, action: str, resource: str, of: str = "handlers.orders.") -> str:
    return f"""
[awscontainer.handlers.orders]
command = "shop.events.orders"
events = [{event}]
[awscontainer.handlers.other]
command = "shop.events.other"
[[awscontainer.{of}permissions]]
actions = ["{action}"]
resources = ["arn:aws:s3:::b/*", "{resource}"]
"""


@pytest.mark.parametrize(
    ("event", "kind", "permission"),
    [
        (STREAM, "dynamodb", ("dynamodb:PutItem", TABLE, "handlers.orders.")),
        (STREAM, "dynamodb", ("dynamodb:updateitem", "arn:aws:dynamodb:*:*:table/ord*", "")),
        (STREAM, "dynamodb", ("dynamodb:Batch*", TABLE.replace("ap-northeast-1", "${AWS::Region}"), "")),
        (MESSAGES, "sns", ("sns:Publish", TOPIC, "")),
        (MESSAGES, "sns", ("sns:Publish", "*", "handlers.orders.")),
        (SALES, "eventbridge", ("events:PutEvents", f"{BUS}/shop", "")),
        (SALES.replace('"shop", p', '"arn:aws:events:ap-northeast-1:123456789012:event-bus/shop", p'),
         "eventbridge", ("events:Put*", f"{BUS}/*", "")),
    ],
)  # fmt: skip
def test_a_function_that_may_write_where_it_listens_is_refused(
    refused: Callable[..., list[ConfigError]],
    read: Callable[..., Project],
    event: str,
    kind: str,
    permission: tuple[str, str, str],
) -> None:
    [error] = refused(text(event, *permission))
    assert error.key == f"awscontainer.handlers.orders.events[0].{kind}"
    assert error.message.endswith("on what calls it, so it could call itself without end.")
    assert error.line == 7
    read(text(event.replace(f"{kind} = {{", f"{kind} = {{ allow_recursion = true,", 1), *permission))


@pytest.mark.parametrize(
    ("event", "action", "resource", "of"),
    [
        (STREAM, "dynamodb:GetItem", TABLE, ""),
        (STREAM, "dynamodb:PutItem", f"{TABLE}-done", ""),
        (STREAM, "dynamodb:PutItem", "${Table.Arn}", ""),
        (STREAM, "dynamodb:PutItem", TABLE.replace("ap-northeast-1", "us-east-1"), ""),
        (STREAM, "dynamodb:PutItem", TABLE, "handlers.other."),
        (MESSAGES, "sns:Publish", f"{TOPIC}-done", ""),
        (SALES, "events:PutEvents", f"{BUS}/default", ""),
        ('{ eventbridge = { pattern = { source = ["aws.health"] } } }', "events:PutEvents", f"{BUS}/default", ""),
    ],
)
def test_a_function_that_writes_elsewhere_is_not(
    read: Callable[..., Project], event: str, action: str, resource: str, of: str
) -> None:
    read(text(event, action, resource, of))


def conditioned(pattern: str, condition: str) -> str:
    event = f"{{ eventbridge = {{ pattern = {{ {pattern} }} }} }}"
    limit = f"[awscontainer.handlers.orders.permissions.conditions]\n{condition}\n"
    return text(event, "events:PutEvents", f"{BUS}/default") + limit


@pytest.mark.parametrize(
    ("pattern", "condition"),
    [
        ('source = ["a"]', 'StringEquals = { "events:source" = "b" }'),
        ('source = ["a", "c"]', 'StringEqualsIfExists = { "Events:Source" = ["b", "d"] }'),
        (
            'source = ["a.x"]',
            'StringLike = { "events:source" = "b.*" }\nBool = { "aws:x" = "true" }',
        ),
        ('source = ["a[x"]', 'StringLike = { "events:source" = "a[xy]" }'),
        ('source = [{ prefix = "a." }, { suffix = ".c" }]', 'StringEquals = { "events:source" = "b" }'),
        ('source = [{ "anything-but" = "a" }]', 'StringEquals = { "events:source" = "a" }'),
        (
            'source = [{ "anything-but" = ["a", "b"] }]',
            '"ForAllValues:StringEquals" = { "events:source" = ["a", "b"] }',
        ),
        ('"detail-type" = ["paid"]', 'StringEquals = { "events:source" = "a", "events:detail-type" = "sent" }'),
        ('source = ["a"]', 'StringNotEquals = { "events:source" = ["a", "c"] }'),
        ('source = ["a.x", "a.y"]', 'StringNotLike = { "events:source" = "a.*" }'),
    ],
)
def test_a_function_that_may_send_only_other_events_is_not_refused(
    read: Callable[..., Project], pattern: str, condition: str
) -> None:
    read(conditioned(pattern, condition))


@pytest.mark.parametrize(
    ("pattern", "condition"),
    [
        ('source = ["a"]', 'StringEquals = { "events:source" = ["b", "a"] }'),
        ('source = ["a.x"]', 'StringLike = { "events:source" = "a.?" }'),
        ('source = ["a"]', 'StringEquals = { "events:source" = "${AWS::StackName}" }'),
        ('source = ["a"]', 'StringNotEquals = { "events:source" = "${AWS::StackName}" }'),
        ('source = ["a"]', 'StringEquals = { "events:detail-type" = "sent" }'),
        ('source = ["a"]', 'StringEquals = { "aws:PrincipalTag/source" = "b" }'),
        ('source = ["a"]', 'StringEqualsIgnoreCase = { "events:source" = "A" }'),
        ('source = ["a"]', '"ForAnyValue:StringEquals" = { "events:source" = "b" }'),
        ('source = ["a", "c"]', 'StringNotEquals = { "events:source" = "a" }'),
        ('source = [{ prefix = "a" }]', 'StringNotEquals = { "events:source" = "a" }'),
        ('source = [{ prefix = "a." }]', 'StringLike = { "events:source" = "b.*" }'),
        ('source = [{ wildcard = "*a" }]', 'StringEquals = { "events:source" = "b" }'),
        ('"$or" = [{ source = ["a"] }, { source = ["c"] }]', 'StringEquals = { "events:source" = "a" }'),
        ('detail = { paid = [true] }', 'StringEquals = { "events:source" = "b" }'),
    ],
)  # fmt: skip
def test_a_condition_that_lets_it_send_what_it_listens_to_is_refused(
    refused: Callable[..., list[ConfigError]], pattern: str, condition: str
) -> None:
    [error] = refused(conditioned(pattern, condition))
    assert (
        error.message == "The function may call events:PutEvents on what calls it, so it could call itself without end."
    )
