"""Signed addresses and cookies of CloudFront: whether one opens a resource, with the public keys that are trusted.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_PARAMETERS = ("Expires", "Policy", "Signature", "Key-Pair-Id")
_SHA1 = bytes.fromhex("3021300906052b0e03021a05000414")
"""What precedes a SHA-1 digest in a signature (RFC 8017, 9.2)."""

MISSING = "MissingKey", "Missing Key-Pair-Id query parameter or cookie value"
DENIED = "AccessDenied", "Access denied"


def refusal(address: str, raw_query: str, cookies: Mapping[str, str], keys: Mapping[str, str]) -> str:
    """CloudFront's error for a request of `address`, as XML; "" where its query or its cookies are signed.

    `keys` are the trusted public keys as PEM, by id.
    """
    pairs = [part.partition("=") for part in raw_query.split("&") if part]
    signed = {name: value for name, _, value in pairs if name in _PARAMETERS}
    rest = "&".join("".join(pair) for pair in pairs if pair[0] not in _PARAMETERS)
    if "Key-Pair-Id" not in signed:
        signed = {name: cookies[f"CloudFront-{name}"] for name in _PARAMETERS if f"CloudFront-{name}" in cookies}
    if "Key-Pair-Id" not in signed:
        return _error(*MISSING)
    resource = f"{address}?{rest}" if rest else address
    pem = keys.get(signed["Key-Pair-Id"])
    return "" if pem is not None and _opens(resource, signed, pem) else _error(*DENIED)


def _opens(resource: str, signed: Mapping[str, str], pem: str) -> bool:
    try:
        policy = _decoded(signed["Policy"]) if "Policy" in signed else _canned(resource, signed["Expires"])
        return _is_signed(policy, _decoded(signed["Signature"]), pem) and _allows(json.loads(policy), resource)
    except (KeyError, ValueError, TypeError, IndexError):
        return False


def _canned(resource: str, expires: str) -> bytes:
    condition = {"DateLessThan": {"AWS:EpochTime": int(expires)}}
    return json.dumps({"Statement": [{"Resource": resource, "Condition": condition}]}, separators=(",", ":")).encode()


def _allows(policy: Any, resource: str) -> bool:
    [statement] = policy["Statement"]
    pattern = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in statement["Resource"])
    dates = statement["Condition"]
    after = dates.get("DateGreaterThan", {}).get("AWS:EpochTime", 0)
    return after <= time.time() < dates["DateLessThan"]["AWS:EpochTime"] and bool(re.fullmatch(pattern, resource))


def _decoded(text: str) -> bytes:
    return base64.b64decode(text.translate(str.maketrans("-_~", "+=/")), validate=True)


def _is_signed(message: bytes, signature: bytes, pem: str) -> bool:
    """Whether it is the RSA signature (PKCS #1 v1.5, with SHA-1) of the message."""
    modulus, exponent = _numbers(pem)
    size = (modulus.bit_length() + 7) // 8
    digest = _SHA1 + hashlib.sha1(message, usedforsecurity=False).digest()
    expected = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
    return pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(size, "big") == expected


def _numbers(pem: str) -> tuple[int, int]:
    """Modulus and exponent of a public key in PEM form (SubjectPublicKeyInfo, RFC 5280)."""
    der = base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-----")))
    outer, _ = _element(der)
    _algorithm, rest = _element(outer)
    bits, _ = _element(rest)
    numbers, _ = _element(bits[1:])
    modulus, rest = _element(numbers)
    exponent, _ = _element(rest)
    return int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")


def _element(der: bytes) -> tuple[bytes, bytes]:
    """The content of the first element of DER, and what follows it."""
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    return der[start : start + length], der[start + length :]


def _error(code: str, message: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
