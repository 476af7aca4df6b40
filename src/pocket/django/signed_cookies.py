"""Cookies with which a browser may read uploads behind CloudFront: one signature for many files.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-setting-signed-cookie-custom-policy.html
"""

from __future__ import annotations

import base64
import json
import os
import re
import time
from typing import TYPE_CHECKING

from django.utils.encoding import filepath_to_uri

from pocket.django.configuration import source
from pocket.django.configuration.errors import SetupFailed
from pocket.django.runtime import set_envs
from pocket.naming import SIGNING_KEY_ID, SIGNING_PRIVATE, endpoint_key

if TYPE_CHECKING:
    from django.http import HttpResponseBase

__all__ = ["set_signed_cookies"]

_REFUSED = re.compile(r"^/|(^|/)\.\.?/|[*?\\\x00-\x1f\x7f]|(?<!/)$")
"""In a prefix: wildcards of a policy, segments that a browser resolves, and what no key has."""

_FOR_COOKIES = bytes.maketrans(b"+=/", b"-_~")


def set_signed_cookies(response: HttpResponseBase, prefix: str, *, seconds: int = 3600) -> None:
    """Lets the browser that gets the response read every file below `prefix`, such as `"media/videos/7/"`, for a time.

    The files are those of a storage with `signed = true`, at the stage's address. Without a stage nothing is set, since
    files need no signature there. It needs the package cryptography. Raises SetupFailed where the stage has no key,
    ValueError for a prefix that does not end in a slash, has a wildcard or `..`.
    """
    if _REFUSED.search(prefix):
        raise ValueError(f'Expected a prefix of keys such as "media/videos/7/", found {prefix!r}.')
    name = source.stage_name()
    if name is None:
        return
    set_envs()
    cdn = source.stage(source.manifest()[0], name).cdn
    address = os.environ.get(endpoint_key(cdn)) if cdn is not None else None
    key_id, key = os.environ.get(SIGNING_KEY_ID), os.environ.get(SIGNING_PRIVATE)
    if not address or not key_id or not key:
        raise SetupFailed(
            f"Stage {name!r} has no key to sign cookies with.",
            'Its uploads need a storage with store = "cloudfront" and signed = true, and a deploy.',
        )
    until = int(time.time()) + seconds
    # As in the addresses that storages make, which a browser asks for and CloudFront compares.
    below = filepath_to_uri(prefix)
    condition = {"DateLessThan": {"AWS:EpochTime": until}}
    statement = {"Resource": f"{address}/{below}*", "Condition": condition}
    policy = json.dumps({"Statement": [statement]}, separators=(",", ":")).encode()
    values = {
        "CloudFront-Policy": _text(policy),
        "CloudFront-Signature": _text(_signature(policy, base64.b64decode(key))),
        "CloudFront-Key-Pair-Id": key_id,
    }
    secure = address.startswith("https://")
    for cookie, value in values.items():
        response.set_cookie(
            cookie, value, max_age=seconds, path=f"/{below}", secure=secure, httponly=True, samesite="Lax"
        )


def _text(data: bytes) -> str:
    """Base64 with CloudFront's replacements for what a cookie cannot hold."""
    return base64.b64encode(data).translate(_FOR_COOKIES).decode()


def _signature(message: bytes, pem: bytes) -> bytes:
    """CloudFront's signature of the message: RSA with SHA-1."""
    try:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    except ImportError as error:
        hint = "Add cryptography to the project's dependencies."
        raise SetupFailed("There is no package that signs cookies.", hint) from error
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, RSAPrivateKey):
        raise SetupFailed(f"{SIGNING_PRIVATE} is no RSA key.", "Restore it, or delete it to have a new pair generated.")
    return key.sign(message, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - CloudFront accepts only this
