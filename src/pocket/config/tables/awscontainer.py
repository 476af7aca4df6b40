"""`[awscontainer]`: the artifact and the functions that run it."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from pocket import naming
from pocket.config import patterns
from pocket.config.tables.django import DjangoTables
from pocket.config.tables.fastapi import FastAPI
from pocket.config.tables.handlers import Handler
from pocket.config.tables.secrets import SecretsManager
from pocket.config.tables.table import HandlerName, Table, Text, VariableName

PythonVersion = Literal["3.11", "3.12", "3.13", "3.14"]
LAMBDA_PYTHONS: tuple[str, ...] = get_args(PythonVersion)
"""The Python versions that Lambda has a managed runtime for and that Pocket runs on, oldest first."""


class Startup(Table):
    """What a start may cost."""

    budget_ms: int | None = Field(
        None,
        ge=1,
        description="Milliseconds that a start may take, up to its first response, as `pocket doctor` measures.",
    )


class Gate(Table):
    """What is asked of a release before traffic reaches it."""

    path: str = Field(
        "/",
        pattern=patterns.REQUEST_PATH,
        description="Path, with its query if it needs one, that every handler with an address is asked for; one other"
        " than / has to be answered with a status below 400.",
    )


class AwsContainer(Table):
    """The artifact of a stage and the Lambda functions that run it."""

    dockerfile_path: Text | None = Field(
        None, description="Dockerfile, from the project's folder; with it the artifact is an image, without it a zip."
    )
    architecture: Literal["arm64", "x86_64"] = Field("arm64", description="Processor of every function.")
    python_version: PythonVersion = Field(
        default_factory=naming.running_python,  # type: ignore[arg-type]  # a rule refuses what Lambda does not have
        description="Python of the zip's runtime; the running Python's where it is absent and Lambda has it.",
    )
    envs: dict[VariableName, str] = Field(default_factory=dict, description="Environment of every function.")
    requirements: Text | None = Field(
        None,
        description="File with what the zip installs, from the project's folder; where it is absent, `uv.lock`, else"
        " `requirements.txt`, else `pyproject.toml`.",
    )
    extras: list[Text] = Field(
        default_factory=list, description="Extras of the project (optional dependencies) that the zip installs, too."
    )
    groups: list[Text] = Field(
        default_factory=list,
        description="Dependency groups that the zip installs, too; none is where no group is named here.",
    )
    exclude: list[Text] = Field(
        default_factory=list,
        description="Patterns of files that are left out of the artifact; one with `!` in front brings files back.",
    )
    snapstart: bool = Field(False, description="Starts the functions from a snapshot of their started state.")
    permissions_boundary: str | None = Field(
        None, pattern=patterns.POLICY_ARN, description="Permissions boundary of every role that is created."
    )
    handlers: dict[HandlerName, Handler] = Field(default_factory=dict, description="The Lambda functions, by name.")
    secretsmanager: SecretsManager = Field(
        default_factory=SecretsManager, description="Secrets that the run time puts into the environment."
    )
    gate: Gate = Field(default_factory=Gate, description="What is asked of a release before traffic reaches it.")
    startup: Startup = Field(default_factory=Startup, description="What a start may cost.")
    fastapi: FastAPI | None = Field(None, description="The API beside Django.")
    django: DjangoTables = Field(
        default_factory=DjangoTables, description="What the project's settings module takes from this file."
    )
