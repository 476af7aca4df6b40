"""A stage without Django on the local AWS: its site shows a sign, and its commands tell the gates what a test wants."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploying import COMMANDS, PlanRecorder, deployable
from tiny_project import PYTHON

from pocket.config import Project
from pocket.deploy.aws.session import Clients
from pocket.deploy.releases import deploy as release
from pocket.deploy.releases.history import DeployedState
from pocket.deploy.releases.rollback import RolledBack, rollback
from pocket.deploy.releases.run import Deployed
from pocket.deploy.target import Target
from pocket.local import LocalAWS

HEAD = f"""
[general]
region = "eu-central-1"
stages = ["dev"]
project_name = "gated"

[awscontainer]
python_version = "{PYTHON}"

[awscontainer.handlers.management]
command = "pocket.django.lambda_handlers.management_command_handler"
"""
WEB = '[awscontainer.handlers.web]\ncommand = "app.web"\napigateway = {}\n'
WORKER = '[awscontainer.handlers.worker]\ncommand = "app.work"\nsqs = {}\n'
STAGE = HEAD + WEB

SIGN = """
def web(event, context):
    print("asked for", event["rawPath"])
    return {"statusCode": STATUS, "body": "SIGN"}

def work(event, context):
    return {"batchItemFailures": []}
"""


def app(sign: str, status: str = "200") -> str:
    return SIGN.replace("SIGN", sign).replace("STATUS", status)


def commands(**constants: Any) -> str:
    """The project's commands, which answer the gates with what they are told here."""
    text = COMMANDS
    for name, value in constants.items():
        assert f"{name} = []" in text
        text = text.replace(f"{name} = []", f"{name} = {value!r}")
    return text


class Site:
    def __init__(self, folder: Path, target: Target, local: LocalAWS) -> None:
        self.folder = folder
        self.target = target
        self.local = local
        self.clients = Clients(target)

    def project(self, sign: str = "A", *, stage: str = STAGE, status: str = "200", **constants: Any) -> Project:
        return deployable(self.folder, stage, app(sign, status), commands(**constants))

    def deploy(
        self, project: Project, recorder: PlanRecorder | None = None, *, skip: Sequence[str] = (), **more: Any
    ) -> Deployed:
        return release.deploy(
            project,
            project.stage("dev"),
            self.target,
            recorder or PlanRecorder(),
            skip_gates=["project", *skip],
            published=self.local.route,
            **more,
        )

    def rollback(self, number: int | None = None, recorder: PlanRecorder | None = None) -> RolledBack:
        return rollback(self.project().stage("dev"), self.target, recorder or PlanRecorder(), number)

    def deployed_state(self) -> DeployedState:
        return release.read(self.clients, self.project().stage("dev"))

    def live(self) -> int | None:
        return self.deployed_state().history.live

    def answer(self) -> str:
        try:
            with urllib.request.urlopen(f"{self.local.addresses['web']}/", timeout=30) as response:
                return str(response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return str(error.code)
