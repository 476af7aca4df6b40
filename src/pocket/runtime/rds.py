"""What a connection to RDS needs instead of a password: a token that the function signs, and AWS's root certificates.

The token is a presigned request, so that it needs no call:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import tempfile
import time
from typing import TYPE_CHECKING

from pocket import naming
from pocket.runtime import credentials, sigv4

if TYPE_CHECKING:
    from pocket.runtime.credentials import Credentials

SECONDS = 900
"""How long a server accepts a token for a new connection; an open connection lasts longer."""

_HERE = os.path.dirname(__file__)  # noqa: PTH120 - importing pathlib takes longer than this module
_roots: dict[str, str] = {}

_REGION = re.compile(r"\.([a-z]{2,4}(?:-[a-z]+){1,3}-[1-9][0-9]?)\.rds\.amazonaws\.com(?:\.cn)?$")


def token(
    host: str,
    port: int,
    user: str,
    *,
    region: str,
    now: float | None = None,
    signer: Credentials | None = None,
) -> str:
    """The password for a connection that is opened within `SECONDS`; raises AWSCallFailed without credentials."""
    place = f"{host}:{port}"
    query = sigv4.presigned_query(
        place,
        {"Action": "connect", "DBUser": user},
        service="rds-db",
        region=region,
        credentials=signer or credentials.current(),
        now=time.time() if now is None else now,
        seconds=SECONDS,
    )
    return f"{place}/?{query}"


def region_of(host: str) -> str:
    """The region in the name of an RDS host, else that of the stage."""
    found = _REGION.search(host)
    return found[1] if found else os.environ.get(naming.REGION_KEY) or os.environ.get("AWS_REGION", "")


def roots(host: str) -> str:
    """The path of a file with the roots of RDS in the host's region, and of Amazon, which proxies and gateways use.

    libpq takes one file, and reads it at each connection. It is made once for each process.
    """
    region = region_of(host)
    if region not in _roots:
        of_region = os.path.join(_HERE, "rds_roots", f"{region}.pem")  # noqa: PTH118
        texts = [_text(os.path.join(_HERE, "amazon_roots.pem"))]  # noqa: PTH118
        if os.path.isfile(of_region):  # noqa: PTH113
            texts.append(_text(of_region))
        # A name of its own for each process, so that none reads what another is still writing.
        descriptor, path = tempfile.mkstemp(prefix="pocket-roots-", suffix=".pem")
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write("\n".join(texts))
        atexit.register(_remove, path)
        _roots[region] = path
    return _roots[region]


def _text(path: str) -> str:
    with open(path, encoding="ascii") as file:  # noqa: PTH123
        return file.read()


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)  # noqa: PTH108
