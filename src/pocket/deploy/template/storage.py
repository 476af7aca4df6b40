"""The storage stack: the bucket of artifacts and the stage's bucket.

It is a stack of its own because both must be there before the functions are: code is uploaded before a function
can name it, and hashed static files before `live` serves pages that link to them.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from pocket.deploy.template.body import Template
from pocket.deploy.template.intrinsics import bucket_arn, ref

if TYPE_CHECKING:
    from pocket.config import StageConfig
    from pocket.deploy.template.intrinsics import Resource

ARTIFACT_BUCKET = "ArtifactBucket"
BUCKET = "Bucket"


def storage_stack_name(config: StageConfig) -> str:
    """The storage stack's name."""
    return f"{config.stack_name}-storage"


def artifact_bucket_name(config: StageConfig, account: str) -> str:
    """The artifact bucket's name: bucket names are one namespace for the whole world, so the account is hashed in."""
    name = config.resource_name()
    digest = hashlib.sha256(f"{account}/{config.region}/{name}".encode()).hexdigest()[:10]
    return f"{re.sub(r'[^a-z0-9-]', '-', name.lower())[:41].strip('-')}-artifacts-{digest}"


def object_prefix(location: str | None) -> str:
    """What the keys of a storage or a public directory begin with: `"static/"`, or nothing for the whole bucket."""
    trimmed = (location or "").strip("/")
    return f"{trimmed}/" if trimmed else ""


def render_storage(config: StageConfig, account: str) -> Template:
    """The storage stack's template."""
    resources: dict[str, Resource] = {
        ARTIFACT_BUCKET: {
            "Type": "AWS::S3::Bucket",
            "Properties": {"BucketName": artifact_bucket_name(config, account), **_private(public=False)},
        }
    }
    if config.s3 is not None and config.bucket_name is not None:
        resources.update(_stage_bucket(config.bucket_name, config.s3.public_dirs))
    return Template(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": f"Storage of stage {config.name} of {config.project_name}, made by Pocket",
            "Resources": resources,
        }
    )


def _stage_bucket(name: str, public_dirs: list[str]) -> dict[str, Resource]:
    """The stage's bucket. It holds what users uploaded, so only `pocket destroy` deletes it, never a changed file."""
    found: dict[str, Resource] = {
        BUCKET: {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "RetainExceptOnCreate",
            "UpdateReplacePolicy": "Retain",
            "Properties": {"BucketName": name, **_private(public=bool(public_dirs))},
        }
    }
    if public_dirs:
        found["BucketPolicy"] = {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": ref(BUCKET),
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "ReadPublicDirectories",
                            "Effect": "Allow",
                            "Principal": "*",
                            "Action": "s3:GetObject",
                            "Resource": [bucket_arn(name, f"{object_prefix(item)}*") for item in public_dirs],
                        }
                    ],
                },
            },
        }
    return found


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
        "LifecycleConfiguration": {
            "Rules": [
                {
                    "Id": "AbortUnfinishedUploads",
                    "Status": "Enabled",
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                }
            ]
        },
    }
