"""Certificates of ACM outside of a stack: the user's own, and those that wait for records which the user enters.

CloudFormation would wait for such records for hours, so Pocket requests the certificate itself, with the stage's tags,
and finds it again by them.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pocket.deploy.template.marks import listed, marked, marks
from pocket.errors import AWSCallFailed, DeployError, PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mypy_boto3_acm.type_defs import CertificateDetailTypeDef

    from pocket.config import StageConfig
    from pocket.deploy.aws.session import Clients

ISSUED, PENDING = "ISSUED", "PENDING_VALIDATION"

RECORDS_KNOWN_AFTER = 60
"""Seconds within which ACM has the records of a certificate that was just requested."""

RELEASED_AFTER, PAUSE = 60.0, 2.0
"""Seconds within which a deleted domain has let go of its certificate, and between two looks."""


@dataclass(frozen=True)
class Certificate:
    """A certificate of ACM; `status` is ACM's word, `records` name and value of each CNAME record that validates it."""

    arn: str
    status: str
    names: tuple[str, ...]
    records: tuple[tuple[str, str], ...] = ()

    def covers(self, name: str) -> bool:
        """Whether it is valid for that host: by its name, or by a wildcard for the label before the parent domain."""
        return bool({name, f"*.{name.partition('.')[2]}"} & set(self.names))


def read(clients: Clients, arn: str) -> Certificate:
    """The certificate. Raises PlanRefused where the account has none of that ARN in the clients' region."""
    try:
        found = clients.acm.describe_certificate(CertificateArn=arn)["Certificate"]
    except AWSCallFailed as error:
        if error.code != "ResourceNotFoundException":
            raise
        raise PlanRefused(
            f"There is no certificate {arn}.", f"List them: aws acm list-certificates --region {clients.target.region}"
        ) from error
    return _certificate(found)


def check(clients: Clients, arn: str, names: Sequence[str]) -> None:
    """Raises PlanRefused for a certificate that does not exist, is not issued, or is not for all of `names`."""
    found = read(clients, arn)
    if found.status != ISSUED:
        raise PlanRefused(
            f"Certificate {arn} is not issued: its status is {found.status}.",
            "Validate or renew it. Or remove certificate_arn: Pocket then creates a certificate.",
        )
    if missing := [name for name in names if not found.covers(name)]:
        raise PlanRefused(
            f"Certificate {arn} is for {', '.join(found.names)}, not for {', '.join(missing)}.",
            "Use a certificate with that name. Or remove certificate_arn: Pocket then creates one.",
        )


def requested(clients: Clients, stage: StageConfig, names: Sequence[str]) -> Certificate | None:
    """The stage's certificate for exactly those names that is issued, or else waits for its records; None without."""
    found = [item for item in of_stage(clients, stage, names[0]) if set(item.names) == set(names)]
    issued = next((item for item in found if item.status == ISSUED), None)
    return issued or next((item for item in found if item.status == PENDING), None)


def of_stage(clients: Clients, stage: StageConfig, first: str | None = None) -> Iterator[Certificate]:
    """Every certificate that Pocket requested for the stage outside of a stack, whatever its status.

    With `first`, only those whose first name it is.
    """
    for page in clients.acm.get_paginator("list_certificates").paginate():
        for summary in page["CertificateSummaryList"]:
            if first in {None, summary["DomainName"]}:
                yield from requested_of(clients, stage, [summary["CertificateArn"]])


def requested_of(clients: Clients, stage: StageConfig, arns: Iterable[str]) -> Iterator[Certificate]:
    """Those of the certificates in the region of `clients` that exist and that Pocket requested for the stage."""
    for arn in arns:
        try:
            found = clients.acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]
        except AWSCallFailed as error:
            # The deployer may read those that it requested, and those of the user's that the file names now.
            if error.code not in {"ResourceNotFoundException", "AccessDenied", "AccessDeniedException"}:
                raise
            continue
        tags = {item["Key"]: item.get("Value", "") for item in found}
        if marked(stage, tags) and REQUESTED in tags:
            yield read(clients, arn)


REQUESTED = "pocket:requested"
"""A tag of certificates outside of a stack: those in stacks have the stage's tags as well."""


def request(clients: Clients, stage: StageConfig, names: Sequence[str]) -> Certificate:
    """Requests a certificate for the names; returns it with the records that validate it.

    Raises DeployError where ACM does not give out the records in time.
    """
    first, *others = names
    tags = {**stage.general.tags, **marks(stage), REQUESTED: first}
    more: dict[str, Any] = {"SubjectAlternativeNames": others} if others else {}
    token = hashlib.sha256(" ".join((stage.stack_name, *names)).encode()).hexdigest()[:32]
    arn = clients.acm.request_certificate(
        DomainName=first,
        ValidationMethod="DNS",
        # Asked twice within the hour, ACM gives the same certificate.
        IdempotencyToken=token,
        Tags=listed(tags),
        **more,
    )["CertificateArn"]
    last = time.monotonic() + RECORDS_KNOWN_AFTER
    while (found := read(clients, arn)).status == PENDING and not found.records:
        if time.monotonic() > last:
            raise DeployError(
                f"ACM has not given out the records of certificate {arn} within {RECORDS_KNOWN_AFTER} s.",
                "Deploy again: Pocket finds the certificate and shows its records.",
            )
        time.sleep(PAUSE)
    return found


def delete(clients: Clients, arn: str) -> str:
    """Deletes the certificate once nothing uses it any more; returns a description of it.

    Raises AWSCallFailed where something uses it for longer than RELEASED_AFTER seconds.
    """
    last = time.monotonic() + RELEASED_AFTER
    while True:
        try:
            clients.acm.delete_certificate(CertificateArn=arn)
        except AWSCallFailed as error:
            if error.code == "ResourceNotFoundException":
                return f"certificate {arn}, already deleted"
            if error.code != "ResourceInUseException" or time.monotonic() > last:
                raise
            time.sleep(PAUSE)
        else:
            return f"certificate {arn}"


def _certificate(found: CertificateDetailTypeDef) -> Certificate:
    options = found.get("DomainValidationOptions", [])
    records = [option["ResourceRecord"] for option in options if "ResourceRecord" in option]
    return Certificate(
        found["CertificateArn"],
        found["Status"],
        tuple(found.get("SubjectAlternativeNames") or [found["DomainName"]]),
        tuple(dict.fromkeys((item["Name"].rstrip("."), item["Value"].rstrip(".")) for item in records)),
    )
