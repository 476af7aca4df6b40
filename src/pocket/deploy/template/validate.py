"""What is refused before AWS is asked to change anything: templates that break its rules, keys that do nothing yet."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pocket.config.tables.handlers import ApiGateway
from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pocket.config import Project, StageConfig

CUSTOM_DOMAINS = ("domain", "create_records", "hosted_zone_id_override")
"""Keys of `apigateway` that the file may hold and no deploy acts on yet."""


def refuse_unsupported(project: Project, stage: StageConfig) -> None:
    """Raises PlanRefused for a stage without functions, and ConfigError, which knows the line, for a key of the file
    that this version would have to ignore."""
    container = stage.awscontainer
    if container is None or not container.handlers:
        raise PlanRefused(
            f"Stage {stage.name!r} has no handler, so there is nothing to deploy.",
            "Declare at least one [awscontainer.handlers.NAME] in pocket.toml.",
        )
    for path, what in _unsupported(stage):
        raise project.fault(
            stage.name,
            path,
            f"This version of Pocket validates {path[-1]}, but does not deploy {what} yet.",
            f"Take {path[-1]} out of stage {stage.name!r}.",
        )


def _unsupported(stage: StageConfig) -> Iterator[tuple[tuple[str, ...], str]]:
    container = stage.awscontainer
    if container is None:
        return
    if container.dockerfile_path is not None:
        yield ("awscontainer", "dockerfile_path"), "images"
    for name, handler in container.handlers.items():
        declared = handler.apigateway
        for key in CUSTOM_DOMAINS if declared is not None else ():
            if getattr(declared, key) != ApiGateway.model_fields[key].default:
                yield ("awscontainer", "handlers", name, "apigateway", key), "custom domains"


def lint(body: str, region: str) -> list[str]:
    """What cfn-lint finds wrong with the template, one line a finding; warnings are left out.

    Raises PlanRefused where cfn-lint is not installed.
    """
    try:
        from cfnlint.decode.decode import decode_str  # type: ignore[import-untyped]
    except ImportError as error:
        raise PlanRefused(
            "cfn-lint is missing, which checks every template.", "Install it: pip install 'django-pocket[cli]'."
        ) from error
    template, faults = decode_str(body)
    errors = (
        match for match in faults or _runner(region).validate_template(template) if match.rule.severity == "error"
    )
    return [f"{'.'.join(map(str, match.path or ()))}: {match.message} ({match.rule.id})" for match in errors]


@cache
def _runner(region: str) -> Any:
    """cfn-lint with its rules loaded, which takes most of its time."""
    from cfnlint.config import ConfigMixIn  # type: ignore[import-untyped]
    from cfnlint.runner import Runner  # type: ignore[import-untyped]

    # The empty list keeps cfn-lint from reading the command's own arguments.
    return Runner(ConfigMixIn([], regions=[region]))


def check(templates: Mapping[str, str], region: str) -> None:
    """Raises PlanRefused with every finding in `templates`, a stack's name and its template as JSON each."""
    found = [f"{name}: {finding}" for name, body in templates.items() for finding in lint(body, region)]
    if found:
        raise PlanRefused(
            "AWS would not accept what was planned:\n" + "\n".join(found),
            "Change the value in pocket.toml that the finding names; where none is, report a fault of Pocket.",
        )
