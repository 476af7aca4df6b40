"""Checks of pocket.toml: the file exists and is valid, it has the stage, and handlers can be imported."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.checks import Error

from pocket import naming
from pocket.check_issues import INVALID, MISSING, UNKNOWN_STAGE, check_id
from pocket.definitions import defines
from pocket.django import runtime
from pocket.django.checks import deployment, source_tree
from pocket.django.configuration import source
from pocket.django.configuration.errors import SetupFailed
from pocket.errors import ConfigError, ConfigErrors, PocketError
from pocket.runtime import manifest_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage


def file(**_: Any) -> Iterator[CheckMessage]:
    """Each issue in pocket.toml or the manifest."""
    try:
        manifest, path = source.manifest()
    except ConfigErrors as errors:
        yield from (_message(error, check_id(error)) for error in errors.errors)
        return
    except ConfigError as error:
        if check_id(error) != MISSING:
            yield _message(error, check_id(error))
        return
    except PocketError as error:
        yield Error(error.message, hint=error.hint or None, obj=_manifest_name(), id=INVALID)
        return
    name = source.stage_name()
    if name is not None and name not in manifest.stages:
        yield Error(
            f"{naming.STAGE_KEY} is {name!r}; expected a stage of pocket.toml.",
            hint=f"The stages are: {', '.join(manifest.stages)}.",
            obj=source_tree.shown(path),
            id=UNKNOWN_STAGE,
        )


def missing(**_: Any) -> Iterator[CheckMessage]:
    """A project without a manifest and pocket.toml."""
    try:
        source.manifest()
    except ConfigErrors:
        return
    except ConfigError as error:
        if check_id(error) == MISSING:
            yield Error(
                "The project's folder and the folders above it have no pocket.toml.",
                hint="Create pocket.toml beside manage.py.",
                obj="pocket.toml",
                id=MISSING,
            )
    except PocketError:
        return


def taken(**_: Any) -> Iterator[CheckMessage]:
    """Secrets that the settings do not get, because nothing called set_envs()."""
    found = deployment.current()
    if found is not None and found.stage.secrets and runtime.registered(found.name) is None:
        names = ", ".join(item.name for item in found.stage.secrets)
        yield Error(
            f"The settings do not call set_envs(), so functions do not get the stage's secrets: {names}.",
            hint="Call pocket.django.runtime.set_envs() in the settings module before it reads the environment.",
            obj="set_envs",
            id="pocket.E008",
        )


def installed(**_: Any) -> Iterator[CheckMessage]:
    """A handler for management commands in a project without `pocket.django`."""
    found = deployment.current()
    if found is None or apps.is_installed("pocket.django"):
        return
    commands = {handler.command for handler in found.stage.handlers.values()}
    if naming.MANAGEMENT_HANDLER in commands:
        yield Error(
            '"pocket.django" is not in INSTALLED_APPS, but the gates inside Lambda need its management commands.',
            hint='Add "pocket.django" to INSTALLED_APPS.',
            obj="INSTALLED_APPS",
            id="pocket.E009",
        )


def handlers(**_: Any) -> Iterator[CheckMessage]:
    """Each handler of the stage whose dotted path does not exist, or is not a function of an event and a context.

    Only a callable that Pocket starts is imported, as its function does; of any other, the source is read.
    """
    found = deployment.current()
    for name, handler in found.stage.handlers.items() if found else ():
        if handler.command in naming.HANDLERS:
            continue
        missing = _missing(*handler.command.rsplit(".", 1))
        if not missing and not handler.address:
            missing = _unsuitable(handler.command)
        if missing:
            yield Error(
                f"The handler {name!r} cannot be imported: {missing}.",
                hint=f'Correct command = "{handler.command}" in [awscontainer.handlers.{name}]. It must be the dotted'
                " path of a function that takes an event and a context.",
                obj=handler.command,
                id="pocket.E004",
            )


def _unsuitable(command: str) -> str | None:
    """Why the project's callable would not start, as a clause; None if it does."""
    from pocket.django import events

    try:
        return events.unsuitable(events.imported(command)) or None
    except SetupFailed as error:
        return error.message.rpartition(": ")[2].rstrip(".")
    except Exception as error:  # noqa: BLE001 - the module is the project's, and may raise anything
        return f"its module raises {type(error).__name__}: {error}"


def _message(error: ConfigError, identity: str) -> CheckMessage:
    text = f"{error.key}: {error.message}" if error.key else error.message
    place: str | None = None
    if error.file is not None:
        place = source_tree.shown(error.file) if error.line is None else source_tree.Place(error.file, error.line)
    return Error(text, hint=error.hint or None, obj=place, id=identity)


def _manifest_name() -> str:
    try:
        return Path(manifest_file.locate() or naming.MANIFEST_FILE).name
    except PocketError:
        return naming.MANIFEST_KEY


def _missing(module: str, attribute: str) -> str | None:
    """The missing part, as a clause; None if the path exists, or only an import could show it."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError as error:
        return f"module {error.name!r} does not exist"
    except Exception as error:  # noqa: BLE001  (a package on the way runs the project's code)
        return f"importing the package of {module!r} raises {type(error).__name__}: {error}"
    if spec is None:
        return f"module {module!r} does not exist"
    if not spec.origin or not spec.origin.endswith(".py"):
        return None
    parsed = source_tree.tree(Path(spec.origin))
    if parsed is None:
        return f"module {module!r} is not valid Python of this version"
    return None if defines(parsed, attribute) else f"module {module!r} has no {attribute!r}"
