"""The change of a settings module: two additions, so that every line and comment of the project stays as it is."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from pocket.errors import ConfigError
from pocket.scaffold import tree

if TYPE_CHECKING:
    from pocket.scaffold.survey import Survey

_CALLS = re.compile(r"\b(get_django_settings|set_envs)\b")

_HELPERS = ("get_caches", "get_databases", "get_storages")

_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_S3_ACCESS_KEY_ID", "AWS_S3_SECRET_ACCESS_KEY")
"""Settings of django-storages that would be used instead of the function's role."""

_BEGINNING = """\
from pocket.django.runtime import get_django_settings, set_envs
from pocket.django.utils import {helpers}

# In Lambda: secrets, hosts and addresses become environment variables. On your laptop, this does nothing.
set_envs()
"""

_END = """\

INSTALLED_APPS = [*INSTALLED_APPS, "pocket.django"]

# A stage of pocket.toml, in Lambda and in `pocket local`. On your laptop, the settings above apply.
if "POCKET_STAGE" in os.environ:
{lines}

vars().update(get_django_settings())
"""


def text(found: Survey) -> str:
    """The settings module's text with Pocket's additions; unchanged if the module calls Pocket already.

    Raises ConfigError if the module is not valid Python.
    """
    source = tree.text(found.settings)
    if _CALLS.search(source):
        return source
    parsed = tree.parse(found.settings)
    if parsed is None:
        raise ConfigError("The settings module is not valid Python of this version.", file=found.settings)
    lines = source.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += tree.like(source, "\n")
    place = _after_imports(parsed)
    beginning = _beginning(found, parsed)
    before, after = lines[:place], lines[place:]
    # An added `import os` continues the imports above it.
    continues = beginning.startswith("import os") and before and before[-1].startswith(("import ", "from "))
    line = tree.like(source, "\n")
    gap = [line] if before and before[-1].strip() and not continues else []
    rest = [line] if after and after[0].strip() else []
    added = tree.like(source, beginning), tree.like(source, _end(found))
    return "".join([*before, *gap, added[0], *rest, *after, added[1]])


def _beginning(found: Survey, parsed: ast.Module) -> str:
    unused = {"get_caches"} if "CACHES" in found.bound else set()
    unused |= {"get_databases"} if found.has_another_database else set()
    added = _BEGINNING.format(helpers=", ".join(name for name in _HELPERS if name not in unused))
    imported = (alias for node in parsed.body if isinstance(node, ast.Import) for alias in node.names)
    return added if any(alias.name == "os" and alias.asname is None for alias in imported) else f"import os\n\n{added}"


def _end(found: Survey) -> str:
    lines = [
        *([] if found.reads_secret_key else ['SECRET_KEY = os.environ["SECRET_KEY"]']),
        "DEBUG = False",
        'ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "").split(",")',
        'CSRF_TRUSTED_ORIGINS = os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",")',
        *([] if found.has_another_database else ["DATABASES = get_databases()"]),
        *([] if "CACHES" in found.bound else ["CACHES = get_caches()"]),
        "STORAGES = get_storages()",
        *(f"{name} = None  # the function's role has the permissions" for name in _KEYS if name in found.bound),
    ]
    return _END.format(lines="\n".join(f"    {line}" for line in lines))


def _after_imports(parsed: ast.Module) -> int:
    """The number of lines before the addition: the docstring and imports, up to one of the project's own settings."""
    place = 0
    for node in parsed.body:
        match node:
            case ast.Expr(value=ast.Constant(value=str())) if place == 0:
                pass
            case ast.ImportFrom(level=level, names=[ast.alias(name=name), *_]) if level > 0 or name == "*":
                break
            case ast.Import() | ast.ImportFrom():
                pass
            case _:
                break
        place = node.end_lineno or place
    return place
