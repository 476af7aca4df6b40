"""The services that a stage uses, through the guard and with IAM enforced: what MiniStack does with them holds here."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError
from task_project import REGION, STAGE, TaskProject, failed

SECONDS = 30.0

RECORDING = """
import json
def handler(event, context):
    print("got", json.dumps(event, sort_keys=True))
    if "Records" not in event:
        return event
    failed = [{"itemIdentifier": r["messageId"]} for r in event["Records"] if json.loads(r["body"]).get("fail")]
    return {"batchItemFailures": failed}
"""


def wait_for(find: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + SECONDS
    while not (found := find()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def logged(cloud: Any, name: str, text: str) -> list[str]:
    try:
        events = cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    except ClientError:
        return []
    return [event["message"] for event in events if text in event["message"]]


def test_a_queue_retries_and_dead_letters_only_what_failed(cloud: Any) -> None:
    sqs = cloud.client("sqs")
    dead = sqs.create_queue(QueueName="jobs-dead")["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    attributes = {"RedrivePolicy": redrive, "VisibilityTimeout": "1"}
    queue = sqs.create_queue(QueueName="jobs", Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    cloud.function("consumer", RECORDING, Timeout=1)
    cloud.client("lambda").create_event_source_mapping(
        FunctionName="consumer", EventSourceArn=arn, BatchSize=10, FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    sqs.send_message_batch(
        QueueUrl=queue,
        Entries=[
            {"Id": "good", "MessageBody": json.dumps({"job": "good"})},
            {"Id": "bad", "MessageBody": json.dumps({"job": "bad", "fail": True})},
        ],
    )
    letter = wait_for(lambda: sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages"))
    assert json.loads(letter[0]["Body"])["job"] == "bad"
    bodies = "".join(logged(cloud, "consumer", "got"))
    assert (bodies.count('\\"good\\"'), bodies.count('\\"bad\\"')) == (1, 2)


@pytest.mark.e2e
def test_schedules_call_a_function_at_the_time_of_their_zone_and_send_a_later_task_and_are_gone(
    cloud: Any, tmp_path: Path
) -> None:
    sent = later_task(cloud, tmp_path)
    arn = cloud.function("scheduled", RECORDING)
    soon = datetime.now(ZoneInfo("Asia/Tokyo")) + timedelta(seconds=2)
    cloud.client("scheduler").create_schedule(
        Name="once",
        ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})",
        ScheduleExpressionTimezone="Asia/Tokyo",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": cloud.role("scheduler"), "Input": json.dumps({"command": "archive"})},
    )
    wait_for(lambda: logged(cloud, "scheduled", '{"command": "archive"}'))
    wait_for(sent)


LATER = """
from datetime import datetime, timedelta, UTC
from pocket.django.tasks import backend
from pocket.runtime import sqs
sqs.LONGEST_DELAY = backend._SOON = 1
result = tasks.note.using(run_after=datetime.now(UTC) + timedelta(seconds=2)).enqueue(file, word="later").id
"""


def later_task(cloud: Any, folder: Path) -> Callable[[], bool]:
    """Enqueues a task beyond the longest delay, here a second; returns whether its schedule has sent it and is gone."""
    sqs, scheduler = (cloud.client(name, region_name=REGION) for name in ("sqs", "scheduler"))
    queue = sqs.create_queue(QueueName="later-tasks")["QueueUrl"]
    scheduler.create_schedule_group(Name=STAGE.stack_name)
    project = TaskProject(folder)
    project.environ |= {
        "AWS_ENDPOINT_URL": cloud.local.endpoint_url,
        "AWS_ACCESS_KEY_ID": cloud.local.access_key_id,
        "AWS_SECRET_ACCESS_KEY": cloud.local.secret_access_key,
        "POCKET_JOBS_QUEUEURL": queue,
        "POCKET_TASK_SCHEDULER_ROLE": cloud.role("task-scheduler"),
    }
    job = project.evaluate(LATER)
    [schedule] = scheduler.list_schedules(GroupName=STAGE.stack_name)["Schedules"]
    assert schedule["Name"].startswith(f"task-{job}-")
    assert sqs.receive_message(QueueUrl=queue).get("Messages") is None

    def sent() -> bool:
        messages = sqs.receive_message(QueueUrl=queue).get("Messages", [])
        if not messages:
            return False
        wait_for(lambda: not scheduler.list_schedules(GroupName=STAGE.stack_name)["Schedules"])
        assert project.deliver({"MessageBody": messages[0]["Body"]})[0] == failed()
        assert project.notes == ["later"]
        return True

    return sent


TEMPLATE: dict[str, Any] = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {"Greeting": {"Type": "String"}, "Key": {"Type": "String"}},
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ]
                }
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {"S3Bucket": "artifacts", "S3Key": {"Ref": "Key"}},
                "Handler": "app.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Environment": {"Variables": {"GREETING": {"Ref": "Greeting"}}},
            },
        },
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "stack", "ProtocolType": "HTTP"}},
        "Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": {"Fn::GetAtt": ["Function", "Arn"]},
                "PayloadFormatVersion": "2.0",
            },
        },
        "Route": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "RouteKey": "$default",
                "Target": {"Fn::Sub": "integrations/${Integration}"},
            },
        },
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "$default", "AutoDeploy": True},
        },
    },
    "Outputs": {"Api": {"Value": {"Ref": "Api"}}},
}


def change(cloud: Any, kind: str, runtime: str, greeting: str) -> list[str]:
    """Apply the template as a change set; the actions on its resources."""
    stacks = cloud.client("cloudformation")
    template = json.loads(json.dumps(TEMPLATE))
    template["Resources"]["Function"]["Properties"]["Runtime"] = runtime
    stacks.create_change_set(
        StackName="stack",
        ChangeSetName=kind,
        ChangeSetType=kind,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[
            {"ParameterKey": "Greeting", "ParameterValue": greeting},
            {"ParameterKey": "Key", "ParameterValue": "app.zip"},
        ],
    )
    stacks.get_waiter("change_set_create_complete").wait(
        StackName="stack", ChangeSetName=kind, WaiterConfig={"Delay": 1}
    )
    changes = stacks.describe_change_set(StackName="stack", ChangeSetName=kind)["Changes"]
    stacks.execute_change_set(StackName="stack", ChangeSetName=kind)
    done = f"stack_{kind.lower()}_complete"
    stacks.get_waiter(done).wait(StackName="stack", WaiterConfig={"Delay": 1})
    return sorted(
        f"{each['ResourceChange']['Action']} {each['ResourceChange']['LogicalResourceId']}" for each in changes
    )


@pytest.mark.e2e
def test_a_stack_comes_changes_and_goes_by_change_sets(cloud: Any, runtime: str, package: Any) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    source = "import os\ndef handler(event, context):\n    return {'statusCode': 200, 'body': os.environ['GREETING']}\n"
    s3.put_object(Bucket="artifacts", Key="app.zip", Body=package({"app.py": source}))
    assert len(change(cloud, "CREATE", runtime, "hello")) == len(TEMPLATE["Resources"])
    stacks = cloud.client("cloudformation")
    outputs = stacks.describe_stacks(StackName="stack")["Stacks"][0]["Outputs"]
    cloud.local.route({"web": outputs[0]["OutputValue"]})
    address = cloud.local.addresses["web"]
    with urllib.request.urlopen(address) as response:
        assert response.read() == b"hello"
    assert "Modify Function" in change(cloud, "UPDATE", runtime, "good bye")
    with urllib.request.urlopen(address) as response:
        assert response.read() == b"good bye"
    stacks.delete_stack(StackName="stack")
    stacks.get_waiter("stack_delete_complete").wait(StackName="stack", WaiterConfig={"Delay": 1})
    with pytest.raises(urllib.error.HTTPError, match="503") as answer:
        urllib.request.urlopen(address)
    answer.value.close()


def pointing_at(queue: str) -> str:
    """A template with two queues and a parameter that holds the ARN of one."""
    queues = {name: {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}} for name in ("First", "Second")}
    value = {"Type": "String", "Name": "pointer", "Value": {"Fn::GetAtt": [queue, "Arn"]}}
    return json.dumps({"Resources": {**queues, "Pointer": {"Type": "AWS::SSM::Parameter", "Properties": value}}})


def test_a_change_set_sees_that_another_resources_attribute_is_meant(cloud: Any) -> None:
    stacks = cloud.client("cloudformation")
    stacks.create_stack(StackName="pointing", TemplateBody=pointing_at("First"))
    stacks.get_waiter("stack_create_complete").wait(StackName="pointing", WaiterConfig={"Delay": 1})
    for queue, status in (("First", "FAILED"), ("Second", "CREATE_COMPLETE")):
        stacks.create_change_set(
            StackName="pointing", ChangeSetName=queue, ChangeSetType="UPDATE", TemplateBody=pointing_at(queue)
        )
        found = stacks.describe_change_set(StackName="pointing", ChangeSetName=queue)
        assert found["Status"] == status
    assert [item["ResourceChange"]["LogicalResourceId"] for item in found["Changes"]] == ["Pointer"]
    stacks.execute_change_set(StackName="pointing", ChangeSetName="Second")
    stacks.get_waiter("stack_update_complete").wait(StackName="pointing", WaiterConfig={"Delay": 1})
    value = cloud.client("ssm").get_parameter(Name="pointer")["Parameter"]["Value"]
    assert value.endswith(":Second")
    stacks.delete_stack(StackName="pointing")
