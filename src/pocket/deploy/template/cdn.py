"""The CloudFront distribution of a stage: the HTTP API for the site, the private bucket for static files and uploads.

The ids of managed policies are those of the CloudFront developer guide, "Use managed cache policies", "... origin
request policies" and "... response headers policies". The function code is plain, since CloudFront limits its runtime.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.domains import UNKNOWN_ARN, alias_records
from pocket.deploy.template.intrinsics import attribute, ref, substituted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pocket.config import StageConfig
    from pocket.config.tables.cloudfront import CloudFront
    from pocket.config.tables.django import Storage
    from pocket.deploy.template.inputs import Inputs
    from pocket.deploy.template.intrinsics import Resource

DISTRIBUTION = "CloudFrontDistribution"
ACCESS = "CloudFrontAccess"
REWRITES = "CloudFrontRewrites"
CACHING = "CloudFrontCaching"
UPLOADS = "CloudFrontUploads"
KEY_GROUP = "CloudFrontKeyGroup"
SECRET_PARAMETER = "OriginSecret"  # noqa: S105 - the parameter's name
DISTRIBUTION_OUTPUT = "CloudFrontDistributionId"

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
"""By path alone, for as long as an object's Cache-Control header says, or a day; compressed."""

ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
"""Everything that the viewer sent but Host: API Gateway answers only to its own."""

SIMPLE_CORS = "60669652-455b-4ae9-85a4-c4c02393f86c"
"""Access-Control-Allow-Origin: *, which browsers require for fonts and module scripts of another site."""

CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"
"""The hosted zone of every distribution, for alias records:
https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html"""

YEAR = 31_536_000

ERRORS = (400, 403, 404, 405, 414, 500, 501, 502, 503, 504)
"""The statuses that CloudFront would cache for 10 seconds at least, most of them whatever their headers say:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html#HTTPStatusCodes-cached-errors"""

READ_TIMEOUT = 35
"""Seconds; an HTTP API answers within 30, with an error of its own if the function is late."""

_KEY = ("accept", "accept-language", "authorization", "origin", "x-requested-with", naming.HOST_HEADER)
"""The headers of a cached page's key, beside all cookies and the query: CloudFront does not follow Vary."""

_UPLOADS_POLICY = (
    "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; form-action 'none';"
    " base-uri 'none'"
)
"""An uploaded page is of the site's own origin, so it must not run scripts."""

_REWRITES = """\
var SITE = %s;
function handler(event) {
  var request = event.request;
  var host = request.headers.host ? request.headers.host.value : '';
  if (SITE.aliases.indexOf(host) >= 0) {
    var location = 'https://' + SITE.domain + request.uri + query(request.querystring);
    return {statusCode: 308, statusDescription: 'Permanent Redirect', headers: {location: {value: location}}};
  }
  request.headers['%s'] = {value: host};
  request.headers['%s'] = {value: event.viewer.ip};
  return request;
}
function query(fields) {
  var parts = [];
  for (var name in fields) {
    (fields[name].multiValue || [fields[name]]).forEach(function (item) { parts.push(name + '=' + item.value); });
  }
  return parts.length ? '?' + parts.join('&') : '';
}
"""


def cdn(inputs: Inputs) -> dict[str, Resource]:
    """The distribution with all that it refers to; empty without `[cloudfront]`."""
    declared, handler = inputs.config.cloudfront, inputs.config.cdn_handler
    if declared is None or handler is None:
        return {}
    name = account_wide_name(inputs.config)
    storages = served(inputs.config)
    found = {REWRITES: _rewrites(name, declared), CACHING: _caching(name)}
    if storages:
        found[ACCESS] = _access(name)
    if any(not storage.static for storage in storages.values()):
        found[UPLOADS] = _uploads(name)
    if key := signing_key(inputs):
        found |= _keys(name, key, base64.b64decode(_public(inputs)).decode())
    found[DISTRIBUTION] = _distribution(inputs, declared, handler, storages)
    # The records lead to the distribution once its site is live, which the API's stage stands for.
    live = naming.logical_id(handler, "ApiStage")
    for domain in declared.names:
        if (zone := inputs.zones.get(domain)) is not None:
            target = attribute(DISTRIBUTION, "DomainName")
            found |= alias_records(domain, zone, target, CLOUDFRONT_ZONE, depends_on=live)
    return found


def served(config: StageConfig) -> dict[str, Storage]:
    """The storages that the distribution serves by the prefix of their keys and paths, the most specific first."""
    storages = {} if config.awscontainer is None else config.awscontainer.django.storages
    found = {naming.key_prefix(item.location): item for item in storages.values() if item.store == "cloudfront"}
    return {prefix: found[prefix] for prefix in sorted(found, key=lambda prefix: (-prefix.count("/"), prefix))}


def aliases_of(body: Mapping[str, Any]) -> set[str]:
    """The domains of the distribution of a deployed template."""
    resource = (body.get("Resources") or {}).get(DISTRIBUTION, {})
    return set(resource.get("Properties", {}).get("DistributionConfig", {}).get("Aliases", ()))


def account_wide_name(config: StageConfig) -> str:
    """The name of what CloudFront has once for all regions of an account, 55 characters at most."""
    digest = hashlib.sha256(f"{config.region}/{config.stack_name}".encode()).hexdigest()[:10]
    return f"{config.stack_name[:44]}-{digest}"


def signing_key(inputs: Inputs) -> str | None:
    """The logical id of the public key of signed addresses, which changes with the key: CloudFront changes none."""
    if not inputs.config.signed_uploads:
        return None
    return f"CloudFrontKey{hashlib.sha256(_public(inputs).encode()).hexdigest()[:10]}"


def _public(inputs: Inputs) -> str:
    """The public key in Base64; "" before a deploy has looked for it, which CloudFront refuses."""
    return inputs.secrets.get(naming.SIGNING_PUBLIC, "")


def _rewrites(name: str, declared: CloudFront) -> Resource:
    """The function that redirects the aliases, and passes the viewer's host and address on to the site."""
    site = json.dumps({"domain": declared.domain or "", "aliases": declared.aliases})
    return {
        "Type": "AWS::CloudFront::Function",
        "Properties": {
            "Name": name,
            "AutoPublish": True,
            "FunctionCode": _REWRITES % (site, naming.HOST_HEADER, naming.CLIENT_HEADER),
            "FunctionConfig": {"Comment": "Passes on the viewer's host and address.", "Runtime": "cloudfront-js-2.0"},
        },
    }


def _caching(name: str) -> Resource:
    """Pages are cached only if their own headers say so."""
    key = {
        "CookiesConfig": {"CookieBehavior": "all"},
        "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": list(_KEY)},
        "QueryStringsConfig": {"QueryStringBehavior": "all"},
        "EnableAcceptEncodingBrotli": True,
        "EnableAcceptEncodingGzip": True,
    }
    policy = {
        "Name": name,
        "MinTTL": 0,
        "DefaultTTL": 0,
        "MaxTTL": YEAR,
        "ParametersInCacheKeyAndForwardedToOrigin": key,
    }
    return {"Type": "AWS::CloudFront::CachePolicy", "Properties": {"CachePolicyConfig": policy}}


def _access(name: str) -> Resource:
    control = {
        "Name": name,
        "OriginAccessControlOriginType": "s3",
        "SigningBehavior": "always",
        "SigningProtocol": "sigv4",
    }
    return {"Type": "AWS::CloudFront::OriginAccessControl", "Properties": {"OriginAccessControlConfig": control}}


def _uploads(name: str) -> Resource:
    """The headers of uploads."""
    headers = {
        "ContentSecurityPolicy": {"ContentSecurityPolicy": _UPLOADS_POLICY, "Override": True},
        "ContentTypeOptions": {"Override": True},
    }
    policy = {"Name": name, "SecurityHeadersConfig": headers}
    return {"Type": "AWS::CloudFront::ResponseHeadersPolicy", "Properties": {"ResponseHeadersPolicyConfig": policy}}


def _keys(name: str, key: str, pem: str) -> dict[str, Resource]:
    public = {"CallerReference": key, "Name": f"{name}-{key[-10:]}", "EncodedKey": pem}
    group = {"Name": name, "Items": [ref(key)]}
    return {
        key: {"Type": "AWS::CloudFront::PublicKey", "Properties": {"PublicKeyConfig": public}},
        KEY_GROUP: {"Type": "AWS::CloudFront::KeyGroup", "Properties": {"KeyGroupConfig": group}},
    }


def _distribution(inputs: Inputs, declared: CloudFront, handler: str, storages: dict[str, Storage]) -> Resource:
    config: dict[str, Any] = {
        "Enabled": True,
        "Comment": f"Stage {inputs.config.name} of {inputs.config.project_name}",
        "HttpVersion": "http2and3",
        "IPV6Enabled": True,
        "PriceClass": declared.price_class,
        "Origins": list(_origins(inputs, handler, storages)),
        "DefaultCacheBehavior": _site(),
        "CacheBehaviors": [_files(prefix, storage) for prefix, storage in storages.items()],
        "CustomErrorResponses": [{"ErrorCode": status, "ErrorCachingMinTTL": 0} for status in ERRORS],
    }
    if declared.domain is not None:
        config["Aliases"] = list(declared.names)
        config["ViewerCertificate"] = {
            "AcmCertificateArn": inputs.certificates.get(declared.domain, UNKNOWN_ARN),
            "MinimumProtocolVersion": "TLSv1.2_2021",
            "SslSupportMethod": "sni-only",
        }
    if declared.waf_acl_arn is not None:
        config["WebACLId"] = declared.waf_acl_arn
    if declared.logging is not None:
        config["Logging"] = {
            "Bucket": f"{declared.logging.bucket}.s3.amazonaws.com",
            "Prefix": declared.logging.prefix,
            "IncludeCookies": declared.logging.cookies,
        }
    return {"Type": "AWS::CloudFront::Distribution", "Properties": {"DistributionConfig": config}}


def _origins(inputs: Inputs, handler: str, storages: dict[str, Storage]) -> Iterator[dict[str, Any]]:
    api = naming.logical_id(handler, "Api")
    yield {
        "Id": "site",
        "DomainName": substituted(f"${{{api}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}"),
        "CustomOriginConfig": {
            "OriginProtocolPolicy": "https-only",
            "OriginSSLProtocols": ["TLSv1.2"],
            "OriginReadTimeout": READ_TIMEOUT,
        },
        "OriginCustomHeaders": [{"HeaderName": naming.ORIGIN_HEADER, "HeaderValue": ref(SECRET_PARAMETER)}],
    }
    if storages:
        yield {
            "Id": "files",
            "DomainName": substituted(f"{inputs.config.bucket_name}.s3.${{AWS::Region}}.${{AWS::URLSuffix}}"),
            "S3OriginConfig": {"OriginAccessIdentity": ""},
            "OriginAccessControlId": attribute(ACCESS, "Id"),
        }


def _site() -> dict[str, Any]:
    return {
        "TargetOriginId": "site",
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
        "CachedMethods": ["GET", "HEAD"],
        "CachePolicyId": ref(CACHING),
        "OriginRequestPolicyId": ALL_VIEWER_EXCEPT_HOST,
        "Compress": True,
        "FunctionAssociations": [
            {"EventType": "viewer-request", "FunctionARN": attribute(REWRITES, "FunctionARN")},
        ],
    }


def _files(prefix: str, storage: Storage) -> dict[str, Any]:
    behavior: dict[str, Any] = {
        "PathPattern": f"/{prefix}*",
        "TargetOriginId": "files",
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": ["GET", "HEAD"],
        "CachedMethods": ["GET", "HEAD"],
        "CachePolicyId": CACHING_OPTIMIZED,
        "ResponseHeadersPolicyId": SIMPLE_CORS if storage.static else ref(UPLOADS),
        "Compress": True,
    }
    if storage.signed:
        behavior["TrustedKeyGroups"] = [ref(KEY_GROUP)]
    return behavior
