"""Signed addresses and cookies, made by botocore's signer and by hand, as CloudFront accepts them."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from pocket.local.launcher.signatures import DENIED, MISSING, refusal

ADDRESS = "http://localhost:8001/media/a%20b.png"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def keys(key: rsa.RSAPrivateKey) -> dict[str, str]:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return {"K1": key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()}


@pytest.fixture(scope="module")
def signer(key: rsa.RSAPrivateKey) -> CloudFrontSigner:
    # CloudFront signs with SHA-1.
    return CloudFrontSigner("K1", lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA1()))


def in_an_hour() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def asked(url: str, keys: dict[str, str], **cookies: str) -> str:
    parts = urlsplit(url)
    return refusal(f"{parts.scheme}://{parts.netloc}{parts.path}", parts.query, cookies, keys)


@pytest.mark.parametrize("query", ["", "?v=1", "?v=1&w=%20"])
def test_a_signed_address_opens_what_it_names(signer: CloudFrontSigner, keys: dict[str, str], query: str) -> None:
    url = signer.generate_presigned_url(ADDRESS + query, date_less_than=in_an_hour())
    assert asked(url, keys) == ""
    assert DENIED[0] in asked(url.replace("/media/", "/media/other/"), keys)
    assert DENIED[0] in asked(url.replace("Expires=1", "Expires=2"), keys)
    assert DENIED[0] in asked(url.replace("localhost", "127.0.0.1"), keys)
    assert DENIED[0] in asked(url, {"K2": keys["K1"]}), "a key that is not trusted"


def test_nothing_opens_without_a_signature_or_after_its_time(signer: CloudFrontSigner, keys: dict[str, str]) -> None:
    assert MISSING[0] in asked(ADDRESS, keys)
    expired = signer.generate_presigned_url(ADDRESS, date_less_than=datetime.now(UTC) - timedelta(seconds=1))
    assert DENIED[0] in asked(expired, keys)


@pytest.mark.parametrize(
    "query", ["Key-Pair-Id=K1", "Key-Pair-Id=K1&Signature=%00&Expires=x", "Policy=!&Key-Pair-Id=K1"]
)
def test_what_is_no_signature_is_denied(keys: dict[str, str], query: str) -> None:
    assert DENIED[0] in asked(f"{ADDRESS}?{query}", keys)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode().translate(str.maketrans("+=/", "-_~"))


def test_signed_cookies_open_all_that_their_policy_names(key: rsa.RSAPrivateKey, keys: dict[str, str]) -> None:
    def cookies(**dates: Any) -> dict[str, str]:
        statement = {"Resource": "http://localhost:8001/media/*", "Condition": dates}
        policy = json.dumps({"Statement": [statement]}).encode()
        signature = key.sign(policy, padding.PKCS1v15(), hashes.SHA1())
        given = {"Policy": encoded(policy), "Signature": encoded(signature), "Key-Pair-Id": "K1"}
        return {f"CloudFront-{name}": value for name, value in given.items()}

    soon, now = {"AWS:EpochTime": int(time.time()) + 60}, {"AWS:EpochTime": int(time.time())}
    opened = cookies(DateLessThan=soon)
    assert asked(ADDRESS, keys, **opened) == ""
    assert DENIED[0] in asked(ADDRESS.replace("/media/", "/private/"), keys, **opened)
    assert DENIED[0] in asked(ADDRESS, keys, **cookies(DateLessThan=soon, DateGreaterThan=soon))
    assert DENIED[0] in asked(ADDRESS, keys, **cookies(DateLessThan=now))
