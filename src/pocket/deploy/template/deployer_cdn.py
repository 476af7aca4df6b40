"""What the deployer of a stage with a distribution needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.deploy.template.cdn import account_wide_name
from pocket.deploy.template.intrinsics import allow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.config import StageConfig
    from pocket.deploy.template.boundary import Place

    Statement = dict[str, Any]

_DISTRIBUTIONS = [
    "cloudfront:CreateDistribution",
    "cloudfront:CreateDistributionWithTags",
    "cloudfront:CreateInvalidation",
    "cloudfront:DeleteDistribution",
    "cloudfront:GetDistribution",
    "cloudfront:GetDistributionConfig",
    "cloudfront:UpdateDistribution",
]
_CDN_FUNCTIONS = [
    "cloudfront:CreateFunction",
    "cloudfront:DeleteFunction",
    "cloudfront:DescribeFunction",
    "cloudfront:GetFunction",
    "cloudfront:PublishFunction",
    "cloudfront:UpdateFunction",
]
_CDN_TAGS = ["cloudfront:ListTagsForResource", "cloudfront:TagResource", "cloudfront:UntagResource"]
_CDN_PARTS = {
    "origin-access-control": "OriginAccessControl",
    "cache-policy": "CachePolicy",
    "response-headers-policy": "ResponseHeadersPolicy",
}
"""What a distribution refers to: the names in ARNs and in actions."""

CDN_LOGS = ["s3:GetBucketAcl", "s3:PutBucketAcl"]
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging-legacy-s3.html"""

_VERBS = ("Create", "Delete", "Get", "Update")


def cdn_statements(stage: StageConfig, place: Place) -> Iterator[Statement]:
    """CloudFront chooses ids, too: a deployer with a distribution may change every distribution of the account."""
    if stage.cloudfront is None:
        return
    distributions = place.cdn("distribution/*")
    function = place.cdn(f"function/{account_wide_name(stage)}")
    yield allow("Distributions", _DISTRIBUTIONS, [distributions])
    yield allow("DistributionFunction", _CDN_FUNCTIONS, [function])
    yield allow("DistributionTags", _CDN_TAGS, [distributions, function])
    parts = [f"cloudfront:{verb}{name}" for name in _CDN_PARTS.values() for verb in _VERBS]
    yield allow("DistributionParts", parts, [place.cdn(f"{name}/*") for name in _CDN_PARTS])
    if stage.signed_uploads:
        # AWS has no narrower resource for these actions.
        keys = [f"cloudfront:{verb}{name}" for name in ("PublicKey", "KeyGroup") for verb in _VERBS]
        yield allow("SigningKeys", keys, ["*"])
    if stage.cloudfront.logging is not None:
        yield allow("DistributionLogs", CDN_LOGS, [place.bucket(stage.cloudfront.logging.bucket)])
