"""A GitHub workflow that deploys a stage, and the AWS role that it uses through OpenID Connect.

The role's trust policy names one repository and one environment of it. Sources:
https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws and
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
"""

from __future__ import annotations

import configparser
import json
import re
from typing import TYPE_CHECKING, Any

from pocket.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pocket.config import StageConfig

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"

_REMOTE = re.compile(r"(?:https://|git@|ssh://git@)github\.com[:/](?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?")

_WORKFLOW = """\
# Deploys stage {stage} when {branch} changes. The role that it uses is in {role}.
name: Deploy {stage}

on:
  push:
    branches: [{branch}]
  workflow_dispatch:

permissions:
  contents: read
  id-token: write

concurrency:
  group: deploy-{stage}
  cancel-in-progress: false
{defaults}
jobs:
  deploy:
    runs-on: ubuntu-latest
    environment: {stage}
    steps:
      - uses: actions/checkout@v7
{install}
      - uses: aws-actions/configure-aws-credentials@v6
        with:
          role-to-assume: ${{{{ vars.AWS_ROLE_ARN }}}}
          aws-region: {region}
      - run: {run}pocket deploy --stage {stage} --yes
"""

_DEFAULTS = """
defaults:
  run:
    working-directory: {folder}
"""

_UV = """\
      - uses: astral-sh/setup-uv@v7
        with:
          python-version: "{python}\""""

_PIP = """\
      - uses: actions/setup-python@v6
        with:
          python-version: "{python}"
      - run: pip install -r requirements.txt "django-pocket[cli]\""""


def repository(directory: Path) -> tuple[str, Path]:
    """OWNER/NAME of the GitHub repository that `origin` is, and its folder, which is the project's or above it.

    Raises ConfigError if there is none.
    """
    for folder in (directory, *directory.parents):
        config = folder / ".git" / "config"
        if config.is_file():
            parser = configparser.ConfigParser(strict=False, interpolation=None)
            parser.read_string(config.read_text(encoding="utf-8"))
            match = _REMOTE.fullmatch(parser.get('remote "origin"', "url", fallback=""))
            if match is not None:
                return match["name"], folder
            break
    raise ConfigError(
        f"{directory} has no git remote `origin` on github.com.",
        "Add one: git remote add origin https://github.com/OWNER/NAME.git",
    )


def workflow(stage: StageConfig, root: Path, *, branch: str, role: str) -> str:
    """The workflow of the repository in `root`; `role` is the path of the role's template in the project."""
    uses_uv = (stage.directory / "uv.lock").is_file()
    python = stage.awscontainer.python_version if stage.awscontainer is not None else ""
    folder = stage.directory.relative_to(root).as_posix()
    return _WORKFLOW.format(
        defaults="" if folder == "." else _DEFAULTS.format(folder=json.dumps(folder)),
        stage=stage.name,
        branch=branch,
        region=stage.region,
        role=role,
        install=(_UV if uses_uv else _PIP).format(python=python),
        run="uv run " if uses_uv else "",
    )


def role_template(stage: StageConfig, repository: str, deployer: Mapping[str, Any], boundary: Mapping[str, Any]) -> str:
    """A CloudFormation template as JSON: the role, its permissions boundary, and GitHub's provider if it is missing.

    `deployer` and `boundary` are policy documents. Raises ConfigError if the stage has no permissions boundary.
    """
    arn = stage.awscontainer.permissions_boundary if stage.awscontainer is not None else None
    if arn is None:
        raise ConfigError(
            f"Stage {stage.name} has no permissions boundary, so a role that deploys it would be an administrator's.",
            f"Add to pocket.toml:\n[{stage.name}.awscontainer]\npermissions_boundary ="
            f' "arn:aws:iam::ACCOUNT:policy/{stage.stack_name}-boundary"',
        )
    provider = {"Fn::If": ["CreateProvider", {"Ref": "Provider"}, {"Ref": "ProviderArn"}]}
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{ISSUER}:aud": AUDIENCE,
                f"{ISSUER}:sub": f"repo:{repository}:environment:{stage.name}",
            }
        },
    }
    resources = {
        "Provider": {
            "Type": "AWS::IAM::OIDCProvider",
            "Condition": "CreateProvider",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {"Url": f"https://{ISSUER}", "ClientIdList": [AUDIENCE]},
        },
        "Boundary": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"ManagedPolicyName": arn.rpartition("/")[2], "PolicyDocument": boundary},
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": f"{stage.stack_name}-github",
                "Description": f"Deploys stage {stage.name} of {stage.project_name} from GitHub",
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                "Policies": [{"PolicyName": "deploy", "PolicyDocument": deployer}],
            },
        },
    }
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"What GitHub Actions needs to deploy stage {stage.name} of {stage.project_name}",
        "Parameters": {
            "ProviderArn": {
                "Type": "String",
                "Default": "",
                "Description": "ARN of the account's provider for GitHub, if it has one",
            }
        },
        "Conditions": {"CreateProvider": {"Fn::Equals": [{"Ref": "ProviderArn"}, ""]}},
        "Resources": resources,
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
    }
    return json.dumps(template, indent=2) + "\n"


def steps(stage: StageConfig, role: str) -> list[str]:
    """What an administrator does once, one line each."""
    of_stack = f"--region {stage.region} --stack-name {stage.stack_name}-github"
    deploy = f"aws cloudformation deploy {of_stack} --template-file {role} --capabilities CAPABILITY_NAMED_IAM"
    output = '--query "Stacks[0].Outputs[0].OutputValue" --output text'
    return [
        "Next, once, as an administrator of the account:",
        f"  {deploy}",
        f"Then create the environment {stage.name} in the repository's settings, with the variable AWS_ROLE_ARN:",
        f"  aws cloudformation describe-stacks {of_stack} {output}",
    ]
