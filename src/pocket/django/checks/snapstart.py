"""Values taken at import, which a snapshot keeps and every environment restored from it shares.

https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
"""

from __future__ import annotations

import ast
import os
import re
from typing import TYPE_CHECKING, Any

from django.core.checks import Warning as CheckWarning

from pocket.django.checks import deployment, source_tree
from pocket.django.checks.import_time import dotted, executed, imported_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from django.apps import AppConfig
    from django.core.checks import CheckMessage

    from pocket.django.checks.deployment import Deployment
    from pocket.django.checks.import_time import Names

RANDOM, CONNECTION, CLOCK, SECRET = "pocket.W070", "pocket.W071", "pocket.W072", "pocket.W073"

_RANDOM = (
    r"random\.(?!seed$)\w+|numpy\.random\.(?!seed$)\w+|secrets\.(token_\w+|choice|randbelow|randbits)"
    r"|uuid\.uuid[14]|os\.urandom|django\.utils\.crypto\.get_random_string"
    r"|django\.core\.management\.utils\.get_random_secret_key"
)
_CONNECTION = (
    r"(psycopg|psycopg2|pymysql|MySQLdb|oracledb|sqlite3)\.connect|socket\.create_connection|smtplib\.SMTP(_SSL)?"
    r"|pymongo\.MongoClient|django\.db\.connection\.(cursor|connect|ensure_connection)"
)
_CLOCK = (
    r"time\.(time|monotonic|perf_counter)(_ns)?|time\.(gmtime|localtime)|datetime\.datetime\.(now|utcnow|today)"
    r"|datetime\.date\.today|django\.utils\.timezone\.(now|localtime|localdate)"
)
_CALLS = {
    RANDOM: (re.compile(_RANDOM), "a random value"),
    CONNECTION: (re.compile(_CONNECTION), "a connection"),
    CLOCK: (re.compile(_CLOCK), "the time"),
}
_HINTS = {
    RANDOM: "Call it where the value is used: all environments restored from one snapshot share the value.",
    CONNECTION: "Open it where it is used, or after the restore: the server has closed the connection by then.",
    CLOCK: "Call it where the value is used: the value is the time of the snapshot, perhaps days ago.",
    SECRET: "Read it where it is used: the snapshot keeps the old value after the secret is changed.",
}


def imports(app_configs: Iterable[AppConfig] | None = None, **_: Any) -> Iterator[CheckMessage]:
    """Each value that a module of the project takes while it is imported, where the stage uses SnapStart."""
    found = deployment.current()
    if found is None or not _snapshots(found):
        return
    secrets = {item.name for item in found.stage.secrets}
    settings_file = source_tree.settings_file()
    for _module, path in source_tree.modules(app_configs):
        tree = source_tree.tree(path)
        if tree is None:
            continue
        names = imported_names(tree)
        nodes = sorted(executed(tree), key=lambda node: node.lineno)
        for node in nodes:
            yield from _calls(node, names, path)
            if path != settings_file:
                yield from _secrets(node, names, path, secrets)


def _snapshots(found: Deployment) -> bool:
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        return True
    if found.path.suffix != ".toml":
        return False
    from pocket.config import load

    container = load(found.path).stage(found.name).awscontainer
    return container is not None and container.snapstart


def _calls(node: ast.expr, names: Names, path: Path) -> Iterator[CheckMessage]:
    called = dotted(node.func, names) if isinstance(node, ast.Call) else None
    for id_, (pattern, what) in _CALLS.items():
        if called is not None and pattern.fullmatch(called):
            yield _message(id_, f"{called}() takes {what} while the module is imported", path, node)


def _secrets(node: ast.expr, names: Names, path: Path, secrets: set[str]) -> Iterator[CheckMessage]:
    read = None
    if isinstance(node, ast.Subscript) and dotted(node.value, names) == "os.environ":
        read = node.slice
    elif isinstance(node, ast.Call) and node.args and dotted(node.func, names) in {"os.getenv", "os.environ.get"}:
        read = node.args[0]
    if isinstance(read, ast.Constant) and read.value in secrets:
        yield _message(SECRET, f"The secret {read.value} is read while the module is imported", path, node)


def _message(id: str, what: str, path: Path, node: ast.expr) -> CheckMessage:  # noqa: A002
    return CheckWarning(
        f"{what}, and SnapStart keeps it in the snapshot.",
        hint=_HINTS[id],
        obj=source_tree.Place(path, node.lineno),
        id=id,
    )
