"""What the deployer of a stage with alarms needs, and what `pocket status` reads of metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.deploy.template.alarms import topic_name
from pocket.deploy.template.intrinsics import allow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.config import StageConfig
    from pocket.deploy.template.boundary import Place

    Statement = dict[str, Any]

_ALARMS = ["cloudwatch:DeleteAlarms", "cloudwatch:ListTagsForResource", "cloudwatch:PutMetricAlarm"]
_TAGS = ["cloudwatch:TagResource", "cloudwatch:UntagResource"]
_DASHBOARDS = ["cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard", "cloudwatch:PutDashboard"]
_TOPICS = [
    "sns:CreateTopic",
    "sns:DeleteTopic",
    "sns:GetDataProtectionPolicy",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:ListTagsForResource",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
    "sns:*agResource",
]
SUBSCRIPTIONS = ["sns:*SubscriptionAttributes", "sns:Unsubscribe"]
"""These actions have no resource."""


def alarm_statements(stage: StageConfig, place: Place) -> Iterator[Statement]:
    """The statements for metrics, alarms, the dashboard, and the topic that Pocket creates for an address."""
    handlers = stage.awscontainer.handlers.values() if stage.awscontainer else ()
    if any(handler.sqs is not None or handler.schedule for handler in handlers):
        # Neither this action nor the next has a resource of the stage's alone.
        yield allow("ReadMetrics", ["cloudwatch:GetMetricData"], ["*"])
    if stage.alarms is None:
        return
    if stage.alarms.notifies:
        yield allow("ReadAlarms", ["cloudwatch:DescribeAlarms"], ["*"])
        yield allow("Alarms", [*_ALARMS, *_TAGS], [place.arn("cloudwatch", f"alarm:{stage.stack_name}-*")])
    if stage.alarms.dashboard:
        named = f"arn:{place.partition}:cloudwatch::{place.account}:dashboard/{stage.stack_name}"
        yield allow("Dashboard", [*_DASHBOARDS, *_TAGS, "cloudwatch:ListTagsForResource"], [named])
    if stage.alarms.email is not None:
        yield allow("AlarmTopic", _TOPICS, [place.arn("sns", topic_name(stage))])
        yield allow("AlarmSubscription", SUBSCRIPTIONS, ["*"])
