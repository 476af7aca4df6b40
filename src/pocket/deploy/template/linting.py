"""cfn-lint, which checks templates by AWS's own schemas of resources."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE_REGION = "us-east-1"
"""The region that has every type of resource."""


def lint(body: str, region: str) -> list[str]:
    """The errors that cfn-lint finds in the template, one line each; warnings are left out.

    Raises PlanRefused where cfn-lint is not installed.
    """
    errors = (match for match in matches(body, region) if match.rule.severity == "error")
    return [f"{'.'.join(map(str, match.path or ()))}: {match.message} ({match.rule.id})" for match in errors]


def matches(body: str, region: str) -> Iterator[Any]:
    """Everything that cfn-lint finds in the template, as its `Match`. Raises PlanRefused where it is not installed."""
    try:
        from cfnlint.decode.decode import decode_str  # type: ignore[import-untyped]
    except ImportError as error:
        raise PlanRefused(
            "cfn-lint, which checks every template, is not installed.", "Install it: pip install 'django-pocket[cli]'."
        ) from error
    template, undecoded = decode_str(body)
    yield from undecoded or examined(template, region)


def examined(template: dict[str, Any], region: str) -> Iterator[Any]:
    """Everything that cfn-lint finds in a template, whose parts may be of cfn-lint's decoder and know their lines."""
    yield from _runner(region).validate_template(template)


@cache
def _runner(region: str) -> Any:
    """cfn-lint with its rules loaded, which takes most of its time."""
    from cfnlint.config import ConfigMixIn  # type: ignore[import-untyped]
    from cfnlint.runner import Runner  # type: ignore[import-untyped]

    # The empty list keeps cfn-lint from reading the command's own arguments.
    return Runner(ConfigMixIn([], regions=[region]))


@cache
def create_only(kind: str) -> frozenset[str]:
    """The properties of a type that CloudFormation cannot change, by cfn-lint's copy of its schema.

    Raises PlanRefused where cfn-lint is not installed; a type that it does not have cannot be in a template.
    """
    try:
        from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError  # type: ignore[import-untyped]
    except ImportError as error:
        raise PlanRefused(
            "This version of cfn-lint has no schemas of resources where Pocket looks for them.",
            "Install another: pip install 'cfn-lint>=1.40'.",
        ) from error
    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REFERENCE_REGION, kind).schema
    except ResourceNotFoundError:
        return frozenset()
    return frozenset(path.split("/")[2] for path in schema.get("createOnlyProperties", []))
