"""What calls a function asynchronously: each source delivers its event to an alias, as its configuration says."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

FAILING = """
import json
def handler(event, context):
    print("got", json.dumps(event, sort_keys=True))
    raise ValueError("not today")
"""
SECONDS = 30.0


def wait_for(find: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + SECONDS
    while not (found := find()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


@pytest.fixture(scope="module")
def failing(cloud: Any) -> str:
    """The ARN of the alias `live` of a function that fails, and whose events are kept after one attempt."""
    lambda_, name = cloud.client("lambda"), "failing"
    cloud.function(name, FAILING)
    cloud.client("logs").create_log_group(logGroupName=f"/aws/lambda/{name}")
    version = lambda_.publish_version(FunctionName=name)["Version"]
    arn: str = lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion=version)["AliasArn"]
    queue = cloud.client("sqs").create_queue(QueueName="failing-kept")["QueueUrl"]
    facts = cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    lambda_.put_function_event_invoke_config(
        FunctionName=name,
        Qualifier="live",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": facts["QueueArn"]}},
    )
    return arn


def kept(cloud: Any) -> Any:
    """The event of the next message in the queue of failed events, and the error beside it."""
    sqs = cloud.client("sqs")
    queue = sqs.get_queue_url(QueueName="failing-kept")["QueueUrl"]
    (message,) = wait_for(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    body = json.loads(message["Body"])
    assert body["responsePayload"]["errorType"] == "ValueError"
    return body["requestPayload"]


def test_s3_notifies_an_alias_and_its_failed_event_is_kept(cloud: Any, failing: str) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="notifying", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    rules = [{"Name": "prefix", "Value": "media/"}, {"Name": "suffix", "Value": ".jpg"}]
    notified = {
        "LambdaFunctionArn": failing,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": rules}},
    }
    s3.put_bucket_notification_configuration(
        Bucket="notifying", NotificationConfiguration={"LambdaFunctionConfigurations": [notified]}
    )
    for key in ("media/a.png", "other/a.jpg", "media/ä b.jpg"):
        s3.put_object(Bucket="notifying", Key=key, Body=b"x")
    (record,) = kept(cloud)["Records"]
    assert (record["eventSource"], record["eventName"]) == ("aws:s3", "ObjectCreated:Put")
    assert (record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]) == ("notifying", "media/%C3%A4+b.jpg")


def test_sns_notifies_an_alias_and_its_failed_event_is_kept(cloud: Any, failing: str) -> None:
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="orders")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=failing)
    sns.publish(TopicArn=topic, Subject="new", Message="an order")
    (record,) = kept(cloud)["Records"]
    assert record["EventSource"] == "aws:sns"
    assert (record["Sns"]["TopicArn"], record["Sns"]["Subject"], record["Sns"]["Message"]) == (topic, "new", "an order")


def test_eventbridge_calls_an_alias_and_its_failed_event_is_kept(cloud: Any, failing: str) -> None:
    events = cloud.client("events")
    pattern = {"source": ["shop"], "detail": {"total": [{"numeric": [">", 10]}]}}
    events.put_rule(Name="orders", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="orders", Targets=[{"Id": "live", "Arn": failing}])
    for total in (5, 20):
        entry = {"Source": "shop", "DetailType": "order", "Detail": json.dumps({"total": total})}
        assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0
    event = kept(cloud)
    assert (event["source"], event["detail-type"], event["detail"]) == ("shop", "order", {"total": 20})


def test_a_stream_calls_an_alias_with_new_records(cloud: Any, failing: str) -> None:
    table = cloud.client("dynamodb").create_table(
        TableName="orders",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    cloud.client("lambda").create_event_source_mapping(
        FunctionName=failing, EventSourceArn=table["LatestStreamArn"], StartingPosition="LATEST"
    )
    cloud.client("dynamodb").put_item(TableName="orders", Item={"id": {"S": "1"}})
    logs = cloud.client("logs")

    def delivered() -> list[str]:
        found = logs.filter_log_events(logGroupName="/aws/lambda/failing")["events"]
        return [item["message"] for item in found if "aws:dynamodb" in item["message"]]

    assert '"NewImage": {"id": {"S": "1"}}' in wait_for(delivered)[0]


def test_a_schedule_of_a_template_keeps_its_time_zone(cloud: Any, failing: str) -> None:
    def template(zone: str) -> str:
        target = {"Arn": failing, "RoleArn": "arn:aws:iam::000000000000:role/any"}
        properties = {
            "Name": "zoned",
            "ScheduleExpression": "cron(0 9 * * ? *)",
            "ScheduleExpressionTimezone": zone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target,
        }
        return json.dumps({"Resources": {"Zoned": {"Type": "AWS::Scheduler::Schedule", "Properties": properties}}})

    formation, scheduler = cloud.client("cloudformation"), cloud.client("scheduler")
    formation.create_stack(StackName="zoned", TemplateBody=template("Asia/Tokyo"))
    formation.get_waiter("stack_create_complete").wait(StackName="zoned", WaiterConfig={"Delay": 1})
    assert scheduler.get_schedule(Name="zoned")["ScheduleExpressionTimezone"] == "Asia/Tokyo"
    formation.update_stack(StackName="zoned", TemplateBody=template("Europe/Berlin"))
    formation.get_waiter("stack_update_complete").wait(StackName="zoned", WaiterConfig={"Delay": 1})
    assert scheduler.get_schedule(Name="zoned")["ScheduleExpressionTimezone"] == "Europe/Berlin"
