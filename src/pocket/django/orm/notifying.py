"""The call by which Django asks the API to make its cached queries anew, and the token that it carries.

The specification's recipe has Django send a request to `/refresh/` when it has written. Anybody could; so the request
carries a token that is signed with the project's SECRET_KEY, which both sides know, for one address and one minute.
"""

from __future__ import annotations

import logging
import urllib.request
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction

from pocket.django.configuration.errors import SetupFailed

logger = logging.getLogger("pocket.fastapi")

SALT = "pocket.fastapi.refresh"
GOOD_FOR = 60
"""Seconds for which a token is accepted."""

TIMEOUT = 5.0
SETTING = "POCKET_REFRESH_URL"


def token_for(address: str) -> str:
    """A token for a request to `address`, signed with the project's key."""
    return signing.dumps({"address": address}, salt=SALT)


def is_valid(token: str, address: str) -> bool:
    """Whether `token` was signed with this project's key within the last minute, for a request to `address`.

    Behind a proxy the API may see another address than Django asked: the one of the setting is good as well.
    """
    try:
        said = signing.loads(token, salt=SALT, max_age=GOOD_FOR)
    except signing.BadSignature:
        return False
    audience = said.get("address") if isinstance(said, dict) else None
    return audience is not None and audience in {address, getattr(settings, SETTING, None)}


def notify(url: str | None = None, *, using: str | None = None) -> None:
    """Asks the API's refresh endpoint to make its queries anew, once the transaction on `using` is committed.

    `url` is the endpoint's address, by default the setting POCKET_REFRESH_URL; SetupFailed where neither is given. A
    failure, or an answer that redirects, is logged and no more: what is cached has its `ttl`.
    """
    address = url or getattr(settings, SETTING, None)
    if not address:
        raise SetupFailed(
            "notify() does not know where the API is.",
            f"Pass the refresh endpoint's address, or set {SETTING}.",
        )
    if not address.startswith(("http://", "https://")):
        raise SetupFailed(f"{address} is no address of an endpoint.", "It begins with https://.")
    transaction.on_commit(lambda: _send(address), using=using, robust=True)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect an error: the token is for the address that was asked."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _send(address: str) -> None:
    headers = {"Authorization": f"Pocket {token_for(address)}"}
    request = urllib.request.Request(address, headers=headers, method="POST")  # noqa: S310  (checked above)
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT) as answer:
            answer.read()
    except OSError as error:
        logger.warning("The API at %s could not be told to refresh: %s", address, error)
