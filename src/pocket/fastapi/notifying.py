"""The call by which Django asks the API to read its cached queries anew, and the token that it carries.

The specification's recipe has Django send a request to `/refresh/` when it has written. Anybody could; so the request
carries a token that is signed with the project's SECRET_KEY, which both sides know, and is good for a minute.
"""

from __future__ import annotations

import logging
import urllib.request

from django.conf import settings
from django.core import signing
from django.db import transaction

from pocket.fastapi.faults import SetupFailed

logger = logging.getLogger("pocket.fastapi")

SALT = "pocket.fastapi.refresh"
GOOD_FOR = 60
"""Seconds for which a token is accepted."""

TIMEOUT = 5.0


def is_valid(token: str) -> bool:
    """Whether `token` was signed with this project's key within the last minute."""
    try:
        signing.loads(token, salt=SALT, max_age=GOOD_FOR)
    except signing.BadSignature:
        return False
    return True


def notify(url: str | None = None, *, using: str | None = None) -> None:
    """Asks the API's refresh endpoint to read its queries anew, once the transaction on `using` is committed.

    `url` is the endpoint's address, by default the setting POCKET_REFRESH_URL; SetupFailed where neither is given. A
    failure is logged and no more: what is cached has its `ttl`.
    """
    address = url or getattr(settings, "POCKET_REFRESH_URL", None)
    if not address:
        raise SetupFailed(
            "notify() does not know where the API is.",
            "Pass the refresh endpoint's address, or set POCKET_REFRESH_URL.",
        )
    if not address.startswith(("http://", "https://")):
        raise SetupFailed(f"{address} is no address of an endpoint.", "It begins with https://.")
    transaction.on_commit(lambda: _send(address), using=using, robust=True)


def _send(address: str) -> None:
    token = signing.dumps(True, salt=SALT)
    request = urllib.request.Request(address, headers={"Authorization": f"Pocket {token}"}, method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310  (checked above)
            answer.read()
    except OSError as error:
        logger.warning("The API at %s could not be told to refresh: %s", address, error)
