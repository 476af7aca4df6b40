"""The stack of a distribution's certificate: CloudFront takes certificates of us-east-1 only, wherever the stage is.

The certificate's logical id comes from its names and zones. So a changed one is another resource, and the distribution
moves to it before the old one goes.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from pocket.deploy.template.body import Template
from pocket.deploy.template.domains import certificate
from pocket.deploy.template.intrinsics import ref
from pocket.deploy.template.marks import description

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pocket.config import StageConfig

DISTRIBUTION = "AWS::CloudFront::Distribution"

REGION = "us-east-1"
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html"""

ARN_OUTPUT = "CertificateArn"


def certificate_stack_name(config: StageConfig) -> str:
    """The name of the certificate's stack."""
    return f"{config.stack_name}-certificate"


def render_certificate(config: StageConfig, names: Sequence[str], zone_ids: Mapping[str, str]) -> Template:
    """The stack of one certificate for `names`, validated in the hosted zone of each."""
    resource = certificate(names, zone_ids)
    text = json.dumps(resource, sort_keys=True)
    name = f"Certificate{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return Template(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": description(config, "Certificate of stage"),
            "Resources": {name: resource},
            "Outputs": {ARN_OUTPUT: {"Value": ref(name)}},
        }
    )


def with_former(wanted: Template, deployed: Mapping[str, Any]) -> Template:
    """The wanted template, and the deployed certificates, which the live distribution uses."""
    existing = deployed.get("Resources") or {}
    return Template({**wanted.body, "Resources": {**existing, **wanted.body["Resources"]}})


def used_by_distribution(body: Mapping[str, Any]) -> set[str]:
    """The ARNs of the certificates that the distributions of a deployed template name."""
    resources: Mapping[str, Any] = body.get("Resources") or {}
    kinds = (item["Properties"] for item in resources.values() if item["Type"] == DISTRIBUTION)
    found = (item["DistributionConfig"].get("ViewerCertificate", {}).get("AcmCertificateArn") for item in kinds)
    return {arn for arn in found if isinstance(arn, str)}
