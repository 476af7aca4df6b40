"""The gate of mail, against SES on the local AWS, asked as if it were AWS."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deploying import SMALL, PlanRecorder, project

from pocket.config import StageConfig
from pocket.deploy.aws.session import Clients
from pocket.deploy.gates import mail
from pocket.deploy.target import Target
from pocket.errors import GateRefused


@pytest.fixture
def aws(target: Target) -> Clients:
    return Clients(replace(target, keeps_mail=False))


def account(ses: Any, *, production: bool) -> None:
    ses.put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://shop.example", ProductionAccessEnabled=production
    )


def stage(folder: Path, sender: str) -> StageConfig:
    text = f'{SMALL}\n[ses]\nfrom_email = "Shop <{sender}>"\nregion = "us-east-1"\n'
    return project(folder, text).stage("dev")


def test_sender_without_a_verified_identity_is_refused_with_the_command_that_makes_one(
    tmp_path: Path, aws: Clients
) -> None:
    with pytest.raises(GateRefused) as caught:
        mail.check(aws, stage(tmp_path, "noreply@mail.none.example"), PlanRecorder(), 3)
    assert "looked for noreply@mail.none.example and mail.none.example and none.example" in caught.value.message
    assert "release 3 stays live" in caught.value.message
    assert "create-email-identity --region us-east-1 --email-identity mail.none.example" in caught.value.hint


def test_identity_of_a_domain_above_is_enough_and_the_sandbox_is_a_note(tmp_path: Path, aws: Clients) -> None:
    ses = aws.in_region("us-east-1").sesv2
    ses.create_email_identity(EmailIdentity="shop.example")
    account(ses, production=False)
    recorder = PlanRecorder()
    mail.check(aws, stage(tmp_path, "noreply@mail.shop.example"), recorder, None)
    assert len(recorder.notes) == 1
    assert "SES in us-east-1 is in the sandbox, and sends only to verified addresses" in recorder.notes[0]


def test_production_access_is_no_note(tmp_path: Path, aws: Clients) -> None:
    ses = aws.in_region("us-east-1").sesv2
    ses.create_email_identity(EmailIdentity="noreply@own.example")
    account(ses, production=True)
    recorder = PlanRecorder()
    mail.check(aws, stage(tmp_path, "noreply@own.example"), recorder, None)
    assert recorder.notes == []


def test_local_aws_and_a_stage_without_mail_are_not_asked(tmp_path: Path, target: Target) -> None:
    recorder = PlanRecorder()
    mail.check(Clients(replace(target, keeps_mail=True)), stage(tmp_path, "noreply@none.example"), recorder, None)
    mail.check(Clients(replace(target, keeps_mail=False)), project(tmp_path, SMALL).stage("dev"), recorder, None)
    assert recorder.notes == []
