"""Mail on the local AWS: the sender is authorized as on AWS, nothing is delivered, and each message is kept whole."""

from __future__ import annotations

import base64
import json
from email.message import EmailMessage
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from pocket.cli.mail import shown

ALLOWED = {
    "Effect": "Allow",
    "Action": ["ses:SendEmail", "ses:SendRawEmail"],
    "Resource": ["arn:aws:ses:ap-northeast-1:*:identity/*"],
    "Condition": {"StringEquals": {"ses:FromAddress": ["noreply@example.com"]}},
}


@pytest.fixture(scope="module")
def sender(cloud: Any) -> Any:
    """An SES client of a user who may send from noreply@example.com only."""
    iam = cloud.client("iam")
    iam.create_user(UserName="mailer")
    document = json.dumps({"Version": "2012-10-17", "Statement": [ALLOWED]})
    iam.put_user_policy(UserName="mailer", PolicyName="own", PolicyDocument=document)
    key = iam.create_access_key(UserName="mailer")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="ap-northeast-1")
    return session.client("sesv2", endpoint_url=cloud.local.endpoint_url)


def send(client: Any, address: str) -> str:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"Board <{address}>", "Ann <ann@example.org>", "Grüße\x1b[2J"
    message.set_content("Zeile äöü\n\x1b[31mred\n")
    message.add_attachment(b"12345", maintype="image", subtype="png", filename="a.png")
    identity: str = client.send_email(
        FromEmailAddress=address,
        Destination={"ToAddresses": ["ann@example.org"], "BccAddresses": ["carl@example.org"]},
        Content={"Raw": {"Data": message.as_bytes()}},
    )["MessageId"]
    return identity


def test_mail_is_kept_whole_and_shown_without_control_characters(cloud: Any, sender: Any) -> None:
    identity = send(sender, "noreply@example.com")
    (found,) = (item for item in cloud.local.mails() if item["MessageId"] == identity)
    assert b'filename="a.png"' in base64.b64decode(found["Raw"])
    lines = list(shown(found))
    assert lines[:3] == ["From: Board <noreply@example.com>", "To: Ann <ann@example.org>", "Subject: Grüße [2J"]
    assert "Bcc: carl@example.org" in lines
    assert lines[-5:] == ["", "Zeile äöü", "[31mred", "", "Attachment: a.png, image/png, 5 bytes"]


def test_another_sender_is_denied(cloud: Any, sender: Any) -> None:
    before = len(cloud.local.mails())
    with pytest.raises(ClientError, match="AccessDenied") as caught:
        send(sender, "ceo@example.com")
    assert "identity/ceo@example.com" in str(caught.value)
    assert len(cloud.local.mails()) == before
