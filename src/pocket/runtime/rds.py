"""What a connection to RDS needs instead of a password: a token that the function signs, and AWS's root certificates.

The token is a presigned request, so that it needs no call:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
"""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

from pocket import naming
from pocket.runtime import credentials, sigv4

if TYPE_CHECKING:
    from pocket.runtime.credentials import Credentials

SECONDS = 900
"""How long a server accepts a token for a new connection; an open connection lasts longer."""

_HERE = os.path.dirname(__file__)  # noqa: PTH120 - importing pathlib takes longer than this module
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
    """The path of a file with the roots that sign the certificates of the host: Amazon's for a proxy, else RDS's.

    Those of RDS differ by region. A region without a file has only public certificates to verify against.
    """
    of_region = os.path.join(_HERE, "rds_roots", f"{region_of(host)}.pem")  # noqa: PTH118
    if ".proxy-" in host or not os.path.isfile(of_region):  # noqa: PTH113
        return os.path.join(_HERE, "amazon_roots.pem")  # noqa: PTH118
    return of_region
