"""Checks the dotted paths of `pocket.toml` against the modules in an artifact, without importing them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pocket.definitions import defines
from pocket.errors import ConfigErrors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.config import Project, StageConfig
    from pocket.deploy.build.archive import Entry
    from pocket.errors import ConfigError


def check_handlers(project: Project, stage: StageConfig, files: Mapping[str, Entry]) -> None:
    """Raises ConfigErrors for each handler whose `command`, and for a settings module that, is not in `files`."""
    container = stage.awscontainer
    handlers = {} if container is None else container.handlers
    errors: list[ConfigError] = []
    for name, handler in handlers.items():
        issue = command_issue(handler.command, files)
        if issue:
            message = f'Handler "{name}" cannot start: {issue}'
            hint = "`command` is the dotted path of a module in the artifact and a function in it."
            errors.append(project.error(stage.name, ("awscontainer", "handlers", name, "command"), message, hint))
    settings = stage.settings_module
    if settings is not None and find_module(settings, files) is None:
        message = f"The settings module {settings} is not in the artifact: {_looked_for(settings)}"
        hint = "Put its package beside pocket.toml, or install it through the project's requirements."
        path = ("awscontainer", "envs", "DJANGO_SETTINGS_MODULE")
        errors.append(project.error(stage.name, path, message, hint))
    if errors:
        raise ConfigErrors(errors)


def command_issue(command: str, files: Mapping[str, Entry]) -> str:
    """Why Lambda would not find `command`, as a sentence; empty where it would."""
    module, _, name = command.rpartition(".")
    place = find_module(module, files)
    if place is None:
        return f"the artifact has no module {module}; {_looked_for(module)}"
    if not place.endswith(".py"):
        return ""
    try:
        tree = ast.parse(files[place].source.read_bytes())
    except (SyntaxError, ValueError) as error:
        return f"{place} is not valid Python: {error}."
    if defines(tree, name):
        return ""
    return f"{place} defines no {name!r}."


def find_module(module: str, files: Mapping[str, Entry]) -> str | None:
    """The path in the artifact of the file that importing `module` runs; None where there is none."""
    stem = module.replace(".", "/")
    for path in (f"{stem}/__init__.py", f"{stem}.py"):
        if path in files:
            return path
    return next((path for path in files if path.startswith(f"{stem}.") and path.endswith(".so")), None)


def _looked_for(module: str) -> str:
    stem = module.replace(".", "/")
    return f"looked for {stem}.py and {stem}/__init__.py."
