"""Where a deploy goes: an AWS account or the local AWS, and what differs between the two.

Everything that depends on the place is a field here, so that one code path serves both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Credentials:
    """Keys to sign requests with; `repr()` shows the access key's id only."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Target:
    """One place to deploy to.

    `account` is the only AWS account whose credentials are used; None allows any, and the local AWS has its own.
    `endpoint_url` None is AWS itself; `credentials` None takes those of the usual AWS environment. `addresses` maps a
    handler's name to the address that replaces the one from AWS (`http://localhost:8001`). `environment` overrides
    every function's own; its values may be secret, so `repr()` omits them. `platform` is `"lambda"` for Lambda's
    Linux, `"host"` for this machine's interpreter. `own_database` is the name and the host (empty for a file) of the
    database that Pocket keeps for a rehearsal; its data is disposable, so it is migrated without a question.
    `delegated` is False if public DNS does not lead to the hosted zones, which a deploy then creates itself.
    `has_networks` is False where the networks of `[vpc]` do not exist, so that nothing is known about them.
    `keeps_mail` is True where no mail is delivered, and so no sender is verified. `counts_live` is False where metrics
    of functions are not counted by alias.
    """

    region: str
    account: str | None = None
    endpoint_url: str | None = None
    credentials: Credentials | None = None
    addresses: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    platform: Literal["lambda", "host"] = "lambda"
    own_database: tuple[str, str] | None = None
    delegated: bool = True
    has_networks: bool = True
    keeps_mail: bool = False
    counts_live: bool = True
