"""What IAM on the local AWS takes a request to be about."""

from __future__ import annotations

import pytest

from pocket.local.launcher.authorization import in_group

DEFAULT = "arn:aws:scheduler:eu-west-1:1:schedule/default/a"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"GroupName": "g"}', DEFAULT.replace("default", "g")),
        (b'{"GroupName": 1}', DEFAULT),
        (b"{}", DEFAULT),
        (b"", DEFAULT),
        (b"[]", DEFAULT),
        (b"{", DEFAULT),
    ],
)
def test_a_schedule_is_in_the_group_that_the_request_names(body: bytes, expected: str) -> None:
    assert in_group(DEFAULT, body) == expected
