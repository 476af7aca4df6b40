"""Sends mail with version 2 of the SES API: a complete MIME message, and the recipients beside it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from pocket.errors import AWSCallFailed
from pocket.runtime import aws

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST = 40 * 1024 * 1024
"""Bytes of a message: https://docs.aws.amazon.com/ses/latest/dg/quotas.html"""

DEADLINE, ATTEMPT = 30.0, 20.0
"""Seconds for a message with its retries, and for one attempt."""

_PATH = "/v2/email/outbound-emails"
_HINTS = {
    "MessageRejected": "Verify the sender's identity in SES. In the sandbox, SES sends to verified addresses only.",
    "MailFromDomainNotVerifiedException": "Verify the identity's MAIL FROM domain in SES.",
    "SendingPausedException": "Sending is paused in SES, for the account or for the configuration set.",
    "AccountSuspendedException": "AWS has suspended the account's sending.",
    "NotFoundException": "Create the configuration set in SES, in the region of the identity.",
    "AccessDeniedException": "The function may send from the from_email of [ses] in pocket.toml only.",
    "LimitExceededException": "The account has reached its sending quota of 24 hours.",
}


class Mailer:
    """Sends messages over one connection to SES in a region."""

    def __init__(self, region: str, configuration_set: str | None = None) -> None:
        self._region = region
        self._configuration_set = configuration_set
        self._channel = aws.Channel("ses", ATTEMPT, keep=True)

    def send(self, sender: str, to: Sequence[str], cc: Sequence[str], bcc: Sequence[str], message: bytes) -> str:
        """Sends `message`, in 7 bits, to all recipients; returns SES's id. Raises AWSCallFailed."""
        recipients = {"ToAddresses": to, "CcAddresses": cc, "BccAddresses": bcc}
        payload = {
            "FromEmailAddress": sender,
            "Destination": {key: list(value) for key, value in recipients.items() if value},
            "Content": {"Raw": {"Data": base64.b64encode(message).decode("ascii")}},
        }
        if self._configuration_set:
            payload["ConfigurationSetName"] = self._configuration_set
        try:
            answer = aws.call_rest(
                "email",
                "SendEmail",
                "POST",
                _PATH,
                json.dumps(payload).encode(),
                region=self._region,
                deadline=DEADLINE,
                channel=self._channel,
            )
            return str(aws.checked("email", "SendEmail", answer).get("MessageId", ""))
        except AWSCallFailed as error:
            hint = _HINTS.get(error.code, error.hint)
            raise AWSCallFailed(
                error.message, hint, service="ses", operation=error.operation, code=error.code
            ) from None

    def close(self) -> None:
        """Closes the connection; the next message opens another."""
        self._channel.close()
