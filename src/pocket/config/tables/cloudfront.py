"""`[cloudfront]`: the distribution in front of the site, its static files and its uploads."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pocket.config import patterns
from pocket.config.tables.handlers import DomainName
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

    domain: DomainName | None = Field(None, description="Domain of the site. Defaults to an address of CloudFront.")
    aliases: list[DomainName] = Field(
        default_factory=list, description="Other domains, which are redirected to `domain`, such as `example.com`."
    )
    certificate_arn: str | None = Field(
        None,
        pattern=patterns.EDGE_CERTIFICATE_ARN,
        description="Certificate of ACM to use for the domain and its aliases, in us-east-1. By default"
        " Pocket creates one.",
    )
    create_records: bool = Field(
        True, description="Create the domains' records in their hosted zones. Otherwise the deploy shows what to enter."
    )
    hosted_zone_id_override: str | None = Field(
        None,
        pattern=patterns.ZONE_ID,
        description="Id of the hosted zone for all records. Defaults, for each domain, to the public one with the"
        " longest name that it ends with.",
    )
    price_class: Literal["PriceClass_100", "PriceClass_200", "PriceClass_All"] = Field(
        "PriceClass_All", description="Which of CloudFront's locations answer; fewer cost less."
    )
    waf_acl_arn: str | None = Field(
        None, pattern=patterns.WEB_ACL, description="Web ACL of AWS WAF; one for CloudFront, in us-east-1."
    )
    logging: CloudFrontLogging | None = Field(None, description="Log files of the distribution's requests.")

    @property
    def names(self) -> tuple[str, ...]:
        """The domain and its aliases."""
        return () if self.domain is None else (self.domain, *self.aliases)
