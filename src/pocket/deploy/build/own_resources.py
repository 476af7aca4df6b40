"""The file of the user's own CloudFormation resources, `[awscontainer] resources`: read with cfn-lint's decoder.

It accepts JSON and YAML with CloudFormation's short forms, such as `!GetAtt`. What it returns knows its lines, so that
cfn-lint's findings in the whole template lead to the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.config.file import read_text
from pocket.errors import ConfigError, ConfigErrors, PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pocket.config import StageConfig

    Sections = Mapping[str, Mapping[str, Any]]

SECTIONS = ("Resources", "Outputs", "Conditions", "Mappings")
"""The parts of a template that the file may have. Parameters have no values here, and Pocket runs no transforms."""

_REQUIRED = {"Resources": "Type", "Outputs": "Value"}

DESCRIPTIVE = ("AWSTemplateFormatVersion", "Description")
"""What a file may have besides, so that other tools accept it, and what has no effect."""

_NAMED = {
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
}
"""What of IAM can have a name of the template's; CloudFormation then wants a capability that Pocket does not give."""


def path_of(stage: StageConfig) -> Path | None:
    """The file of the stage, None where it has none."""
    name = stage.awscontainer.resources if stage.awscontainer else None
    return None if name is None else stage.directory / name


def read(stage: StageConfig) -> Sections:
    """The sections of the stage's file, empty where it has none.

    Raises ConfigErrors with every error of form in the file, and PlanRefused where cfn-lint is not installed.
    """
    path = path_of(stage)
    if path is None:
        return {}
    try:
        from cfnlint.decode.decode import decode_str  # type: ignore[import-untyped]
    except ImportError as error:
        raise PlanRefused(
            "cfn-lint, which reads awscontainer.resources, is not installed.",
            "Install it: pip install 'django-pocket[cli]'.",
        ) from error
    found, matches = decode_str(read_text(path))
    if matches:
        raise ConfigErrors([ConfigError(item.message, file=path, line=item.linenumber) for item in matches])
    errors = list(_errors(path, found))
    if errors:
        raise ConfigErrors(errors)
    return {name: found[name] for name in SECTIONS if name in found}


def _errors(path: Path, found: object) -> Iterator[ConfigError]:
    if not isinstance(found, dict) or not found.get("Resources"):
        yield ConfigError("The file has no resources.", f"Expected a table of {', '.join(SECTIONS)}.", file=path)
        return
    for name, section in found.items():
        if name in DESCRIPTIVE:
            continue
        if name not in SECTIONS:
            hint = (
                f"The file may have {', '.join(SECTIONS)}. For values that differ by stage, use a file for each stage."
            )
            yield ConfigError(f"Pocket does not support {name} here.", hint, file=path, line=_line(name), key=str(name))
        elif not isinstance(section, dict):
            yield ConfigError("Expected a table.", file=path, line=_line(name), key=str(name))
        else:
            for key, item in section.items():
                yield from _item_errors(path, name, key, item)


def _item_errors(path: Path, section: str, name: Any, item: object) -> Iterator[ConfigError]:
    place: dict[str, Any] = {"file": path, "line": _line(name), "key": f"{section}.{name}"}
    required = _REQUIRED.get(section)
    if not isinstance(name, str):
        yield ConfigError("Expected a string as name.", "Quote it.", **place)
        return
    if required is None:
        return
    if not isinstance(item, dict) or required not in item:
        yield ConfigError(f"Expected a table with {required}.", **place)
        return
    if section != "Resources":
        return
    kind, properties = item["Type"], item.get("Properties", {})
    if not isinstance(kind, str) or not all(isinstance(it, dict) for it in (properties, item.get("Metadata", {}))):
        yield ConfigError("Expected Type to be a string, Properties and Metadata to be tables.", **place)
    elif _NAMED.get(kind, "") in properties:
        hint = "Remove the name: CloudFormation derives one from the stack's."
        yield ConfigError(f"{kind} may not have a {_NAMED[kind]}.", hint, **place)


def _line(key: object) -> int | None:
    """The line of a key, which cfn-lint's decoder marks."""
    mark = getattr(key, "start_mark", None)
    return None if mark is None else int(mark.line) + 1
