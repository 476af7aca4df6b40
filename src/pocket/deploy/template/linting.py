"""cfn-lint, which checks templates by AWS's own schemas of resources."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    yield from undecoded or _runner(region).validate_template(template)


@cache
def _runner(region: str) -> Any:
    """cfn-lint with its rules loaded, which takes most of its time."""
    from cfnlint.config import ConfigMixIn  # type: ignore[import-untyped]
    from cfnlint.runner import Runner  # type: ignore[import-untyped]

    # The empty list keeps cfn-lint from reading the command's own arguments.
    return Runner(ConfigMixIn([], regions=[region]))
