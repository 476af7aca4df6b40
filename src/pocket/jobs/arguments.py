"""What a database may hold of a job: no secrets in its arguments, by their names and by the stage's own values, and
no characters or numbers that PostgreSQL refuses.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from pocket.django.configuration.secrecy import without_secrets

if TYPE_CHECKING:
    from pocket.django.commands.job_record import Entry

HIDDEN = "[hidden]"
_NAME = re.compile(
    r"passw(or)?d|passphrase|passwort|(^|[_-])pass($|[_-])|(^|[_-])pwd($|[_-])|secret|token|api[_-]?key|access[_-]?key|"
    r"private[_-]?key|credential|signature|authorization|(^|[_-])auth($|[_-])|cookie|(^|[_-])pin($|[_-])|dsn($|[_-])",
    re.IGNORECASE,
)
_OPTION = re.compile(r"(--?[A-Za-z][\w-]*)(=)?", re.ASCII)


def visible(entry: Entry) -> tuple[list[Any], dict[str, Any], bool]:
    """The arguments as they may be recorded, and whether anything was removed: all of them if nested too deeply."""
    try:
        args = storable(_positional(entry))
        kwargs = storable(
            {
                name: HIDDEN if _NAME.search(name) and value is not None else _plain(value)
                for name, value in entry.kwargs.items()
            }
        )
        return args, kwargs, args != entry.args or kwargs != entry.kwargs
    except RecursionError:
        return [], {}, True


def storable(value: Any) -> Any:
    """JSON as PostgreSQL takes it: without the character NUL, lone surrogates, NaN (null instead) and infinities."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode(errors="replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(name): storable(item) for name, item in value.items()}
    return value


def _positional(entry: Entry) -> list[Any]:
    names = dict(enumerate(entry.parameters))
    found: list[Any] = []
    secret_follows = False
    for number, value in enumerate(entry.args):
        option = _OPTION.match(value) if entry.kind == "command" and isinstance(value, str) else None
        named = option is not None and bool(_NAME.search(option[1]))
        if secret_follows and option is None:
            found.append(HIDDEN)
        elif named and option is not None and option[2]:
            found.append(f"{option[1]}={HIDDEN}")
        elif _NAME.search(names.get(number, "")) and value is not None:
            found.append(HIDDEN)
        else:
            found.append(_plain(value))
        secret_follows = named and option is not None and not option[2]
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {
            name: HIDDEN if _NAME.search(str(name)) and item is not None else _plain(item)
            for name, item in value.items()
        }
    return value
