"""Django's request to the API to refresh its cached queries, and the token in it.

In the specification's recipe, Django sends a request to `/refresh/` after a write. So that others cannot, the request
has a token, signed with the project's SECRET_KEY, which both sides have, for one address and one minute.
"""

from __future__ import annotations

import logging
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.core.exceptions import DisallowedHost
from django.db import transaction
from django.http import HttpRequest

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

    Behind a proxy the API may see another address than Django's request has, so the setting's address is valid, too.
    """
    try:
        content = signing.loads(token, salt=SALT, max_age=GOOD_FOR)
    except signing.BadSignature:
        return False
    audience = content.get("address") if isinstance(content, dict) else None
    own = {getattr(settings, SETTING, None), *([address] if _is_own(address) else [])}
    return audience is not None and audience in own


def _is_own(address: str) -> bool:
    """Whether ALLOWED_HOSTS has the host, which is what the request says: a token for another host stays there."""
    request = HttpRequest()
    try:
        request.META = {"HTTP_HOST": urlsplit(address).netloc}
        request.get_host()
    except (DisallowedHost, ValueError):
        return False
    return True


def notify(url: str | None = None, *, using: str | None = None) -> None:
    """Sends a request to the API's refresh endpoint once the transaction on `using` is committed.

    `url` is the endpoint's address, by default the setting POCKET_REFRESH_URL; raises SetupFailed without either. A
    failure or a redirect is only logged: cached results have a `ttl`.
    """
    address = url or getattr(settings, SETTING, None)
    if not address:
        raise SetupFailed(
            "notify() has no address of the API.",
            f"Pass the refresh endpoint's address, or set {SETTING}.",
        )
    if not address.startswith(("http://", "https://")):
        raise SetupFailed(f"{address} is not the address of an endpoint.", "It begins with https://.")
    transaction.on_commit(lambda: _send(address), using=using, robust=True)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Does not follow redirects: the token is for one address."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _send(address: str) -> None:
    headers = {"Authorization": f"Pocket {token_for(address)}"}
    request = urllib.request.Request(address, headers=headers, method="POST")  # noqa: S310  (checked above)
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT) as answer:
            answer.read()
    except OSError as error:
        logger.warning("The API at %s could not be refreshed: %s", address, error)
