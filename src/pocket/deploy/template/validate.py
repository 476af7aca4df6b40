"""What is refused before anything is changed: templates that break AWS's rules, and keys that have no effect yet."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pocket.config.tables.handlers import ApiGateway
from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pocket.config import Project, StageConfig

CUSTOM_DOMAINS = ("domain", "create_records", "hosted_zone_id_override")
"""Keys of `apigateway` that are valid and that a deploy does not support yet."""


def refuse_unsupported(project: Project, stage: StageConfig) -> None:
    """Raises PlanRefused for a stage without functions, and ConfigError, with the line, for a key that this version
    would ignore."""
    container = stage.awscontainer
    if container is None or not container.handlers:
        raise PlanRefused(
            f"Stage {stage.name!r} has no handler, so there is nothing to deploy.",
            "Declare at least one [awscontainer.handlers.NAME] in pocket.toml.",
        )
    for path, what in _unsupported(stage):
        raise project.error(
            stage.name,
            path,
            f"This version of Pocket validates {path[-1]}, but does not deploy {what} yet.",
            f"Remove {path[-1]} from stage {stage.name!r}.",
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
    """The errors that cfn-lint finds in the template, one line each; warnings are left out.

    Raises PlanRefused where cfn-lint is not installed.
    """
    try:
        from cfnlint.decode.decode import decode_str  # type: ignore[import-untyped]
    except ImportError as error:
        raise PlanRefused(
            "cfn-lint, which checks every template, is not installed.", "Install it: pip install 'django-pocket[cli]'."
        ) from error
    template, undecoded = decode_str(body)
    errors = (
        match for match in undecoded or _runner(region).validate_template(template) if match.rule.severity == "error"
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
    """Raises PlanRefused with every error in `templates`, which maps a stack's name to its template as JSON."""
    found = [f"{name}: {error}" for name, body in templates.items() for error in lint(body, region)]
    if found:
        raise PlanRefused(
            "AWS would refuse the planned templates:\n" + "\n".join(found),
            "Change the value in pocket.toml that the error names. If it names none, report a bug in Pocket.",
        )
