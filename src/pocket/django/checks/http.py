"""Around the views: upload limits, synchronous middleware, wrapped applications."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import Warning as CheckWarning
from django.utils.module_loading import import_string

from pocket import naming
from pocket.django.checks import deployment, source_tree, views
from pocket.django.checks.import_time import dotted, imported_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage

    from pocket.django.checks.deployment import Deployment

_LARGEST = 6 * 1024 * 1024
_LIMITS = ("DATA_UPLOAD_MAX_MEMORY_SIZE", "FILE_UPLOAD_MAX_MEMORY_SIZE")


def upload_limits(**_: Any) -> Iterator[CheckMessage]:
    """Upload limits above Lambda's."""
    for name in _LIMITS if deployment.current() else ():
        value = getattr(settings, name)
        if value is None or value > _LARGEST:
            size = "unlimited" if value is None else f"{value:,} bytes"
            yield CheckWarning(
                f"{name} is {size}, but Lambda accepts requests of at most {_LARGEST:,} bytes. A larger request gets a"
                " 413 response before Django sees it.",
                hint="Stay below 4.5 MB, since files are sent as Base64. Let browsers upload larger files to S3 with a"
                " signed form.",
                obj=name,
                id="pocket.W040",
            )


def middleware(**_: Any) -> Iterator[CheckMessage]:
    """Synchronous middleware where Django's own ASGI handler serves asynchronous views."""
    found = deployment.current()
    handler = _own_asgi_handler(found) if found else None
    if handler is None or next(views.asynchronous(), None) is None:
        return
    for path in settings.MIDDLEWARE:
        try:
            factory = import_string(path)
        except Exception:  # noqa: BLE001, S112  (Django reports it when it loads the middleware)
            continue
        if not getattr(factory, "async_capable", False):
            yield CheckWarning(
                f"{path} is synchronous. Behind the handler {handler!r}, each request to an asynchronous view changes"
                " threads for it twice.",
                hint="Make it async_capable, or use pocket.django.lambda_handlers.asgi_handler, which runs both"
                " kinds in one thread.",
                obj=path,
                id="pocket.W052",
            )


def applications(**_: Any) -> Iterator[CheckMessage]:
    """A wrapper around Django's application that Pocket's handlers do not call."""
    found = deployment.current()
    commands = {handler.command for handler in found.stage.handlers.values()} if found else set()
    for name, handler, maker in _APPLICATIONS:
        path = getattr(settings, name, None)
        if handler in commands and path and _is_wrapped(path, maker):
            yield CheckWarning(
                f"{path} wraps Django's application, but {handler} does not call it: what the wrapper does is skipped.",
                hint="Turn the wrapper into a middleware, and put it first in MIDDLEWARE.",
                obj=name,
                id="pocket.W056",
            )


_APPLICATIONS = (
    ("WSGI_APPLICATION", naming.WSGI_HANDLER, "django.core.wsgi.get_wsgi_application"),
    ("ASGI_APPLICATION", naming.ASGI_HANDLER, "django.core.asgi.get_asgi_application"),
)


def _is_wrapped(path: str, maker: str) -> bool:
    """Whether the attribute at the dotted `path` is something other than what `maker` returns."""
    module, _, attribute = path.rpartition(".")
    tree = _tree(module)
    if tree is None:
        return False
    names = imported_names(tree)
    for node in reversed(tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == attribute:
            return True
        if not isinstance(node, ast.Assign) or not any(_is_name(target, attribute) for target in node.targets):
            continue
        if isinstance(node.value, ast.Name):
            attribute = node.value.id
        else:
            called = dotted(node.value.func, names) if isinstance(node.value, ast.Call) else None
            return called != maker
    return False


def _is_name(target: ast.expr, name: str) -> bool:
    return isinstance(target, ast.Name) and target.id == name


def _own_asgi_handler(found: Deployment) -> str | None:
    """The first handler of the stage whose module imports Django's ASGI application, or the module that makes it."""
    application = (getattr(settings, "ASGI_APPLICATION", None) or "").rpartition(".")[0]
    for name, handler in found.stage.handlers.items():
        module = handler.command.rpartition(".")[0]
        if not handler.address or module.startswith("pocket."):
            continue
        imported = _imports(module)
        if application and any(item.startswith(application) for item in imported):
            imported |= _imports(application)
        if "django.core.asgi" in imported:
            return name
    return None


def _imports(module: str) -> set[str]:
    """The modules that `module` imports by name, by its source."""
    tree = _tree(module)
    names: set[str] = set()
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update((node.module, *(f"{node.module}.{alias.name}" for alias in node.names)))
    return names


def _tree(module: str) -> ast.Module | None:
    """The syntax tree of a module by its dotted name; None if there is no source."""
    try:
        spec = find_spec(module)
    except Exception:  # noqa: BLE001  (the check of handlers, or Django's start, reports it)
        return None
    return source_tree.tree(Path(spec.origin)) if spec and spec.origin and spec.origin.endswith(".py") else None
