"""References to the user's own secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.config.secret_references import Reference, issue_with_reference

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:board/db-AbCdEf"
PARAMETER = "arn:aws:ssm:eu-west-1:123456789012:parameter/board/db"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("board/db", Reference("board/db", None, None, None)),
        ("/board/db#url", Reference("/board/db", "url", None, None)),
        ("a@b+c=d.e_f-g", Reference("a@b+c=d.e_f-g", None, None, None)),
        (SECRET, Reference(SECRET, None, "secretsmanager", "eu-west-1")),
        (f"{SECRET}#a b#c", Reference(SECRET, "a b#c", "secretsmanager", "eu-west-1")),
        (PARAMETER, Reference(PARAMETER, None, "ssm", "eu-west-1")),
    ],
)
def test_valid_references_are_parsed(text: str, reference: Reference) -> None:
    assert issue_with_reference(text) == ""
    assert Reference.parse(text) == reference


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#key",
        "name#",
        "name#a\nb",
        "two words",
        "a:b",
        "x" * 513,
        "arn:",
        "arn:aws:s3:::bucket",
        "arn:aws:s3:eu-west-1:123456789012:secret:x",
        "arn:aws:secretsmanager:eu-west-1:1234:secret:x",
        "arn:aws:secretsmanager:eu-west-1:123456789012:parameter/x",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret/x",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x y",
        "arn:aws:ssm:eu-west-1:123456789012:secret:x",
        "arn:aws:ssm:eu-west-1:123456789012:parameter:x",
        "arn:aws:ssm::123456789012:parameter/x",
    ],
)
def test_only_names_and_arns_are_valid(text: str) -> None:
    assert issue_with_reference(text)


@given(st.text())
def test_no_text_breaks_the_check_and_an_issue_never_repeats_it(text: str) -> None:
    issue = issue_with_reference(f"{text}\x00secret")
    assert "\x00secret" not in issue
    assert issue
