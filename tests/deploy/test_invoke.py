"""Invocations of functions that Lambda has not prepared yet, by botocore's own client without a network."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from pocket.deploy.aws import invoke
from pocket.deploy.aws.session import Clients
from pocket.deploy.target import Credentials, Target
from pocket.errors import AWSCallFailed

EVENT = {"command": "job"}
SENT = {"FunctionName": "web", "Qualifier": "live", "Payload": json.dumps(EVENT), "LogType": "Tail"}


@pytest.fixture
def client(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(invoke, "PAUSE", 0.0)
    return Clients(Target("eu-central-1", credentials=Credentials("AKIDEXAMPLE", "secret"))).invoker(5)


@pytest.fixture
def lambda_service(client: Any) -> Iterator[Stubber]:
    with Stubber(client._wrapped) as answers:
        yield answers
        answers.assert_no_pending_responses()


def test_lambda_has_each_refusal_that_is_waited_for(client: Any) -> None:
    known = {shape.name for shape in client.meta.service_model.operation_model("Invoke").error_shapes}
    assert known >= invoke._NOT_READY


def test_a_function_that_lambda_still_prepares_is_invoked_once_it_is_ready(
    client: Any, lambda_service: Stubber
) -> None:
    for code in sorted(invoke._NOT_READY):
        lambda_service.add_client_error("invoke", code, expected_params=SENT)
    payload = StreamingBody(io.BytesIO(b"1"), 1)
    lambda_service.add_response("invoke", {"StatusCode": 200, "Payload": payload}, SENT)
    assert invoke.once_ready(client, "web", "live", EVENT)["Payload"].read() == b"1"


def test_the_wait_has_an_end_and_other_refusals_are_not_waited_for(
    client: Any, lambda_service: Stubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    lambda_service.add_client_error("invoke", "SubnetIPAddressLimitReachedException")
    with pytest.raises(AWSCallFailed, match="SubnetIPAddressLimitReachedException"):
        invoke.once_ready(client, "web", "live", EVENT)
    monkeypatch.setattr(invoke, "READY_AFTER", -1.0)
    lambda_service.add_client_error("invoke", "SnapStartNotReadyException")
    with pytest.raises(AWSCallFailed, match="SnapStartNotReadyException") as caught:
        invoke.once_ready(client, "web", "live", EVENT)
    assert caught.value.hint == "AWS is still preparing or changing it; wait some minutes and try again."


def test_no_invocation_begins_after_a_stop_and_none_is_said_to_run_meanwhile(
    client: Any, lambda_service: Stubber
) -> None:
    begun, stop = Event(), Event()
    stop.set()
    lambda_service.add_client_error("invoke", "SnapStartNotReadyException")
    with pytest.raises(AWSCallFailed, match="SnapStartNotReadyException"):
        invoke.once_ready(client, "web", "live", EVENT, begun=begun, stop=stop)
    assert not begun.is_set()
    lambda_service.add_client_error("invoke", "ReadTimeoutError")
    with pytest.raises(AWSCallFailed):
        invoke.once_ready(client, "web", "live", EVENT, begun=begun)
    assert begun.is_set()
