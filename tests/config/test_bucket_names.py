"""S3's rules for bucket names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.config.bucket_names import issue_with_bucket_name


@pytest.mark.parametrize("name", ["abc", "a" * 63, "pocket-dev-board", "my.bucket.example", "1-a", "a--b", "192.168.5"])
def test_names_that_s3_allows(name: str) -> None:
    assert issue_with_bucket_name(name) == ""


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("ab", "3 to 63"),
        ("a" * 64, "3 to 63"),
        ("Board", "lowercase"),
        ("my_bucket", "lowercase"),
        ("bücket", "lowercase"),
        ("abc\n", "lowercase"),
        ("-abc", "both ends"),
        ("abc-", "both ends"),
        (".abc", "both ends"),
        ("a..b", "two dots"),
        ("192.168.5.4", "IP address"),
        ("xn--abc", "xn--"),
        ("sthree-abc", "sthree-"),
        ("amzn-s3-demo-abc", "amzn-s3-demo-"),
        ("abc-s3alias", "-s3alias"),
        ("abc--ol-s3", "--ol-s3"),
        ("abc.mrap", ".mrap"),
        ("abc--x-s3", "--x-s3"),
        ("abc--table-s3", "--table-s3"),
    ],
)
def test_names_that_s3_does_not_allow_have_a_reason(name: str, word: str) -> None:
    assert word in issue_with_bucket_name(name)


@given(st.from_regex(r"[a-r][a-r0-9]{1,61}[a-r0-9]", fullmatch=True))
def test_any_lowercase_name_of_a_valid_length_is_valid(name: str) -> None:
    assert issue_with_bucket_name(name) == ""
