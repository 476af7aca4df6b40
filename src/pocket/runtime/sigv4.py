"""AWS Signature Version 4 for POST requests, and for the query of a presigned GET request.

Follows https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html for services that
encode the path twice (all but S3). Property tests compare it with botocore's signer.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.runtime.credentials import Credentials

ALGORITHM = "AWS4-HMAC-SHA256"


def signed_headers(
    headers: Mapping[str, str],
    body: bytes,
    *,
    service: str,
    region: str,
    credentials: Credentials,
    now: float,
    method: str = "POST",
    path: str = "/",
) -> dict[str, str]:
    """`headers` with those of the signature added.

    `headers` must contain `Host`; all of them are signed. `service` is the signing name, `now` in seconds since the
    epoch, `path` as in the request line: without a query and without `.` or `..` segments.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    result = {**headers, "X-Amz-Date": stamp}
    if credentials.session_token:
        result["X-Amz-Security-Token"] = credentials.session_token
    canonical = {name.lower(): " ".join(value.split()) for name, value in result.items()}
    names = ";".join(sorted(canonical))
    request = "\n".join(
        (
            method,
            quote(path, safe="/-_.~"),
            "",
            *(f"{name}:{canonical[name]}" for name in sorted(canonical)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = _scope(stamp, region, service)
    signature = _signature(request, stamp, scope, credentials)
    result["Authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return result


def presigned_query(
    host: str,
    query: Mapping[str, str],
    *,
    service: str,
    region: str,
    credentials: Credentials,
    now: float,
    seconds: int,
) -> str:
    """The query of a GET request to `/` that is valid for `seconds`; `host` has the port that the request goes to."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    scope = _scope(stamp, region, service)
    named = {
        **query,
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key_id}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.session_token:
        named["X-Amz-Security-Token"] = credentials.session_token
    text = "&".join(f"{quote(name, safe='-_.~')}={quote(named[name], safe='-_.~')}" for name in sorted(named))
    request = "\n".join(("GET", "/", text, f"host:{host}", "", "host", hashlib.sha256(b"").hexdigest()))
    return f"{text}&X-Amz-Signature={_signature(request, stamp, scope, credentials)}"


def _scope(stamp: str, region: str, service: str) -> str:
    return f"{stamp[:8]}/{region}/{service}/aws4_request"


def _signature(request: str, stamp: str, scope: str, credentials: Credentials) -> str:
    """The signature of a canonical request."""
    to_sign = "\n".join((ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()
