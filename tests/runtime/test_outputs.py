"""Stack outputs."""

from __future__ import annotations

import pytest
from aws_double import REGION, AWSDouble

from pocket.errors import AWSCallFailed
from pocket.runtime import outputs


def test_outputs_are_read_from_the_stack(aws: AWSDouble) -> None:
    aws.outputs = {"WebHost": "a.example.com", "WebEndpoint": "https://a.example.com"}
    assert outputs.read("pocket-dev-board", REGION) == aws.outputs
    assert aws.calls == [("DescribeStacks", {"StackName": "pocket-dev-board"})]


def test_escaped_characters_are_decoded(aws: AWSDouble) -> None:
    aws.outputs = {"WebEndpoint": "https://a.example.com/?x=1&amp;y=&lt;"}
    assert outputs.read("s", REGION) == {"WebEndpoint": "https://a.example.com/?x=1&y=<"}


def test_stack_without_outputs(aws: AWSDouble) -> None:
    assert outputs.read("s", REGION) == {}


@pytest.mark.parametrize(
    "answer",
    [
        b"not xml",
        b"<unclosed>",
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
    ],
)
def test_invalid_xml_is_refused(answer: bytes) -> None:
    with pytest.raises(AWSCallFailed) as caught:
        outputs.parse(answer)
    assert caught.value.code == "UnreadableAnswer"
