"""The AWS account of a target."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pocket.deploy.aws.session import Clients


def place(clients: Clients, account: str) -> str:
    """A description of the target for the user."""
    target = clients.target
    if target.endpoint_url is not None:
        return f"the local AWS at {target.endpoint_url}"
    return f"account {account}, {target.region}"


def account_id(clients: Clients) -> str:
    """The account of the target's credentials, twelve digits.

    Raises AWSCallFailed, with a hint how to sign in, if there are no credentials or AWS refuses them, and PlanRefused
    if the target names another account.
    """
    return clients.account
