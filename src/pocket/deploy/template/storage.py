"""The storage stack: the bucket of artifacts and the stage's bucket.

It is a stack of its own because both must exist before the functions do: code is uploaded before a function can
name it, and hashed static files before `live` serves pages that link to them.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.body import Template
from pocket.deploy.template.cdn import served
from pocket.deploy.template.events import notifications
from pocket.deploy.template.intrinsics import bucket_arn, ref, requires_tls, substituted
from pocket.deploy.template.marks import description

if TYPE_CHECKING:
    from pocket.config import StageConfig
    from pocket.config.tables.s3 import S3
    from pocket.deploy.template.intrinsics import Resource

ARTIFACT_BUCKET = "ArtifactBucket"
BUCKET = "Bucket"
NOTIFICATIONS = "NotificationConfiguration"


def storage_stack_name(config: StageConfig) -> str:
    """The storage stack's name."""
    return f"{config.stack_name}-storage"


def artifact_bucket_name(config: StageConfig, account: str) -> str:
    """The artifact bucket's name: bucket names are unique in all of AWS, so it has a hash of the account."""
    name = config.resource_name()
    digest = hashlib.sha256(f"{account}/{config.region}/{name}".encode()).hexdigest()[:10]
    return f"{re.sub(r'[^a-z0-9-]', '-', name.lower())[:41].strip('-')}-artifacts-{digest}"


NONCURRENT_DAYS = 30
"""How many days the stage's bucket keeps overwritten and deleted objects."""

CORS_SECONDS = 86400
"""How long a browser may cache that other sites may read the public directories."""


def render_storage(config: StageConfig, account: str, distribution: str | None = None) -> Template:
    """The storage stack's template; `distribution` is the id of the stage's distribution, if it is deployed."""
    artifacts = artifact_bucket_name(config, account)
    resources: dict[str, Resource] = {
        ARTIFACT_BUCKET: {
            "Type": "AWS::S3::Bucket",
            "Properties": {"BucketName": artifacts, **_private(public=False), **_lifecycle(ABORT_UPLOADS)},
        },
        f"{ARTIFACT_BUCKET}Policy": _policy(ARTIFACT_BUCKET, [_tls_only(artifacts)]),
    }
    if config.s3 is not None and config.bucket_name is not None:
        resources.update(_stage_bucket(config, config.bucket_name, config.s3, distribution))
    return Template(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": description(config, "Storage of stage"),
            "Resources": resources,
        }
    )


def _stage_bucket(config: StageConfig, name: str, declared: S3, distribution: str | None) -> dict[str, Resource]:
    """The stage's bucket. It holds users' uploads, so only `pocket destroy` deletes it, not a change of a key."""
    public_dirs = declared.public_dirs
    properties = {
        "BucketName": name,
        **_private(public=bool(public_dirs)),
        **_lifecycle(ABORT_UPLOADS, EXPIRE_NONCURRENT),
        "VersioningConfiguration": {"Status": "Enabled"},
    }
    if notified := notifications(config):
        properties[NOTIFICATIONS] = {"LambdaConfigurations": notified}
    statements = [_tls_only(name)]
    if public_dirs:
        public = [bucket_arn(name, f"{naming.key_prefix(item)}*") for item in public_dirs]
        reading = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": public}
        statements.insert(0, {"Sid": "ReadPublicDirectories", **reading})
    if distribution is not None and (prefixes := served(config)):
        statements.insert(0, _read_by(distribution, [bucket_arn(name, f"{prefix}*") for prefix in prefixes]))
    if rules := [*([PUBLIC_CORS] if public_dirs else []), *_upload_cors(declared.upload_origins)]:
        properties["CorsConfiguration"] = {"CorsRules": rules}
    return {
        BUCKET: {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "RetainExceptOnCreate",
            "UpdateReplacePolicy": "Retain",
            "Properties": properties,
        },
        f"{BUCKET}Policy": _policy(BUCKET, statements),
    }


PUBLIC_CORS = {
    "AllowedMethods": ["GET", "HEAD"],
    "AllowedOrigins": ["*"],
    "AllowedHeaders": ["*"],
    "MaxAge": CORS_SECONDS,
}
"""Pages of any site may use public objects. Browsers require the rule for fonts and module scripts. It holds for the
whole bucket, so scripts may read other objects, too, with a signed URL."""


def _upload_cors(origins: list[str]) -> list[dict[str, Any]]:
    """Pages of those sites may send what the project has signed: a form (POST), an object or a part of one (PUT)."""
    if not origins:
        return []
    rule = {"AllowedMethods": ["POST", "PUT"], "AllowedOrigins": origins, "AllowedHeaders": ["*"]}
    return [{**rule, "ExposedHeaders": ["ETag"], "MaxAge": CORS_SECONDS}]


def _read_by(distribution: str, objects: list[Any]) -> dict[str, Any]:
    """The statement that lets one distribution read, by origin access control."""
    arn = substituted(f"arn:${{AWS::Partition}}:cloudfront::${{AWS::AccountId}}:distribution/{distribution}")
    return {
        "Sid": "ReadByDistribution",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": objects,
        "Condition": {"StringEquals": {"AWS:SourceArn": arn}},
    }


ABORT_UPLOADS = {
    "Id": "AbortUnfinishedUploads",
    "Status": "Enabled",
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
}
EXPIRE_NONCURRENT = {
    "Id": "ExpireNoncurrentVersions",
    "Status": "Enabled",
    "NoncurrentVersionExpiration": {"NoncurrentDays": NONCURRENT_DAYS},
    "ExpiredObjectDeleteMarker": True,
}


def _lifecycle(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"LifecycleConfiguration": {"Rules": list(rules)}}


def _policy(bucket_id: str, statements: list[dict[str, Any]]) -> Resource:
    document = {"Version": "2012-10-17", "Statement": statements}
    return {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": ref(bucket_id), "PolicyDocument": document}}


def _tls_only(bucket: str) -> dict[str, Any]:
    return requires_tls("s3:*", [bucket_arn(bucket), bucket_arn(bucket, "*")])


def _private(*, public: bool) -> dict[str, Any]:
    return {
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": not public,
            "RestrictPublicBuckets": not public,
        },
    }
