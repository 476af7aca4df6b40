"""What the deployer of a stage with a distribution needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.deploy.template.cdn import account_wide_name
from pocket.deploy.template.intrinsics import allow
from pocket.deploy.template.marks import marks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.config import StageConfig
    from pocket.deploy.template.boundary import Place

    Statement = dict[str, Any]

_DISTRIBUTIONS = [
    "cloudfront:CreateDistribution",
    "cloudfront:CreateDistributionWithTags",
    "cloudfront:GetDistribution",
    "cloudfront:GetDistributionConfig",
]
_CHANGES = [
    "cloudfront:CreateInvalidation",
    "cloudfront:DeleteDistribution",
    "cloudfront:UntagResource",
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
_FUNCTION_TAGS = ["cloudfront:TagResource", "cloudfront:UntagResource"]
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
    """CloudFront chooses the ids of distributions, so the stage's is known by its tags.

    A distribution gets its tags while it is created, when it has none to compare. So the policy allows to tag one that
    is not tagged as another stage's.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html
    """
    if stage.cloudfront is None:
        return
    distributions = place.cdn("distribution/*")
    function = place.cdn(f"function/{account_wide_name(stage)}")
    tagged = {f"aws:ResourceTag/{key}": value for key, value in marks(stage).items()}
    yield allow("Distributions", _DISTRIBUTIONS, [distributions])
    yield allow("DistributionChanges", _CHANGES, [distributions], StringEquals=tagged)
    yield allow("DistributionTags", ["cloudfront:TagResource"], [distributions], StringEqualsIfExists=tagged)
    yield allow("DistributionFunction", [*_CDN_FUNCTIONS, *_FUNCTION_TAGS], [function])
    yield allow("ReadDistributionTags", ["cloudfront:ListTagsForResource"], [distributions, function])
    parts = [f"cloudfront:{verb}{name}" for name in _CDN_PARTS.values() for verb in _VERBS]
    yield allow("DistributionParts", parts, [place.cdn(f"{name}/*") for name in _CDN_PARTS])
    if stage.signed_uploads:
        # AWS has no narrower resource for these actions.
        keys = [f"cloudfront:{verb}{name}" for name in ("PublicKey", "KeyGroup") for verb in _VERBS]
        yield allow("SigningKeys", keys, ["*"])
    if stage.cloudfront.logging is not None:
        yield allow("DistributionLogs", CDN_LOGS, [place.bucket(stage.cloudfront.logging.bucket)])
