"""A GitHub workflow that deploys a stage, and the AWS role that it uses through OpenID Connect.

The role's trust policy names one repository and one environment of it. Sources:
https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws and
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
      - run: {pip}"""

_FROM_REQUIREMENTS = 'pip install -r {file} "{pocket}"'
_FROM_PYPROJECT = 'pip install uv && uv pip install --system -r {file} "{pocket}"'
"""pip alone installs the dependencies of a pyproject.toml only with the project as a package."""


def repository(directory: Path) -> tuple[str, Path]:
    """OWNER/NAME of the GitHub repository that `origin` is, and its folder, which is the project's or above it.

    Raises ConfigError if there is none.
    """
    match = _REMOTE.fullmatch(_git(directory, "config", "--get", "remote.origin.url"))
    if match is not None:
        return match["name"], Path(_git(directory, "rev-parse", "--show-toplevel"))
    raise ConfigError(
        f"{directory} has no git remote `origin` on github.com.",
        "Add one: git remote add origin https://github.com/OWNER/NAME.git",
    )


def _git(directory: Path, *arguments: str) -> str:
    """What git prints; nothing where it fails. Raises ConfigError without git."""
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            ["git", *arguments],  # noqa: S607 - the user's git, as on the command line
            cwd=directory,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise ConfigError(f"git cannot be run: {error.strerror}.", "Install git.") from error
    return done.stdout.strip()


def workflow(stage: StageConfig, root: Path, *, source: Path, branch: str, role: str) -> str:
    """The workflow of the repository in `root`; `role` is the path of the role's template in the project.

    `source` is the file that the project is installed from: a uv.lock, requirements or a pyproject.toml.
    """
    uses_uv = source.name == "uv.lock"
    file = os.path.relpath(source, stage.directory)
    python = stage.awscontainer.python_version if stage.awscontainer is not None else ""
    pocket = f"{naming.DISTRIBUTION}[cli]=={version(naming.DISTRIBUTION)}"
    pip = (_FROM_PYPROJECT if file.endswith(".toml") else _FROM_REQUIREMENTS).format(file=file, pocket=pocket)
    folder = stage.directory.relative_to(root).as_posix()
    return _WORKFLOW.format(
        defaults="" if folder == "." else _DEFAULTS.format(folder=json.dumps(folder)),
        stage=stage.name,
        branch=branch,
        region=stage.region,
        role=role,
        install=(_UV if uses_uv else _PIP).format(python=python, pip=pip),
        run="uv run " if uses_uv else "",
    )


def role_template(
    stage: StageConfig, repository: str, deployer: Sequence[Mapping[str, Any]], boundary: Mapping[str, Any]
) -> str:
    """A CloudFormation template as JSON: the role, its permissions boundary, and GitHub's provider if it is missing.

    `deployer` has policy documents, each short enough for a managed policy: IAM allows a role less in inline ones.
    `boundary` is one. Raises ConfigError if the stage has no permissions boundary.
    """
    arn = stage.awscontainer.permissions_boundary if stage.awscontainer is not None else None
    if arn is None:
        raise ConfigError(
            f"Stage {stage.name} has no permissions boundary, so a role that deploys it would be an administrator's.",
            f"Add to pocket.toml:\n[{stage.name}.awscontainer]\npermissions_boundary ="
            f' "arn:aws:iam::ACCOUNT:policy/{stage.stack_name}-boundary"',
        )
    policies = _deploying(stage, deployer)
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
        **policies,
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": f"{stage.stack_name}-github",
                "Description": f"Deploys stage {stage.name} of {stage.project_name} from GitHub",
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [_trust(stage, repository)]},
                "ManagedPolicyArns": [{"Ref": name} for name in policies],
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


def _trust(stage: StageConfig, repository: str) -> dict[str, Any]:
    """The statement that lets GitHub's jobs for the stage's environment assume the role."""
    provider = {"Fn::If": ["CreateProvider", {"Ref": "Provider"}, {"Ref": "ProviderArn"}]}
    return {
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


def _deploying(stage: StageConfig, documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The managed policies of the role, by logical id."""
    return {
        f"Deploy{number}": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "Description": f"Part {number} of {len(documents)}: deploys stage {stage.name} of {stage.project_name}",
                "PolicyDocument": policy,
            },
        }
        for number, policy in enumerate(documents, 1)
    }


def steps(stage: StageConfig, role: str) -> list[str]:
    """What an administrator does once, one line each."""
    of_stack = f"--stack-name {stage.stack_name}-github"
    deploy = (
        f"aws cloudformation deploy --region {stage.region} {of_stack} --template-file {role}"
        " --capabilities CAPABILITY_NAMED_IAM"
    )
    output = '--query "Stacks[0].Outputs[0].OutputValue" --output text'
    return [
        "Next, once, as an administrator of the account:",
        f"  {deploy}",
        f"Then create the environment {stage.name} in the repository's settings, with the variable AWS_ROLE_ARN:",
        f"  aws cloudformation describe-stacks --region {stage.region} {of_stack} {output}",
    ]
