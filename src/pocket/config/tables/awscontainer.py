"""`[awscontainer]`: the artifact and its functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from pocket import naming
from pocket.config import patterns
from pocket.config.tables.django import DjangoTables
from pocket.config.tables.handlers import Handler, LogRetention
from pocket.config.tables.permissions import Permission
from pocket.config.tables.secrets import SecretsManager
from pocket.config.tables.table import HandlerName, Table, Text, VariableName, refused

PythonVersion = Literal["3.11", "3.12", "3.13", "3.14"]
LAMBDA_PYTHONS: tuple[str, ...] = get_args(PythonVersion)
"""The Python versions that Pocket supports and Lambda has a managed runtime for, oldest first."""


class Startup(Table):
    """The budget of a start."""

    budget_ms: int | None = Field(
        None,
        ge=1,
        description="Maximum milliseconds from a start to its first response, as `pocket doctor` measures them.",
    )


class Gate(Table):
    """The request to a release before it gets traffic."""

    path: str = Field(
        "/",
        pattern=patterns.REQUEST_PATH,
        description="Path, with an optional query, to request from every handler with an address. Expects a status"
        " below 500 for /, and below 400 for any other path.",
    )


class FastAPI(Table):
    """The FastAPI application that the handlers of `pocket.fastapi.lambda_handlers` serve."""

    app: str = Field(pattern=patterns.APPLICATION, description="The application, as `module:attribute`.")
    prefix: str = Field(
        "/api",
        pattern=patterns.PATH_PREFIX,
        description="Path of the API in the combined handler; the handler that serves only the API ignores it.",
    )


LOWEST_PRIORITY, HIGHEST_PRIORITY = -100, 100
"""Django's limits of a task's priority."""

Priority = Annotated[int, Field(ge=LOWEST_PRIORITY, le=HIGHEST_PRIORITY)]


def _handlers(value: object) -> object:
    if isinstance(value, dict) and value:
        return value
    if isinstance(value, str) and re.match(patterns.HANDLER, value):
        return {value: LOWEST_PRIORITY}
    raise refused("the name of a handler, or a table with the lowest priority of each handler")


Tasks = dict[
    Text,
    Annotated[
        dict[HandlerName, Priority],
        BeforeValidator(_handlers, json_schema_input_type=HandlerName | dict[HandlerName, Priority]),
    ],
]
"""By Django's name of a queue: its handler, or its handlers with the lowest priority of the tasks that each runs."""


PLATFORMS = {"linux/arm64": "arm64", "linux/amd64": "x86_64"}
"""The architecture that each value of `platform` means."""


class AwsContainer(Table):
    """The artifact of a stage and its Lambda functions."""

    @model_validator(mode="before")
    @classmethod
    def _platform_names_an_architecture(cls, data: Any) -> Any:
        platform = data.get("platform") if isinstance(data, Mapping) else None
        if isinstance(platform, str) and platform in PLATFORMS:
            return {"architecture": PLATFORMS[platform], **data}
        return data

    dockerfile_path: Text | None = Field(
        None, description="Dockerfile, relative to the project. With it, the artifact is an image instead of a zip."
    )
    architecture: Literal["arm64", "x86_64"] = Field("arm64", description="Processor architecture of every function.")
    platform: Literal["linux/arm64", "linux/amd64"] | None = Field(
        None, description="The processor architecture by the name of its container platform."
    )
    python_version: PythonVersion = Field(
        default_factory=naming.running_python,  # type: ignore[arg-type]  # a rule excludes versions that Lambda does not have
        description="Python version of the zip's runtime. Defaults to the version that runs the command.",
    )
    envs: dict[VariableName, str] = Field(default_factory=dict, description="Environment of every function.")
    log_retention: LogRetention = Field(
        30, description="Days to keep the logs of every function. A handler can have its own."
    )
    requirements: Text | None = Field(
        None,
        description="File with the requirements to install, relative to the project. Defaults to `uv.lock`,"
        " `requirements.txt` or `pyproject.toml`, whichever exists first.",
    )
    extras: list[Text] = Field(
        default_factory=list, description="Extras of the project (optional dependencies) to install."
    )
    groups: list[Text] = Field(
        default_factory=list,
        description="Dependency groups to install; no other group is installed.",
    )
    exclude: list[Text] = Field(
        default_factory=list,
        description="Patterns of files to leave out of the artifact; a pattern with a leading `!` adds files back.",
    )
    snapstart: bool = Field(False, description="Start the functions from a snapshot taken after their start.")
    permissions_boundary: str | None = Field(
        None, pattern=patterns.POLICY_ARN, description="Permissions boundary of every role that Pocket creates."
    )
    resources: Text | None = Field(
        None,
        description="JSON or YAML file of CloudFormation resources for the stage's stack, relative to the project.",
    )
    resource_envs: dict[VariableName, Text] = Field(
        default_factory=dict, description="Variables of every function whose values are outputs of `resources`."
    )
    permissions: list[Permission] = Field(
        default_factory=list, description="What every function may do, in addition to what Pocket allows it."
    )
    handlers: dict[HandlerName, Handler] = Field(default_factory=dict, description="The Lambda functions, by name.")
    tasks: Tasks = Field(
        default_factory=dict,
        description="Django's queues of tasks: the name of the handler that runs them, or several handlers with the"
        " lowest priority of their tasks.",
    )
    secretsmanager: SecretsManager = Field(
        default_factory=SecretsManager, description="Secrets to put into the environment at run time."
    )
    gate: Gate = Field(default_factory=Gate, description="The request to a release before it gets traffic.")
    startup: Startup = Field(default_factory=Startup, description="The budget of a start.")
    fastapi: FastAPI | None = Field(None, description="The API beside Django.")
    django: DjangoTables = Field(
        default_factory=DjangoTables, description="Storages, caches and settings for the project's settings module."
    )
