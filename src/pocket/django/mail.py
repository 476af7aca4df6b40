"""Django's mail through Amazon SES, without an SDK: BACKEND of a stage with `[ses]`."""

from __future__ import annotations

from email.encoders import encode_quopri
from email.generator import BytesGenerator
from email.policy import compat32
from email.utils import parseaddr
from io import BytesIO
from typing import TYPE_CHECKING, Any

from django.core.mail.backends.base import BaseEmailBackend

from pocket.django.configuration.mail import of_stage
from pocket.errors import AWSCallFailed, MailRefused
from pocket.runtime.ses import LARGEST, Mailer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.core.mail import EmailMessage


class EmailBackend(BaseEmailBackend):
    """Sends with the region and the configuration set of the stage's `[ses]`."""

    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.fail_silently = fail_silently
        self._mailer: Mailer | None = None

    def open(self) -> bool:
        """Prepares the connection, which opens with the first message; returns whether it did not exist."""
        if self._mailer is not None:
            return False
        mail, region = of_stage()
        self._mailer = Mailer(region, mail.configuration_set)
        return True

    def close(self) -> None:
        """Closes the connection."""
        if self._mailer is not None:
            self._mailer.close()
            self._mailer = None

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Sends the messages over one connection, and returns how many were sent.

        Raises AWSCallFailed for a message that SES refuses, MailRefused for one that it could not take; with
        `fail_silently` the next one is sent instead.
        """
        sent = 0
        opened = self.open()
        try:
            for message in email_messages:
                try:
                    sent += self._send(message)
                except (AWSCallFailed, MailRefused):
                    if not self.fail_silently:
                        raise
        finally:
            if opened:
                self.close()
        return sent

    def _send(self, message: EmailMessage) -> int:
        if not message.recipients() or self._mailer is None:
            return 0
        data = encoded(message)
        if len(data) > LARGEST:
            raise MailRefused(
                f"The message {message.subject!r} has {len(data):,} bytes; SES takes {LARGEST:,}.",
                "Store the attachments, and send links to them.",
            )
        to, cc, bcc = (_addresses(items) for items in (message.to, message.cc, message.bcc))
        sender = message.from_email
        self._mailer.send(_addresses([sender])[0], to, cc, bcc, data)
        return 1


def encoded(message: EmailMessage) -> bytes:
    """The message as SES takes it: lines that end in CRLF, in 7 bits. Bcc is not part of it."""
    mime: Any = message.message()
    if mime.policy is compat32:
        # Before version 6, Django's parts keep their 8 bits, whatever the policy.
        for part in mime.walk():
            if part["Content-Transfer-Encoding"] == "8bit":
                del part["Content-Transfer-Encoding"]
                encode_quopri(part)
    data = BytesIO()
    policy = mime.policy.clone(cte_type="7bit", linesep="\r\n")
    BytesGenerator(data, mangle_from_=False, policy=policy).flatten(mime)
    return data.getvalue()


def _addresses(items: Iterable[str]) -> list[str]:
    return [address(item) for item in items if item]


def address(text: str) -> str:
    """The address in `text` without a name, in ASCII. Raises MailRefused for one that SES does not support."""
    found = parseaddr(str(text))[1]
    local, at, domain = found.rpartition("@")
    if not local or not at or not domain:
        raise MailRefused(f"{text!r} is not an address.", "Write it as name@example.com.")
    if not local.isascii():
        raise MailRefused(
            f"SES does not support characters other than ASCII before the @ of an address; found {found!r}.",
            "Use another address.",
        )
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError as error:
        raise MailRefused(f"The domain of {found!r} is not valid: {error}.", "Correct the address.") from error
