"""A user of the local AWS who has the policy that `pocket permissions` prints, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import boto3
from deploying import PlanRecorder

from pocket.config import Project
from pocket.deploy.operate import destroy
from pocket.deploy.target import Credentials, Target
from pocket.deploy.template.boundary import boundary_policy
from pocket.deploy.template.deployer import deployer_policy, parts
from pocket.local.aws import ACCOUNT

BOUNDED = f'permissions_boundary = "arn:aws:iam::{ACCOUNT}:policy/bounded"\n'
"""The line of `[awscontainer]` with the boundary that `as_deployer` makes."""


def client(place: Target, service: str) -> Any:
    """A client of boto3's own, for services that Pocket does not call."""
    keys = place.credentials
    assert keys is not None
    return boto3.client(
        service,
        region_name=place.region,
        endpoint_url=place.endpoint_url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
    )


@contextmanager
def as_deployer(found: Project, target: Target) -> Iterator[Target]:
    """A target with the keys of a user who has the printed policy alone; the project has the line BOUNDED."""
    iam, stage = client(target, "iam"), found.stage("dev")
    boundary = iam.create_policy(PolicyName="bounded", PolicyDocument=json.dumps(boundary_policy(found, stage)))
    iam.create_user(UserName="deployer")
    policies = {f"pocket-{number}": part for number, part in enumerate(parts(deployer_policy(stage)))}
    for name, policy in policies.items():
        iam.put_user_policy(UserName="deployer", PolicyName=name, PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="deployer")["AccessKey"]
    yield replace(target, credentials=Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    destroy.destroy(stage, target, PlanRecorder())
    iam.delete_access_key(UserName="deployer", AccessKeyId=key["AccessKeyId"])
    for name in policies:
        iam.delete_user_policy(UserName="deployer", PolicyName=name)
    iam.delete_user(UserName="deployer")
    iam.delete_policy(PolicyArn=boundary["Policy"]["Arn"])
