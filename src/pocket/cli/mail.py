"""`pocket mail`: what functions on the local AWS have sent."""

from __future__ import annotations

import base64
import email
import email.policy
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pocket.cli.options import Local

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

Number = Annotated[
    int | None, typer.Argument(metavar="[NUMBER]", help="Number of the mail to show. Defaults to a list.")
]
HEADERS = ("From", "To", "Cc", "Reply-To", "Subject", "Date")


def mail(number: Number = None, local: Local = False) -> None:
    """List the mails that were sent on the local AWS, or show one."""
    from pocket.cli.console import aligned
    from pocket.cli.project import current_project
    from pocket.errors import CommandFailed
    from pocket.local import attach

    if not local:
        raise CommandFailed(
            "Only the local AWS keeps mails; SES on AWS delivers them.",
            "Pass --local. On AWS, a configuration set of SES can record what becomes of each mail.",
        )
    mails = attach(current_project().directory).mails()
    if number is None:
        rows = [("NUMBER", "SENT", "FROM", "TO", "SUBJECT"), *map(_row, range(1, len(mails) + 1), mails)]
        for line in aligned(rows) if mails else ["No mail was sent."]:
            typer.echo(line)
        return
    if not 1 <= number <= len(mails):
        known = f"There are {len(mails)}." if mails else "No mail was sent."
        raise CommandFailed(f"There is no mail {number}. {known}", "`pocket mail --local` lists them.")
    for line in shown(mails[number - 1]):
        typer.echo(line)


def _row(number: int, record: dict[str, Any]) -> tuple[str, ...]:
    sent = datetime.fromtimestamp(record["Timestamp"]).astimezone()
    to = [*record["To"], *record["CC"], *record["BCC"]]
    values = (f"{sent:%Y-%m-%d %H:%M:%S}", record["Source"], ", ".join(to), str(record["Subject"]))
    return (str(number), *map(_plain, values))


def shown(record: dict[str, Any]) -> Iterator[str]:
    """The lines of a mail: its headers, hidden recipients, text, and attachments."""
    raw = base64.b64decode(record.get("Raw") or "")
    message: EmailMessage = email.message_from_bytes(raw, policy=email.policy.default)
    for name in HEADERS:
        if value := message.get(name) or (record["Subject"] if name == "Subject" else None):
            yield f"{name}: {_plain(str(value))}"
    if record["BCC"]:
        yield f"Bcc: {_plain(', '.join(record['BCC']))}"
    yield ""
    yield from _body(message, record).rstrip().splitlines()
    for part in message.iter_attachments():
        size = len(part.get_payload(decode=True) or b"")
        name = _plain(part.get_filename() or "without a name")
        yield ""
        yield f"Attachment: {name}, {part.get_content_type()}, {size:,} bytes"


def _body(message: EmailMessage, record: dict[str, Any]) -> str:
    """The text of a mail; its HTML where it has no text."""
    body = message.get_body(("plain", "html"))
    text = body.get_content() if body is not None else record.get("BodyText") or record.get("BodyHtml") or ""
    return "".join(character for character in text if character.isprintable() or character in "\n\t")


def _plain(text: str) -> str:
    """`text` without characters that would control a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
