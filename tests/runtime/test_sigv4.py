"""Signatures, compared with botocore's."""

from __future__ import annotations

import time

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from pocket.runtime.credentials import Credentials
from pocket.runtime.sigv4 import signed_headers

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60)
HEADER_NAMES = st.from_regex(r"X-[A-Za-z][A-Za-z0-9-]{0,12}[a-z]", fullmatch=True).filter(
    lambda name: name.lower() not in {"x-amz-date", "x-amz-security-token", "x-amzn-trace-id"}
)
SEGMENTS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="/?#."), max_size=12)


@given(
    headers=st.dictionaries(HEADER_NAMES, PRINTABLE, max_size=4).filter(
        lambda found: len({name.lower() for name in found}) == len(found)
    ),
    body=st.binary(max_size=300),
    segments=st.lists(SEGMENTS.filter(bool), max_size=3),
    service=st.sampled_from(["secretsmanager", "ssm", "sqs", "cloudformation"]),
    region=st.sampled_from(["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1"]),
    key=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=16, max_size=20),
    secret=PRINTABLE.filter(bool),
    token=st.none() | PRINTABLE.filter(lambda text: bool(text.strip())),
    now=st.integers(0, 4_000_000_000),
)
def test_signature_is_equal_to_botocores(  # noqa: PLR0917 - hypothesis passes names
    headers: dict[str, str],
    body: bytes,
    segments: list[str],
    service: str,
    region: str,
    key: str,
    secret: str,
    token: str | None,
    now: int,
) -> None:
    path = "/" + "/".join(segments)
    all_headers = {"Host": "service.example.com", **headers}
    mine = signed_headers(
        all_headers,
        body,
        service=service,
        region=region,
        credentials=Credentials(key, secret, token),
        now=now,
        path=path,
    )

    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    request = AWSRequest("POST", f"https://service.example.com{path}", headers=dict(all_headers), data=body)
    request.headers["X-Amz-Date"] = stamp
    if token:
        request.headers["X-Amz-Security-Token"] = token
    request.context["timestamp"] = stamp
    signer = SigV4Auth(BotocoreCredentials(key, secret, token), service, region)
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)

    assert mine["Authorization"].rpartition("Signature=")[2] == signature
    assert mine["X-Amz-Date"] == stamp


def test_session_token_is_sent_and_signed() -> None:
    headers = signed_headers(
        {"Host": "h"}, b"", service="sqs", region="r", credentials=Credentials("k", "s", "token"), now=0
    )
    assert headers["X-Amz-Security-Token"] == "token"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token" in headers["Authorization"]


def test_repr_of_credentials_has_no_secrets() -> None:
    assert "s3cr3t" not in repr(Credentials("key", "s3cr3t", "s3cr3t"))
