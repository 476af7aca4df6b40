"""Mail through SES: what is sent for a message of Django, and how a message that cannot be sent ends."""

from __future__ import annotations

import base64
import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage as Parsed
from pathlib import Path
from typing import Any

import django
import pytest
from aws_double import AWSDouble
from django.conf import UserSettingsHolder, global_settings, settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from fresh import SETTINGS, evaluate, write_manifest, write_settings

from pocket import manifest
from pocket.django import mail as backend
from pocket.django.configuration import mail as configuration
from pocket.errors import AWSCallFailed, MailRefused

STAGE = manifest.Stage(stack_name="s", mail=manifest.Mail("Board <noreply@example.com>", None, "tracked"))


@pytest.fixture(autouse=True)
def defaults() -> Iterator[None]:
    """Django's settings, as in a project without any."""
    before = settings._wrapped
    settings._wrapped = UserSettingsHolder(global_settings)
    yield
    settings._wrapped = before


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aws: AWSDouble) -> None:
    monkeypatch.setenv("POCKET_MANIFEST", str(write_manifest(tmp_path, STAGE)))
    monkeypatch.setenv("POCKET_STAGE", "dev")


def message(**given: Any) -> EmailMultiAlternatives:
    values = {"subject": "Grüße", "body": "Zeile äöü\n.\nFrom here", "from_email": "Board <noreply@example.com>"}
    return EmailMultiAlternatives(**{**values, "to": ["Ann <ann@example.org>"], **given})


def sent(aws: AWSDouble, number: int = -1) -> tuple[dict[str, Any], Parsed]:
    operation, payload = aws.calls[number]
    assert operation == "SendEmail"
    raw = base64.b64decode(payload["Content"]["Raw"]["Data"])
    assert raw.isascii(), "8-bit data needs an encoding"
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, Parsed)
    return payload, parsed


def test_message_arrives_as_it_was_written(stage: None, aws: AWSDouble) -> None:
    mail = message(cc=["bob@example.org"], bcc=["carl@example.org"], reply_to=["help@example.com"])
    mail.attach_alternative("<p>Zeile äöü</p>", "text/html")
    mail.attach("bild ä.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "image/png")
    assert backend.EmailBackend().send_messages([mail]) == 1
    payload, parsed = sent(aws)
    assert payload["FromEmailAddress"] == "noreply@example.com"
    assert payload["ConfigurationSetName"] == "tracked"
    assert payload["Destination"] == {
        "ToAddresses": ["ann@example.org"],
        "CcAddresses": ["bob@example.org"],
        "BccAddresses": ["carl@example.org"],
    }
    assert parsed["Bcc"] is None
    assert (parsed["Subject"], parsed["Reply-To"], parsed["Cc"]) == ("Grüße", "help@example.com", "bob@example.org")
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert text is not None
    assert text.get_content().replace("\r\n", "\n").rstrip("\n") == "Zeile äöü\n.\nFrom here"
    assert html is not None
    assert "Zeile äöü" in html.get_content()
    (attached,) = parsed.iter_attachments()
    assert attached.get_filename() == "bild ä.png"
    assert attached.get_content() == b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def test_long_line_is_encoded(stage: None, aws: AWSDouble) -> None:
    backend.EmailBackend().send_messages([message(body="x" * 5000)])
    assert sent(aws)[1].get_content().strip() == "x" * 5000


def test_messages_share_a_connection_which_is_opened_again_after_a_failure(stage: None, aws: AWSDouble) -> None:
    sender = backend.EmailBackend()
    with sender:
        assert sender.send_messages([message(), message()]) == 2
        assert sender.send_messages([message()]) == 1
        assert len(aws.connections) == 1
        aws.failures.append("reset")
        assert sender.send_messages([message()]) == 1
    assert len(aws.connections) == 2
    assert sender._mailer is None


def test_throttled_message_is_sent_again(stage: None, aws: AWSDouble) -> None:
    aws.failures.append((429, "TooManyRequestsException"))
    assert backend.EmailBackend().send_messages([message()]) == 1
    assert aws.operations == ["SendEmail", "SendEmail"]


def test_refusal_of_ses_is_an_error_with_a_hint(stage: None, aws: AWSDouble) -> None:
    aws.failures.append((400, "MessageRejected"))
    with pytest.raises(AWSCallFailed, match="SendEmail failed: MessageRejected") as caught:
        backend.EmailBackend().send_messages([message(), message()])
    assert (caught.value.service, caught.value.code) == ("ses", "MessageRejected")
    assert "sandbox" in caught.value.hint
    assert len(aws.calls) == 1


def test_silent_backend_counts_what_was_sent(stage: None, aws: AWSDouble) -> None:
    aws.failures.extend([(400, "MessageRejected"), None])
    mails = [message(), message(to=["ä@example.org"]), message(to=[]), message()]
    assert backend.EmailBackend(fail_silently=True).send_messages(mails) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ann@example.org", "ann@example.org"),
        ('"Ann, the first" <ann@example.org>', "ann@example.org"),
        ("Änn <ann@bücher.example>", "ann@xn--bcher-kva.example"),
    ],
)
def test_address_has_no_name_and_an_ascii_domain(text: str, found: str) -> None:
    assert backend.address(text) == found


@pytest.mark.parametrize("text", ["ann", "@example.org", "ann@", "änn@example.org", f"a@{'x' * 64}.org", "a@.org"])
def test_address_that_ses_does_not_support_is_refused(text: str) -> None:
    with pytest.raises(MailRefused):
        backend.address(text)


def test_message_over_the_limit_is_refused_before_it_is_sent(
    stage: None, aws: AWSDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "LARGEST", 1000)
    with pytest.raises(MailRefused, match=r"'Grüße' has 1,\d\d\d bytes; SES takes 1,000"):
        backend.EmailBackend().send_messages([message(body="x " * 600)])
    assert aws.calls == []


def test_backend_without_ses_in_the_stage_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aws: AWSDouble
) -> None:
    monkeypatch.setenv("POCKET_MANIFEST", str(write_manifest(tmp_path, manifest.Stage(stack_name="s"))))
    monkeypatch.setenv("POCKET_STAGE", "dev")
    with pytest.raises(configuration.SettingsError, match=r"needs a stage with \[ses\]"):
        backend.EmailBackend().send_messages([EmailMessage("a", "b", "c@example.com", ["d@example.com"])])


def chosen(path: str) -> dict[str, Any]:
    if django.VERSION >= (6, 1):
        return {"MAILERS": {"default": {"BACKEND": path}}}
    return {"EMAIL_BACKEND": path}


def test_settings_of_a_stage_with_ses() -> None:
    mail = manifest.Mail("noreply@example.com")
    addresses = {"DEFAULT_FROM_EMAIL": "noreply@example.com", "SERVER_EMAIL": "noreply@example.com"}
    found = configuration.settings(mail, {"SERVER_EMAIL": "ops@example.com", "X": 1}, deployed=True)
    assert found == {**chosen(configuration.BACKEND), **addresses, "SERVER_EMAIL": "ops@example.com"}
    own = {"EMAIL_BACKEND": "own.Backend", "EMAIL_HOST": "mail.example.com"}
    assert configuration.settings(mail, own, deployed=True) == own


def test_settings_without_ses() -> None:
    assert configuration.settings(None, {}, deployed=True) == {}
    assert configuration.settings(None, {"X": 1}, deployed=False) == chosen(configuration.CONSOLE)
    own = {"MAILERS": {"default": {"BACKEND": "own.Backend"}}}
    assert configuration.settings(None, own, deployed=False) == own


def test_send_mail_of_a_project_goes_through_ses(tmp_path: Path, aws: AWSDouble) -> None:
    write_manifest(tmp_path, STAGE)
    text = f"{SETTINGS}\nfrom pocket.django.utils import get_email_settings\nvars().update(get_email_settings())\n"
    environ = {**aws.environ, **write_settings(tmp_path, text), "POCKET_STAGE": "dev"}
    code = """
import django
django.setup()
from django.core.mail import mail_admins, send_mail
result = send_mail("subject", "text", None, ["ann@example.org"])
"""
    assert evaluate(code, tmp_path, environ) == 1
    payload, parsed = sent(aws)
    assert payload["FromEmailAddress"] == "noreply@example.com"
    assert parsed["From"] == "Board <noreply@example.com>"
