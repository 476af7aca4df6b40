"""The environment variables without which a settings module does not start, read from its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterable, Iterator

from pocket.config.rules.environment import is_reserved

_READERS = {"env", "config"}
"""Names of django-environ's and environs' reader, and of python-decouple's."""

_KINDS = {"bool": "false", "int": "0", "float": "0", "list": "", "json": "{}", "dict": ""}
"""A value that each of a reader's methods accepts."""

_OF_THE_ROLE = re.compile(r"AWS_(S3_)?(ACCESS_KEY_ID|SECRET_ACCESS_KEY)$|AWS_STORAGE_BUCKET_NAME$")
_SECRET = re.compile(r"(^|_)(KEY|SALT|SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|DSN|CREDENTIALS?|CREDS?)(_|$)|PASS$")
_EXAMPLES = (
    (re.compile(r"ADMIN_URL$"), "admin/"),
    (re.compile(r"EMAIL"), "noreply@example.com"),
    (re.compile(r"DOMAIN|HOST"), "example.com"),
    (re.compile(r"UR[IL](_|$)"), "https://example.com/"),
    (re.compile(r"PORT$"), "443"),
)


class Required:
    """The variables that settings read without a default, each with a value with which they start.

    `secret` are secrets, `plain` the rest, and `unused` those that matter only to what Pocket or the function's role
    replaces: the values of the names in `replaced`.
    """

    def __init__(self, modules: Iterable[ast.Module], replaced: Iterable[ast.expr], known: Container[str]) -> None:
        self.unused: dict[str, str] = {}
        self.plain: dict[str, str] = {}
        self.secret: dict[str, str] = {}
        of_replaced = {found[0] for value in replaced for node in ast.walk(value) if (found := _required(node))}
        nodes = [node for module in modules for node in _expressions(module)]
        skipped = {name for node in nodes for name in _with_defaults(node)}
        for name, method in filter(None, map(_required, nodes)):
            if name in skipped or name in known or is_reserved(name):
                continue
            if name in of_replaced or _OF_THE_ROLE.search(name):
                self.unused[name] = _KINDS.get(method, "unused")
            elif _SECRET.search(name):
                self.secret[name] = "local"
            else:
                example = next((value for pattern, value in _EXAMPLES if pattern.search(name)), "change-me")
                self.plain[name] = _KINDS.get(method, example)


def _expressions(module: ast.Module) -> Iterator[ast.AST]:
    """The nodes that run whenever the module is imported, whatever its conditions say."""
    for statement in module.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr):
            yield from ast.walk(statement)


def _required(node: ast.AST) -> tuple[str, str] | None:
    """The variable that the node reads without a default, and the reader's method."""
    match node:
        case ast.Subscript(value=ast.Attribute(attr="environ"), slice=ast.Constant(value=str(name)), ctx=ast.Load()):
            return name, ""
        case ast.Call(func=ast.Name(id=reader), args=[ast.Constant(value=str(name))], keywords=keywords):
            method = ""
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id=reader), attr=method),
            args=[ast.Constant(value=str(name))],
            keywords=keywords,
        ):
            pass
        case _:
            return None
    given = {keyword.arg for keyword in keywords}
    if reader not in _READERS or "default" in given or not re.fullmatch(r"[A-Z][A-Z0-9_]+", name):
        return None
    casts = (keyword.value.id for keyword in keywords if keyword.arg == "cast" and isinstance(keyword.value, ast.Name))
    return name, next(casts, method)


def _with_defaults(node: ast.AST) -> set[str]:
    """The variables to which `environ.Env(NAME=(type, default))` gives a default."""
    match node:
        case ast.Call(func=ast.Attribute(attr="Env") | ast.Name(id="Env"), keywords=keywords):
            return {keyword.arg or "" for keyword in keywords if isinstance(keyword.value, ast.Tuple)}
    return set()
