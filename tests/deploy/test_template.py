from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from deploying import EVENTS, FULL, inputs, project
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_project import PYTHON

from pocket import naming
from pocket.deploy.template import Code, render
from pocket.errors import PlanRefused

PASSWORD = "the-password"
HEADER = '[general]\nregion = "eu-central-1"\nstages = ["dev"]\nproject_name = "x"\n'


def rendered(folder: Path, pocket_toml: str = FULL, **more: Any) -> dict[str, Any]:
    return render(inputs(project(folder, pocket_toml), **more)).body


def of_type(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: item for name, item in body["Resources"].items() if item["Type"] == kind}


def environment(body: dict[str, Any], handler: str = "web") -> dict[str, Any]:
    found: dict[str, Any] = body["Resources"][naming.logical_id(handler, "Function")]["Properties"]
    return dict(found["Environment"]["Variables"])


def versions(body: dict[str, Any]) -> dict[str, str]:
    """The logical id of each handler's version, by function."""
    found = of_type(body, "AWS::Lambda::Version").items()
    return {item["Properties"]["FunctionName"]["Ref"]: name for name, item in found}


def test_equal_inputs_give_equal_templates(tmp_path: Path) -> None:
    found = project(tmp_path)
    assert render(inputs(found)).to_json() == render(inputs(found)).to_json()


def test_every_handler_has_a_function_a_version_and_the_alias(tmp_path: Path) -> None:
    body = rendered(tmp_path)
    handlers = {"web", "admin-site", "api", "management", "sqsmanagement", "ordered"}
    functions = of_type(body, "AWS::Lambda::Function").values()
    assert {item["Properties"]["FunctionName"] for item in functions} == {
        f"pocket-dev-full-{name}" for name in handlers
    }
    assert len(of_type(body, "AWS::Lambda::Version")) == len(handlers)
    aliases = of_type(body, "AWS::Lambda::Alias").values()
    assert {item["Properties"]["Name"] for item in aliases} == {"live"}


def test_a_handler_may_have_its_own_variables_storage_and_log_retention(tmp_path: Path) -> None:
    own = 'envs = { FEATURE_X = "1", GREETING = "hi" }\nephemeral_storage = 2048\nlog_retention = 7\n'
    text = FULL.replace("[awscontainer]\n", "[awscontainer]\nlog_retention = 365\n", 1)
    text = text.replace("apigateway = {}\n", "apigateway = { access_log = true }\n" + own, 1)
    body = rendered(tmp_path, text)
    before = rendered(tmp_path)
    assert environment(body)["GREETING"] == "hi"
    assert set(environment(body)) - set(environment(body, "api")) == {"FEATURE_X"}
    assert environment(body, "api")["GREETING"] == environment(before)["GREETING"]
    sizes = {item["Properties"].get("EphemeralStorage", {}).get("Size") for item in
             of_type(body, "AWS::Lambda::Function").values()}  # fmt: skip
    assert sizes == {2048, None}
    days = {name: item["Properties"]["RetentionInDays"] for name, item in of_type(body, "AWS::Logs::LogGroup").items()}
    assert (days["WebLogs"], days["WebApiLogs"], days["ApiLogs"]) == (7, 7, 365)
    assert {item["Properties"]["RetentionInDays"] for item in of_type(before, "AWS::Logs::LogGroup").values()} == {30}
    changed = set(versions(before).items()) ^ set(versions(body).items())
    assert {function for function, _ in changed} == {"WebFunction"}


def test_log_groups_come_before_their_functions_and_expire(tmp_path: Path) -> None:
    body = rendered(tmp_path)
    for function in of_type(body, "AWS::Lambda::Function").values():
        group = body["Resources"][function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]]["Properties"]
        assert group == {"LogGroupName": f"/aws/lambda/{function['Properties']['FunctionName']}", "RetentionInDays": 30}


def test_all_traffic_goes_to_the_alias(tmp_path: Path) -> None:
    resources = rendered(tmp_path)["Resources"]
    assert resources["WebApiIntegration"]["Properties"]["IntegrationUri"] == {"Ref": "WebAlias"}
    assert resources["WebApiPermission"]["Properties"]["FunctionName"] == {"Ref": "WebAlias"}
    assert resources["ApiUrl"]["Properties"]["Qualifier"] == "live"
    assert resources["SqsmanagementConsumer"]["Properties"]["FunctionName"] == {"Ref": "SqsmanagementAlias"}
    assert resources["ManagementSchedule1"]["Properties"]["Target"]["Arn"] == {"Ref": "ManagementAlias"}


def test_a_version_is_published_when_code_changes(tmp_path: Path) -> None:
    found = project(tmp_path)
    before = versions(render(inputs(found)).body)
    after = versions(render(inputs(found, code=Code("code-bucket", "artifacts/0b.zip"))).body)
    assert before.keys() == after.keys()
    assert all(before[function] != after[function] for function in before)


def test_only_the_function_with_a_changed_configuration_gets_a_version(tmp_path: Path) -> None:
    before = versions(rendered(tmp_path))
    after = versions(rendered(tmp_path, FULL.replace("timeout = 600", "timeout = 601")))
    assert {function for function in before if before[function] != after[function]} == {"ManagementFunction"}


def test_a_version_is_published_when_a_secret_environment_changes(tmp_path: Path) -> None:
    found = project(tmp_path)
    one = render(inputs(found, environment={"DATABASE_URL": "one"}))
    two = render(inputs(found, environment={"DATABASE_URL": "two"}))
    assert versions(one.body)["WebFunction"] != versions(two.body)["WebFunction"]


def test_no_version_is_published_when_only_the_role_changes(tmp_path: Path) -> None:
    changed = FULL.replace('extra_resources = ["arn:aws:kms:eu-central-1:123456789012:key/0000"]', "")
    assert versions(rendered(tmp_path)) == versions(rendered(tmp_path, changed))


def test_the_targets_environment_is_carried_by_parameters_that_nothing_shows(tmp_path: Path) -> None:
    template = render(inputs(project(tmp_path), environment={"DATABASE_URL": PASSWORD, "B": "2"}))
    assert PASSWORD not in template.to_json()
    assert PASSWORD not in repr(template)
    assert environment(template.body)["DATABASE_URL"] == {"Ref": "Environment2"}
    assert template.parameters == {"Environment1": "2", "Environment2": PASSWORD}
    assert all(item == {"Type": "String", "NoEcho": True} for item in template.body["Parameters"].values())


def test_a_value_of_any_form_is_data(tmp_path: Path) -> None:
    body = rendered(tmp_path)
    apart, pieces = environment(body)["GREETING"]["Fn::Join"]
    assert apart.join(pieces) == 'it\'s "${AWS::AccountId}", <&>: é'
    assert json.loads(render(inputs(project(tmp_path))).to_json()) == body


def test_hosts_of_all_handlers_are_joined_and_known_without_a_call(tmp_path: Path) -> None:
    found = environment(rendered(tmp_path))
    suffix = "execute-api.${AWS::Region}.${AWS::URLSuffix}"
    assert found["POCKET_HOSTS"] == {"Fn::Sub": f"${{WebApi}}.{suffix},${{AdminSiteApi}}.{suffix}"}
    assert found["POCKET_WEB_HOST"] == {"Fn::Sub": f"${{WebApi}}.{suffix}"}
    assert found["POCKET_ADMIN_SITE_ENDPOINT"] == {"Fn::Sub": f"https://${{AdminSiteApi}}.{suffix}"}
    assert found["POCKET_SQSMANAGEMENT_QUEUEURL"] == {"Ref": "SqsmanagementQueue"}
    assert found["POCKET_STAGE"] == "dev"
    assert found["POCKET_PROJECT_NAME"] == "full"
    assert found["POCKET_REGION"] == "eu-central-1"
    assert found["DJANGO_SETTINGS_MODULE"] == "full.settings"


def test_every_function_has_the_same_environment(tmp_path: Path) -> None:
    body = rendered(tmp_path)
    found = [item["Properties"]["Environment"] for item in of_type(body, "AWS::Lambda::Function").values()]
    assert all(item == found[0] for item in found)


def test_a_function_url_is_left_out_until_its_host_is_known(tmp_path: Path) -> None:
    found = project(tmp_path)
    before = environment(render(inputs(found)).body)
    assert "POCKET_API_HOST" not in before
    after = environment(render(inputs(found, url_hosts={"api": "x.lambda-url.eu-central-1.on.aws"})).body)
    assert after["POCKET_API_HOST"] == "x.lambda-url.eu-central-1.on.aws"
    assert after["POCKET_API_ENDPOINT"] == "https://x.lambda-url.eu-central-1.on.aws"
    assert after["POCKET_HOSTS"]["Fn::Sub"].endswith(",x.lambda-url.eu-central-1.on.aws")


def test_a_stage_without_addresses_has_an_empty_list_of_hosts(tmp_path: Path) -> None:
    plain = FULL.replace("apigateway = {}", "").replace("function_url = {}", "")
    found = environment(rendered(tmp_path, plain))
    assert found["POCKET_HOSTS"] == ""
    assert not [key for key in found if key.endswith(("_HOST", "_ENDPOINT"))]


def test_the_targets_address_takes_the_place_of_awss(tmp_path: Path) -> None:
    places = {"web": "http://localhost:8001", "api": "http://localhost:8002/"}
    body = rendered(tmp_path, addresses=places)
    found = environment(body)
    assert found["POCKET_WEB_HOST"] == "localhost:8001"
    assert found["POCKET_API_ENDPOINT"] == "http://localhost:8002"
    assert body["Outputs"]["WebEndpoint"] == {"Value": "http://localhost:8001"}
    assert body["Outputs"]["WebApiId"] == {"Value": {"Ref": "WebApi"}}


def test_an_environment_over_lambdas_limit_is_refused_with_the_largest_values(tmp_path: Path) -> None:
    with pytest.raises(
        PlanRefused, match=r"Lambda allows 4096\. The largest variables: LETTER \(3506 bytes\)"
    ) as caught:
        rendered(tmp_path, environment={"LETTER": PASSWORD + "x" * 3488})
    assert PASSWORD not in str(caught.value)


def test_no_command_is_run_again_by_lambda(tmp_path: Path) -> None:
    body = rendered(tmp_path)
    (found,) = of_type(body, "AWS::Lambda::EventInvokeConfig").values()
    assert found["Properties"] == {
        "FunctionName": {"Ref": "ManagementFunction"},
        "Qualifier": "live",
        "MaximumRetryAttempts": 0,
        "MaximumEventAgeInSeconds": 21600,
        "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["ManagementFailedEvents", "Arn"]}}},
    }


def test_a_handler_for_commands_without_a_schedule_keeps_no_events(tmp_path: Path) -> None:
    table = f'[awscontainer.handlers.manage]\ncommand = "{naming.MANAGEMENT_HANDLER}"\n'
    body = rendered(tmp_path, HEADER + table)
    (found,) = of_type(body, "AWS::Lambda::EventInvokeConfig").values()
    assert found["Properties"]["MaximumRetryAttempts"] == 0
    assert "DestinationConfig" not in found["Properties"]
    assert not of_type(body, "AWS::SQS::Queue")


def test_a_callable_is_run_by_the_event_handler_and_an_application_with_an_address_is_not(tmp_path: Path) -> None:
    tables = [f'[awscontainer.handlers.{name}]\ncommand = "app.run"\n' for name in ("job", "site")]
    resources = rendered(tmp_path, HEADER + tables[0] + tables[1] + "apigateway = {}\n")["Resources"]
    job, site = (resources[name]["Properties"] for name in ("JobFunction", "SiteFunction"))
    assert (job["Handler"], site["Handler"]) == (naming.EVENT_HANDLER, "app.run")
    assert job["Environment"]["Variables"][naming.CALLABLE_KEY] == "app.run"
    assert naming.CALLABLE_KEY not in site["Environment"]["Variables"]


def test_each_event_calls_the_alias_and_may_do_so(tmp_path: Path) -> None:
    resources = rendered(tmp_path, EVENTS)["Resources"]
    alias = {"Ref": "ThumbnailsAlias"}
    subscription, rule, mapping = (resources[f"ThumbnailsEvent{number}"]["Properties"] for number in (2, 3, 5))
    assert (subscription["Endpoint"], subscription["Region"]) == (alias, "us-east-1")
    assert (rule["Targets"], rule["EventBusName"]) == ([{"Id": "live", "Arn": alias}], "shop")
    assert (mapping["FunctionName"], mapping["BatchSize"], mapping["StartingPosition"]) == (alias, 100, "LATEST")
    permissions = {
        item["Properties"]["Principal"]: item["Properties"]
        for name, item in resources.items()
        if name.startswith("Thumbnails") and item["Type"] == "AWS::Lambda::Permission"
    }
    assert {item["FunctionName"]["Ref"] for item in permissions.values()} == {"ThumbnailsAlias"}
    assert permissions["s3.amazonaws.com"]["SourceArn"]["Fn::Sub"].endswith(":s3:::pocket-dev-full")
    assert permissions["s3.amazonaws.com"]["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert permissions["sns.amazonaws.com"]["SourceArn"].endswith(":orders")
    assert permissions["events.amazonaws.com"]["SourceArn"] == {"Fn::GetAtt": ["ThumbnailsEvent4", "Arn"]}


def test_failed_events_are_repeated_as_configured_and_kept(tmp_path: Path) -> None:
    resources = rendered(tmp_path, EVENTS)["Resources"]
    kept = {"Fn::GetAtt": ["ThumbnailsFailedEvents", "Arn"]}
    found = resources["ThumbnailsAsyncInvocations"]["Properties"]
    assert (found["MaximumRetryAttempts"], found["MaximumEventAgeInSeconds"]) == (1, 3600)
    assert found["DestinationConfig"]["OnFailure"]["Destination"] == kept
    assert resources["ThumbnailsEvent5"]["Properties"]["DestinationConfig"]["OnFailure"]["Destination"] == kept
    assert resources["ThumbnailsSchedule1"]["Properties"]["Target"]["DeadLetterConfig"] == {"Arn": kept}
    assert resources["ThumbnailsFailedEvents"]["Properties"]["QueueName"] == "pocket-dev-full-thumbnails-failed-events"


def test_lambda_ends_a_loop_unless_the_file_allows_it(tmp_path: Path) -> None:
    allowed = EVENTS.replace('suffix = ".jpg"', "allow_recursion = true")
    found = [rendered(tmp_path, text)["Resources"] for text in (EVENTS, allowed)]
    assert [item["ThumbnailsFunction"]["Properties"]["RecursiveLoop"] for item in found] == ["Terminate", "Allow"]
    assert "RecursiveLoop" not in found[0]["WebFunction"]["Properties"]


def test_a_schedule_of_a_callable_sends_its_input_at_the_time_of_its_zone(tmp_path: Path) -> None:
    found = rendered(tmp_path, EVENTS)["Resources"]["ThumbnailsSchedule1"]["Properties"]
    assert json.loads(found["Target"]["Input"]) == {"kind": "weekly"}
    assert (found["ScheduleExpressionTimezone"], found["State"]) == ("Asia/Tokyo", "DISABLED")
    without = rendered(tmp_path, EVENTS.replace('input = { kind = "weekly" }, ', ""))["Resources"]
    assert "Input" not in without["ThumbnailsSchedule1"]["Properties"]["Target"]


def test_a_schedule_sends_the_body_of_a_management_command(tmp_path: Path) -> None:
    found = rendered(tmp_path)["Resources"]["ManagementSchedule2"]["Properties"]
    assert found["ScheduleExpression"] == "cron(0 3 * * ? *)"
    assert json.loads(found["Target"]["Input"]) == {
        "command": "archive",
        "args": ["--title", "two words", "--older-than", "90"],
        "kwargs": {},
    }


def test_a_queue_hides_messages_for_six_timeouts_and_delivers_more_often_than_a_job_is_tried(tmp_path: Path) -> None:
    resources = rendered(tmp_path)["Resources"]
    queue = resources["SqsmanagementQueue"]["Properties"]
    assert queue["VisibilityTimeout"] == 300
    assert queue["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": ["SqsmanagementDeadLetters", "Arn"]},
        "maxReceiveCount": 5 + 1 + 3 + 4,
    }
    consumer = resources["SqsmanagementConsumer"]["Properties"]
    assert consumer["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert consumer["BatchSize"] == 5


def test_a_fifo_queue_has_a_fifo_queue_for_its_dead_letters(tmp_path: Path) -> None:
    resources = rendered(tmp_path)["Resources"]
    for name in ("OrderedFifoQueue", "OrderedFifoDeadLetters"):
        assert resources[name]["Properties"]["FifoQueue"] is True
        assert resources[name]["Properties"]["QueueName"].endswith(".fifo")
    assert "FunctionResponseTypes" not in resources["OrderedConsumer"]["Properties"]


def test_a_function_url_has_both_permissions_that_aws_requires(tmp_path: Path) -> None:
    found = [item["Properties"] for item in of_type(rendered(tmp_path), "AWS::Lambda::Permission").values()]
    of_url = [item for item in found if item["Principal"] == "*"]
    assert {"FunctionUrlAuthType": "NONE", "Action": "lambda:InvokeFunctionUrl"}.items() <= of_url[0].items()
    assert {"InvokedViaFunctionUrl": True, "Action": "lambda:InvokeFunction"}.items() <= of_url[1].items()


def test_snapstart_is_on_where_it_is_declared(tmp_path: Path) -> None:
    assert "SnapStart" not in rendered(tmp_path)["Resources"]["WebFunction"]["Properties"]
    newer = FULL.replace(f'python_version = "{PYTHON}"', 'python_version = "3.13"\nsnapstart = true')
    wanted = rendered(tmp_path, newer)
    assert wanted["Resources"]["WebFunction"]["Properties"]["SnapStart"] == {"ApplyOn": "PublishedVersions"}


WORDS = st.sampled_from(["web", "api", "url", "queue", "function", "stage", "schedule", "version", "role", "1"])
NAMES = st.lists(WORDS, min_size=1, max_size=3).map("-".join).filter(lambda name: name[0].isalpha())


FRONTS = {
    "api": 'command = "app.run"\napigateway = {}\n',
    "url": 'command = "app.run"\nfunction_url = {}\n',
    "queue": 'command = "app.run"\nsqs = {}\n',
    "events": (
        'command = "app.run"\n'
        "events = [{ sns = { topic = 'arn:aws:sns:us-east-1:123456789012:a' } },"
        " { eventbridge = { pattern = { id = ['1'] } } }]\n"
    ),
    "clock": (
        f'command = "{naming.MANAGEMENT_HANDLER}"\n'
        'schedule = [{ expression = "rate(1 day)", manage = "a" }, { expression = "rate(2 days)", manage = "b" }]\n'
    ),
}
HANDLERS = st.dictionaries(NAMES, st.sampled_from(sorted(FRONTS)), min_size=2, max_size=5)


@settings(max_examples=30, deadline=None)
@given(HANDLERS.filter(lambda found: len({naming.logical_id(name) for name in found}) == len(found)))
def test_no_two_handlers_share_a_resource(found: dict[str, str]) -> None:
    tables = [f"[awscontainer.handlers.{name}]\n{FRONTS[front]}" for name, front in found.items()]
    with tempfile.TemporaryDirectory() as folder:
        together = rendered(Path(folder), HEADER + "".join(tables))
        alone = [rendered(Path(folder), HEADER + table) for table in tables]
    assert len(together["Resources"]) == sum(len(body["Resources"]) for body in alone)


def test_a_queue_and_its_dead_letters_refuse_requests_without_tls(tmp_path: Path) -> None:
    body = rendered(tmp_path)
    policies = of_type(body, "AWS::SQS::QueuePolicy").values()
    held = {queue["Ref"] for item in policies for queue in item["Properties"]["Queues"]}
    assert held == of_type(body, "AWS::SQS::Queue").keys()
    for item in policies:
        [statement] = item["Properties"]["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "sqs:*")
        assert statement["Resource"] == [{"Fn::GetAtt": [item["Properties"]["Queues"][0]["Ref"], "Arn"]}]
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_an_api_writes_an_access_log_and_throttles_only_where_it_is_declared(tmp_path: Path) -> None:
    plain = of_type(rendered(tmp_path), "AWS::ApiGatewayV2::Stage")["WebApiStage"]
    assert plain["Properties"].keys() == {"ApiId", "StageName", "AutoDeploy"}
    keys = "apigateway = { access_log = true, throttling = { rate_limit = 50, burst_limit = 100 } }"
    body = rendered(tmp_path, FULL.replace("apigateway = {}", keys, 1))
    stage = body["Resources"]["WebApiStage"]
    assert stage["Properties"]["DefaultRouteSettings"] == {"ThrottlingRateLimit": 50, "ThrottlingBurstLimit": 100}
    group = body["Resources"][stage["DependsOn"]]["Properties"]
    assert group == {"LogGroupName": "/aws/vendedlogs/apis/pocket-dev-full-web", "RetentionInDays": 30}
    settings_ = stage["Properties"]["AccessLogSettings"]
    assert settings_["DestinationArn"]["Fn::Sub"].endswith(f":log-group:{group['LogGroupName']}")
    line = json.loads(settings_["Format"])
    assert line["path"] == "$context.path"
    assert not any("query" in value.lower() for value in line.values()), "a query may hold a secret"
    assert "AdminSiteApiLogs" not in body["Resources"], "the other API says nothing of the kind"
