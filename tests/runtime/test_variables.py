"""The variables that are set, and their values."""

from __future__ import annotations

import os
import time

import pytest
from aws_double import AWSDouble
from hypothesis import given
from hypothesis import strategies as st

from pocket.errors import AWSCallFailed, SecretUnavailable
from pocket.manifest import Handler, Manifest, SecretVariable, Stage
from pocket.runtime import aws as calls
from pocket.runtime import variables

HANDLERS = {
    "web": Handler("pocket.django.lambda_handlers.wsgi_handler", 30, address=True),
    "api-v2": Handler("pocket.django.lambda_handlers.asgi_handler", 30, address=True),
    "sqsmanagement": Handler("pocket.django.lambda_handlers.sqs_management_command_handler", 900, queue=True),
}


def project(**stage: object) -> tuple[Manifest, Stage]:
    found = Stage(stack_name="pocket-dev-board", handlers=HANDLERS, **stage)  # type: ignore[arg-type]
    return Manifest("board", "eu-west-1", "0", {"dev": found}), found


def set_with(environ: dict[str, str], outputs: dict[str, str] | None = None) -> dict[str, str]:
    manifest, stage = project()
    return variables.compute(manifest, stage, environ, secrets={}, outputs=outputs or {})


INJECTED = {
    "POCKET_HOSTS": "a.example.com,localhost:8001",
    "POCKET_WEB_HOST": "a.example.com",
    "POCKET_WEB_ENDPOINT": "https://a.example.com",
    "POCKET_API_V2_HOST": "localhost:8001",
    "POCKET_API_V2_ENDPOINT": "http://localhost:8001",
    "POCKET_SQSMANAGEMENT_QUEUEURL": "https://sqs.eu-west-1.amazonaws.com/1/q",
}


def test_hosts_in_the_environment_are_allowed_and_trusted() -> None:
    assert set_with(INJECTED) == {
        "POCKET_PROJECT_NAME": "board",
        "POCKET_REGION": "eu-west-1",
        "POCKET_HOSTS": "a.example.com,localhost:8001",
        "ALLOWED_HOSTS": "a.example.com,localhost",
        "CSRF_TRUSTED_ORIGINS": "https://a.example.com,http://localhost:8001",
    }


def test_outputs_give_variables_that_are_not_set() -> None:
    outputs = {
        "WebHost": "a.example.com",
        "WebEndpoint": "https://a.example.com",
        "ApiV2Host": "b.example.com",
        "ApiV2Endpoint": "https://b.example.com",
        "SqsmanagementQueueUrl": "https://sqs.eu-west-1.amazonaws.com/1/q",
    }
    found = set_with({}, outputs)
    assert found["POCKET_WEB_HOST"] == "a.example.com"
    assert found["POCKET_API_V2_ENDPOINT"] == "https://b.example.com"
    assert found["POCKET_SQSMANAGEMENT_QUEUEURL"].endswith("/q")
    assert found["POCKET_HOSTS"] == "a.example.com,b.example.com"
    assert found["ALLOWED_HOSTS"] == "a.example.com,b.example.com"


def test_existing_entries_of_lists_are_kept_once() -> None:
    found = set_with(
        {**INJECTED, "ALLOWED_HOSTS": "my.example.com, a.example.com", "CSRF_TRUSTED_ORIGINS": "https://x"}
    )
    assert found["ALLOWED_HOSTS"] == "my.example.com,a.example.com,localhost"
    assert found["CSRF_TRUSTED_ORIGINS"] == "https://x,https://a.example.com,http://localhost:8001"


def test_stage_without_hosts_does_not_change_lists() -> None:
    found = set_with({"POCKET_HOSTS": "", "ALLOWED_HOSTS": "x"})
    assert "ALLOWED_HOSTS" not in found
    assert "CSRF_TRUSTED_ORIGINS" not in found


@given(st.lists(st.from_regex(r"[a-z]{1,5}\.example(:[0-9]{2,4})?", fullmatch=True), max_size=6))
def test_registering_twice_changes_nothing(hosts: list[str]) -> None:
    environ = {**INJECTED, "ALLOWED_HOSTS": ",".join(hosts)}
    once = {**environ, **set_with(environ)}
    assert {**once, **set_with(once)} == once


@pytest.mark.parametrize(
    ("host", "name"),
    [("a.example", "a.example"), ("a.example:80", "a.example"), ("[::1]:8000", "[::1]"), ("[::1]", "[::1]")],
)
def test_allowed_host_has_no_port(host: str, name: str) -> None:
    assert variables.without_port(host) == name


def test_project_name_and_region_of_the_stage_are_used() -> None:
    manifest, stage = project(project_name="other", region="us-east-1")
    found = variables.compute(manifest, stage, {}, secrets={}, outputs={})
    assert (found["POCKET_PROJECT_NAME"], found["POCKET_REGION"]) == ("other", "us-east-1")


def test_hosts_variable_avoids_the_describe_call_even_if_empty(aws: AWSDouble) -> None:
    manifest, stage = project()
    assert not variables.needs_calls(stage, {"POCKET_HOSTS": ""})
    variables.fetch(manifest, stage, {"POCKET_HOSTS": ""})
    assert aws.calls == []


def test_stack_is_read_without_the_hosts_variable(aws: AWSDouble) -> None:
    aws.outputs = {"WebHost": "a.example.com"}
    manifest, stage = project()
    assert variables.fetch(manifest, stage, {}).outputs == {"WebHost": "a.example.com"}


def test_error_of_the_stack_has_the_unset_variables(aws: AWSDouble) -> None:
    aws.failures.append((400, "ValidationError"))
    manifest, stage = project()
    with pytest.raises(AWSCallFailed) as caught:
        variables.fetch(manifest, stage, {"POCKET_WEB_HOST": "injected"})
    names = [name for name in INJECTED if name not in {"POCKET_HOSTS", "POCKET_WEB_HOST"}]
    assert f"not set: {', '.join(names)}" in caught.value.message
    assert "pocket-dev-board" in caught.value.message


def test_all_calls_share_one_deadline(aws: AWSDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "DEADLINE", 0.6)
    aws.latency = 0.4
    manifest, stage = project(secrets=(SecretVariable("KEY", "secretsmanager", "mine"),))
    started = time.monotonic()
    with pytest.raises(SecretUnavailable) as caught:
        variables.fetch(manifest, stage, {})
    assert time.monotonic() - started < 0.4 + 0.6
    assert caught.value.code == "NoAnswer"


def test_injected_has_no_credentials() -> None:
    environ = {**INJECTED, "AWS_SECRET_ACCESS_KEY": "swordfish", "SECRET_KEY": "swordfish"}
    assert variables.injected(environ) == INJECTED


def test_stage_without_address_and_queue_makes_no_call(aws: AWSDouble) -> None:
    stage = Stage(stack_name="s", handlers={"jobs": Handler("x", 30)})
    variables.fetch(Manifest("board", "eu-west-1", "0", {"dev": stage}), stage, {})
    assert aws.calls == []


@pytest.mark.parametrize("value", ["nul \0 swordfish", "lone \ud800 swordfish"])
def test_invalid_value_sets_nothing(value: str) -> None:
    before = dict(os.environ)
    with pytest.raises(SecretUnavailable) as caught:
        variables.apply({"POCKET_TEST_FINE": "x", "POCKET_TEST_UNFIT": value})
    assert dict(os.environ) == before
    assert caught.value.names == ("POCKET_TEST_UNFIT",)
    assert "swordfish" not in str(caught.value)


def test_placeholders_make_no_call() -> None:
    _, stage = project(secrets=(SecretVariable("SECRET_KEY", "secretsmanager", "s"),))
    assert not variables.needs_calls(stage, {"POCKET_PLACEHOLDER_SECRETS": "1"})
