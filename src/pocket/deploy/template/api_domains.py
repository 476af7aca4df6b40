"""A domain of an HTTP API: its certificate, its name at API Gateway, the mapping to the API, and its records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.domains import RECORD_TYPES, alias_records, certificate, domain_id
from pocket.deploy.template.intrinsics import attribute, ref

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.deploy.template.inputs import Inputs
    from pocket.deploy.template.intrinsics import Resource

NAME, MAPPING = "AWS::ApiGatewayV2::DomainName", "AWS::ApiGatewayV2::ApiMapping"


def api_domain(inputs: Inputs, handler: str, domain: str) -> dict[str, Resource]:
    """The domain of the handler's API. A certificate of `inputs.certificates` is used as it is; records are created
    where `inputs.zones` has the domain."""
    name, mapping = domain_id(domain, "Name"), domain_id(domain, "Mapping")
    found: dict[str, Resource] = {}
    arn: Any = inputs.certificates.get(domain)
    if arn is None:
        issued = domain_id(domain, "Certificate")
        found[issued], arn = certificate([domain], inputs.zones), ref(issued)
    found[name] = {
        "Type": NAME,
        "Properties": {
            "DomainName": domain,
            "DomainNameConfigurations": [
                {
                    "CertificateArn": arn,
                    "EndpointType": "REGIONAL",
                    "IpAddressType": "dualstack",
                    "SecurityPolicy": "TLS_1_2",
                }
            ],
        },
    }
    found[mapping] = {
        "Type": MAPPING,
        "Properties": {
            "ApiId": ref(naming.logical_id(handler, "Api")),
            "DomainName": ref(name),
            "Stage": ref(naming.logical_id(handler, "ApiStage")),
        },
    }
    if (zone := inputs.zones.get(domain)) is not None:
        target = attribute(name, "RegionalDomainName"), attribute(name, "RegionalHostedZoneId")
        found.update(alias_records(domain, zone, *target, depends_on=mapping))
    return found


def deployed_domains(body: Mapping[str, Any]) -> set[str]:
    """The domains of APIs that a deployed template has; the user's own resources are not among them."""
    return {str(item["Properties"]["DomainName"]) for item in _names(body)}


def used_certificates(body: Mapping[str, Any]) -> set[str]:
    """The ARNs of the certificates of domains that a deployed template names, and that are not part of it."""
    found = (item["Properties"]["DomainNameConfigurations"][0]["CertificateArn"] for item in _names(body))
    return {arn for arn in found if isinstance(arn, str)}


def leading_to_live(inputs: Inputs, deployed: Mapping[str, Any]) -> set[str]:
    """The logical ids of the mappings and records of domains whose API is deployed.

    They are created with the candidate, and lead to the live release until `live` moves: at every moment the old domain
    or the new one answers.
    """
    existing: Mapping[str, Resource] = deployed.get("Resources") or {}
    return {
        domain_id(domain.name, kind)
        for domain in inputs.config.domains
        if domain.handler is not None and naming.logical_id(domain.handler, "ApiStage") in existing
        for kind in ("Mapping", *(f"Record{item}" for item in RECORD_TYPES))
    }


def _names(body: Mapping[str, Any]) -> list[Resource]:
    resources: Mapping[str, Resource] = body.get("Resources") or {}
    names = ((name, item) for name, item in resources.items() if item["Type"] == NAME)
    return [item for name, item in names if name == domain_id(str(item["Properties"].get("DomainName")), "Name")]
