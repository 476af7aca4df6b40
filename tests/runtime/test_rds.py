"""Tokens for RDS, compared with botocore's, and the roots that verify its servers."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from unittest import mock
from urllib.parse import parse_qs

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.runtime import rds
from pocket.runtime.credentials import Credentials

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=40)
HOST = "board.cluster-abc.eu-west-1.rds.amazonaws.com"


@settings(max_examples=25)  # each makes a client of boto3
@given(
    user=PRINTABLE,
    port=st.integers(1, 65535),
    region=st.sampled_from(["us-east-1", "eu-west-1", "cn-north-1"]),
    key=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=16, max_size=20),
    secret=PRINTABLE,
    token=st.none() | PRINTABLE.filter(lambda text: text.strip() == text),
    now=st.integers(0, 4_000_000_000),
)
def test_a_token_is_equal_to_botocores(  # noqa: PLR0917 - hypothesis passes names
    user: str, port: int, region: str, key: str, secret: str, token: str | None, now: int
) -> None:
    mine = rds.token(HOST, port, user, region=region, now=now, signer=Credentials(key, secret, token))
    client = boto3.client(
        "rds", region_name=region, aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token
    )
    moment = datetime.fromtimestamp(now, UTC)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment.replace(tzinfo=None)):
        theirs = client.generate_db_auth_token(DBHostname=HOST, Port=port, DBUsername=user)
    place, _, query = mine.partition("/?")
    assert place == f"{HOST}:{port}"
    assert (place, parse_qs(query)) == (theirs.partition("/?")[0], parse_qs(theirs.partition("/?")[2]))


def test_the_region_is_that_of_the_host_else_of_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_REGION", "us-west-2")
    assert rds.region_of(HOST) == "eu-west-1"
    assert rds.region_of("db.example.com") == "us-west-2"


def test_the_roots_are_certificates_that_are_valid_for_years() -> None:
    regions = ["eu-west-1", "us-east-1", "ap-northeast-1"]
    for host in [HOST.replace("eu-west-1", region) for region in regions]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(rds.roots(host))
        found = context.get_ca_certs()
        assert len(found) == 8, "three of RDS, five of Amazon"
        for certificate in found:
            assert certificate["subject"] == certificate["issuer"], "a root"
            assert ssl.cert_time_to_seconds(str(certificate["notAfter"])) > datetime(2036, 1, 1, tzinfo=UTC).timestamp()
    assert rds.roots(HOST) == rds.roots(HOST), "made once"
    elsewhere = ssl.create_default_context(cafile=rds.roots("x.xx-nowhere-9.rds.amazonaws.com"))
    assert elsewhere.cert_store_stats()["x509_ca"] == 5
