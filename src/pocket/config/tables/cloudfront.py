"""`[cloudfront]`: the distribution in front of the site, its static files and its uploads."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pocket.config import patterns
from pocket.config.tables.table import Table


class CloudFrontLogging(Table):
    """Log files of the distribution's requests."""

    bucket: str = Field(
        pattern=patterns.BUCKET,
        description="Bucket of your own that accepts ACLs (object ownership `BucketOwnerPreferred`).",
    )
    prefix: str = Field("", pattern=patterns.LOG_PREFIX, description="What the names of the log files begin with.")
    cookies: bool = Field(False, description="Log cookies, too.")


class CloudFront(Table):
    """The CloudFront distribution in front of the handler with an HTTP API and of the bucket."""

    price_class: Literal["PriceClass_100", "PriceClass_200", "PriceClass_All"] = Field(
        "PriceClass_All", description="Which of CloudFront's locations answer; fewer cost less."
    )
    waf_acl_arn: str | None = Field(
        None, pattern=patterns.WEB_ACL, description="Web ACL of AWS WAF; one for CloudFront, in us-east-1."
    )
    logging: CloudFrontLogging | None = Field(None, description="Log files of the distribution's requests.")
