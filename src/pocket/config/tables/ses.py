"""`[ses]`: mail that the project sends."""

from __future__ import annotations

import re
from email.utils import parseaddr
from typing import Annotated

from pydantic import AfterValidator, Field

from pocket.config import patterns
from pocket.config.tables.table import Table, refused


def _sender(text: str) -> str:
    address = parseaddr(text)[1]
    plain = text == address or text.endswith(f"<{address}>")
    if not plain or not re.fullmatch(patterns.EMAIL, address) or not text.isprintable():
        raise refused('an address, such as "noreply@example.com" or "Board <noreply@example.com>"')
    return text


class Ses(Table):
    """Mail through Amazon SES."""

    from_email: Annotated[str, AfterValidator(_sender)] = Field(
        description="Sender of the project's mail, of a verified identity: an address, or a name and an address."
    )
    region: str | None = Field(
        None, pattern=patterns.REGION, description="AWS region of the identity. Defaults to the stage's region."
    )
    configuration_set: str | None = Field(
        None, pattern=patterns.CONFIGURATION_SET, description="SES configuration set to send with."
    )

    @property
    def address(self) -> str:
        """The sender's address without a name."""
        return parseaddr(self.from_email)[1]

    @property
    def identities(self) -> tuple[str, ...]:
        """The identities of which one must be verified: the address, its domain, and the domains above that."""
        labels = self.address.rpartition("@")[2].split(".")
        return (self.address, *(".".join(labels[number:]) for number in range(len(labels) - 1)))
