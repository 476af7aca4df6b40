"""Gate `mail`: SES may send from the stage's address. It reads the account and the identity, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.deploy.gates.gate import MAIL, refusal
from pocket.errors import AWSCallFailed

if TYPE_CHECKING:
    from pocket.config import StageConfig
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter


def check(clients: Clients, stage: StageConfig, reporter: Reporter, live: int | None) -> None:
    """Raises GateRefused where no identity of the sender is verified; a sandbox is a note.

    The local AWS verifies nothing and keeps every mail, so this gate does nothing there.
    """
    if stage.ses is None or clients.target.keeps_mail:
        return
    with reporter.step(f"Gate {MAIL}: look up the identity of {stage.ses.address}"):
        region = stage.ses.region or stage.region
        ses = clients.in_region(region).sesv2
        account = ses.get_account()
        if not any(_is_verified(ses, name) for name in stage.ses.identities):
            tried = " and ".join(stage.ses.identities)
            issue = f"SES in {region} has no verified identity for {stage.ses.address}: looked for {tried}."
            hint = (
                f"Create and verify one: aws sesv2 create-email-identity --region {region} --email-identity"
                f" {stage.ses.identities[1]}. Then enter the DKIM records that it prints."
            )
            raise refusal(stage, live, MAIL, [issue], hint)
        if not account.get("SendingEnabled", True):
            issue = f"Sending is paused for the account in {region}."
            raise refusal(stage, live, MAIL, [issue], "The SES console shows the reason.")
    if not account.get("ProductionAccessEnabled"):
        reporter.note(
            f"Warning: SES in {region} is in the sandbox, and sends only to verified addresses, 200 mails a day."
            " Request production access in the SES console."
        )


def _is_verified(ses: Any, name: str) -> bool:
    try:
        found = ses.get_email_identity(EmailIdentity=name)
    except AWSCallFailed as error:
        if error.code == "NotFoundException":
            return False
        raise
    return bool(found.get("VerifiedForSendingStatus"))
