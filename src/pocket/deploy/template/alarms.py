"""CloudWatch alarms of a stage, the SNS topic that they are sent to, and its dashboard.

Metrics of functions are those of the alias `live`, so that what a gate refuses raises no alarm. A metric without data
is in order: AWS sends none for what does not happen. Names of metrics and dimensions:
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.intrinsics import arn, ref, substituted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pocket.config import StageConfig
    from pocket.config.tables.handlers import Handler
    from pocket.deploy.template.inputs import Inputs
    from pocket.deploy.template.intrinsics import Resource

TOPIC, DASHBOARD = "AlarmTopic", "Dashboard"

PERIOD = 300
"""Seconds of which the metrics are taken together; one period decides."""

NEAR_TIMEOUT = 0.8
"""The part of a function's timeout that an invocation may take."""


@dataclass(frozen=True)
class Alarm:
    """One alarm: it is on where `statistic` of the metric is greater than `threshold` in a period.

    `kind` is the key of `[alarms]`. `dimensions` may have `${...}` in their values. `text` describes it in words.
    """

    handler: str
    kind: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    threshold: int
    text: str

    @property
    def logical_id(self) -> str:
        """Its id in the template."""
        return naming.logical_id(self.handler, self.kind.replace("_", "-"), "Alarm")

    def name(self, config: StageConfig) -> str:
        """Its name in CloudWatch."""
        return config.resource_name(self.handler, self.kind.replace("_", "-"))


def declared_alarms(config: StageConfig) -> list[Alarm]:
    """The stage's alarms, in the order of its handlers."""
    table = config.alarms
    if table is None or not table.notifies or config.awscontainer is None:
        return []
    handlers = config.awscontainer.handlers.items()
    found = [alarm for name, handler in handlers for alarm in _of_handler(config, name, handler)]
    return [alarm for alarm in found if getattr(table, alarm.kind)]


def alarms(inputs: Inputs) -> dict[str, Resource]:
    """The alarms, their topic and the dashboard; none without `[alarms]`."""
    config = inputs.config
    if config.alarms is None:
        return {}
    declared = declared_alarms(config)
    found = {alarm.logical_id: _alarm(config, alarm) for alarm in declared}
    if declared and config.alarms.email is not None:
        found.update(_topic(config, config.alarms.email))
    if config.alarms.dashboard:
        body = substituted(json.dumps(_dashboard(config, declared)))
        properties = {"DashboardName": config.stack_name, "DashboardBody": body}
        found[DASHBOARD] = {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}
    return found


def topic_name(config: StageConfig) -> str:
    """The name of the topic that Pocket creates for an address."""
    return config.resource_name("alarms")


def _of_handler(config: StageConfig, name: str, handler: Handler) -> Iterator[Alarm]:
    live = _live(config, name)
    yield Alarm(name, "errors", "AWS/Lambda", "Errors", live, "Sum", 0, "An invocation failed.")
    yield Alarm(name, "throttles", "AWS/Lambda", "Throttles", live, "Sum", 0, "An invocation was throttled.")
    near = int(handler.timeout * 1000 * NEAR_TIMEOUT)
    text = f"An invocation took more than {near} ms of its {handler.timeout} s."
    yield Alarm(name, "duration", "AWS/Lambda", "Duration", live, "Maximum", near, text)
    text = "A status of 500 or more was answered."
    if handler.apigateway is not None:
        api = {"ApiId": _api(name)}
        yield Alarm(name, "http_5xx", "AWS/ApiGateway", "5xx", api, "Sum", 0, text)
    elif handler.function_url is not None:
        yield Alarm(name, "http_5xx", "AWS/Lambda", "Url5xxCount", live, "Sum", 0, text)
    visible = "ApproximateNumberOfMessagesVisible"
    if handler.sqs is not None:
        fifo, age = handler.sqs.fifo, config.alarms.oldest_message_age if config.alarms else 0
        dead = {"QueueName": config.dead_letters_name(name, fifo=fifo)}
        yield Alarm(
            name, "dead_letters", "AWS/SQS", visible, dead, "Maximum", 0, "The dead-letter queue has a message."
        )
        queue = {"QueueName": config.queue_name(name, fifo=fifo)}
        text = f"A message has waited for more than {age} s."
        yield Alarm(name, "oldest_message", "AWS/SQS", "ApproximateAgeOfOldestMessage", queue, "Maximum", age, text)
    if handler.keeps_failures:
        failed = {"QueueName": config.failures_name(name)}
        text = "An event or the run of a schedule failed, or was not delivered."
        yield Alarm(name, "failed_events", "AWS/SQS", visible, failed, "Maximum", 0, text)


def _live(config: StageConfig, handler: str) -> dict[str, str]:
    name = config.function_name(handler)
    return {"FunctionName": name, "Resource": f"{name}:{naming.ALIAS}"}


def _api(handler: str) -> str:
    return f"${{{naming.logical_id(handler, 'Api')}}}"


def _alarm(config: StageConfig, alarm: Alarm) -> Resource:
    to = [_target(config)]
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": alarm.name(config),
            "AlarmDescription": f"{alarm.handler} of stage {config.name}: {alarm.text}",
            "Namespace": alarm.namespace,
            "MetricName": alarm.metric,
            "Dimensions": [{"Name": key, "Value": substituted(value)} for key, value in alarm.dimensions.items()],
            "Statistic": alarm.statistic,
            "Period": PERIOD,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": alarm.threshold,
            "TreatMissingData": "notBreaching",
            "AlarmActions": to,
            "OKActions": to,
        },
    }


def _target(config: StageConfig) -> Any:
    own = config.alarms.topic if config.alarms is not None else None
    return own if own is not None else ref(TOPIC)


def _topic(config: StageConfig, email: str) -> dict[str, Resource]:
    """A topic to which only the stage's alarms may publish, and the subscription of the address."""
    publish = {
        "Sid": "Alarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": ref(TOPIC),
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")},
            "ArnLike": {"aws:SourceArn": arn("cloudwatch", f"alarm:{config.stack_name}-*")},
        },
    }
    return {
        TOPIC: {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": topic_name(config)}},
        f"{TOPIC}Policy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {
                "Topics": [ref(TOPIC)],
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [publish]},
            },
        },
        f"{TOPIC}Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"Protocol": "email", "TopicArn": ref(TOPIC), "Endpoint": email},
        },
    }


def _dashboard(config: StageConfig, declared: list[Alarm]) -> dict[str, Any]:
    """The dashboard's body: the alarms, then for each handler its function and what is in front of it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    """
    widgets: list[dict[str, Any]] = []
    if declared:
        root = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:"
        arns = [f"{root}{alarm.name(config)}" for alarm in declared]
        properties = {"title": f"Alarms of {config.stack_name}", "alarms": arns}
        widgets.append({"type": "alarm", "width": 24, "height": 3, "properties": properties})
    for name, handler in config.awscontainer.handlers.items() if config.awscontainer else ():
        of_function = [item for pair in _live(config, name).items() for item in pair]
        counts = [["AWS/Lambda", metric, *of_function] for metric in ("Invocations", "Errors", "Throttles")]
        widgets.append(_graph(config, f"{name}: invocations", counts, "Sum"))
        widgets.append(
            _graph(config, f"{name}: duration, longest", [["AWS/Lambda", "Duration", *of_function]], "Maximum")
        )
        if handler.apigateway is not None:
            answers = [["AWS/ApiGateway", metric, "ApiId", _api(name)] for metric in ("Count", "4xx", "5xx")]
            widgets.append(_graph(config, f"{name}: answers of the API", answers, "Sum"))
        if handler.sqs is not None:
            queue = config.queue_name(name, fifo=handler.sqs.fifo)
            depths = [
                ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", each]
                for each in (queue, naming.dead_letters(queue))
            ]
            widgets.append(_graph(config, f"{name}: messages waiting and failed", depths, "Maximum"))
            age = [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", queue]]
            widgets.append(_graph(config, f"{name}: age of the oldest message", age, "Maximum"))
    return {"widgets": widgets}


def _graph(config: StageConfig, title: str, metrics: list[list[str]], statistic: str) -> dict[str, Any]:
    properties = {
        "title": title,
        "metrics": metrics,
        "stat": statistic,
        "period": PERIOD,
        "region": config.region,
        "view": "timeSeries",
    }
    return {"type": "metric", "width": 8, "height": 6, "properties": properties}
