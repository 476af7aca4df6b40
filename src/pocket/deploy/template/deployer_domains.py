"""What the deployer of a stage with domains of its own needs: hosted zones, certificates, and names at API Gateway.

Records and certificates are allowed for the stage's domains only. A policy for another domain does not allow the
removal of this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.deploy.template.domains import RECORD_TYPES
from pocket.deploy.template.intrinsics import allow
from pocket.deploy.template.marks import marks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pocket.config import StageConfig
    from pocket.config.stage import Domain
    from pocket.deploy.template.boundary import Place

    Statement = dict[str, Any]

_FIND_ZONES = ["route53:ListHostedZones", "route53:ListHostedZonesByName"]
_ZONES = ["route53:GetHostedZone", "route53:ListResourceRecordSets"]
_CERTIFICATES = [
    "acm:AddTagsToCertificate",
    "acm:DescribeCertificate",
    "acm:ListTagsForCertificate",
    "acm:RemoveTagsFromCertificate",
]
_NAMES = [
    "apigateway:AddCertificateToDomain",
    "apigateway:DELETE",
    "apigateway:GET",
    "apigateway:PATCH",
    "apigateway:POST",
    "apigateway:PUT",
    "apigateway:RemoveCertificateFromDomain",
]


def domain_statements(stage: StageConfig, place: Place) -> Iterator[Statement]:
    """The statements for the stage's domains; none for a stage without one."""
    if not stage.domains:
        return
    names = [domain.name for domain in stage.domains]
    yield from _records(place, [domain for domain in stage.domains if domain.create_records])
    yield from certificate_statements(stage, place, [item.name for item in stage.domains if not item.certificate_arn])
    if any(domain.certificate_arn for domain in stage.domains):
        own = sorted(domain.certificate_arn for domain in stage.domains if domain.certificate_arn)
        yield allow("OwnCertificates", ["acm:DescribeCertificate"], own)
    if any(not domain.create_records and not domain.certificate_arn for domain in stage.domains):
        yield allow("FindCertificates", ["acm:ListCertificates"], ["*"])
    root = f"arn:{place.partition}:apigateway:{place.region}::/domainnames"
    yield allow("DomainNames", _NAMES, [root, *(f"{root}/{name}{end}" for name in names for end in ("", "/*"))])


def certificate_statements(
    stage: StageConfig, place: Place, names: Sequence[str], suffix: str = ""
) -> Iterator[Statement]:
    """The statements for certificates of `names` in the place's region; `suffix` ends their ids."""
    if not names:
        return
    arns = [place.arn("acm", "certificate/*")]
    only = {"ForAllValues:StringEquals": {"acm:DomainNames": list(names)}}
    yield allow(f"RequestCertificates{suffix}", ["acm:RequestCertificate"], ["*"], **only)
    yield allow(f"Certificates{suffix}", _CERTIFICATES, arns)
    tagged = {f"aws:ResourceTag/{key}": value for key, value in marks(stage).items()}
    yield allow(f"RemoveCertificates{suffix}", ["acm:DeleteCertificate"], arns, StringEquals=tagged)


def _records(place: Place, domains: Sequence[Domain]) -> Iterator[Statement]:
    """What the records of domains need: an alias record for each, and the record that validates its certificate.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html
    """
    if not domains:
        return
    root = f"arn:{place.partition}:route53:::"
    zones = sorted({f"{root}hostedzone/{domain.zone_id or '*'}" for domain in domains})
    names = [name for domain in domains for name in (domain.name, f"_*.{domain.name}")]
    only = {
        "ForAllValues:StringLike": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": names},
        "ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": [*RECORD_TYPES, "CNAME"]},
    }
    yield allow("FindHostedZones", _FIND_ZONES, ["*"])
    yield allow("HostedZones", _ZONES, zones)
    yield allow("Records", ["route53:ChangeResourceRecordSets"], zones, **only)
    yield allow("RecordChanges", ["route53:GetChange"], [f"{root}change/*"])
