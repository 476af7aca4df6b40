"""Services at addresses that work on a laptop, in Docker Compose or in a cluster, but not in a function."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning

from pocket.django.checks import deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage

_SERVERS = {"postgresql", "postgresql_psycopg2", "postgis", "mysql", "oracle"}
_BROKERS = ("CELERY_BROKER_URL", "BROKER_URL", "CELERY_RESULT_BACKEND", "RQ_QUEUES", "CHANNEL_LAYERS", "Q_CLUSTER")


def addresses(**_: Any) -> Iterator[CheckMessage]:
    """Databases, caches and brokers that a function cannot reach, except on the local AWS."""
    found = deployment.current()
    if found is None or found.rehearsed:
        return
    if not found.of_laptop("DATABASE_URL"):
        for alias, entry in settings.DATABASES.items():
            host = _of_database(entry)
            if host is not None and is_near(host):
                yield _message(Error, f"The database {alias!r}", host, f"DATABASES[{alias!r}]", "pocket.E024")
    for alias, entry in settings.CACHES.items():
        host = next((host for host in _hosts(entry.get("LOCATION")) if is_near(host)), None)
        if host is not None and not found.of_laptop("CACHE_URL") and not found.of_laptop("REDIS_URL"):
            yield _message(Error, f"The cache {alias!r}", host, f"CACHES[{alias!r}]", "pocket.E032")
    for name in _BROKERS:
        host = next((host for host in _hosts(getattr(settings, name, None)) if is_near(host)), None)
        if host is not None and not found.of_laptop(name):
            yield _message(CheckWarning, f"The server of {name}", host, name, "pocket.W055")


def _message(kind: type[Error | CheckWarning], what: str, host: str, obj: str, id: str) -> CheckMessage:  # noqa: A002
    where = f"is at {host}" if host else "is a socket on this machine"
    return kind(
        f"{what} {where}, which a function cannot reach.",
        hint="Read the server's full name or address from the environment after set_envs(): from a secret, or from a"
        " variable of [awscontainer.envs].",
        obj=obj,
        id=id,
    )


def is_near(host: str) -> bool:
    """Whether the host is this machine, a socket, or a name without a domain."""
    name = host.strip("[]").lower()
    if not name or name.startswith(("/", "@")) or name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return "." not in name and ":" not in name


def _of_database(entry: dict[str, Any]) -> str | None:
    """The host of a database's entry, "" for a socket; None without a server, and where a service file names it."""
    if str(entry.get("ENGINE", "")).rpartition(".")[2] not in _SERVERS or entry.get("OPTIONS", {}).get("service"):
        return None
    oracle_name = str(entry["ENGINE"]).endswith("oracle") and not entry.get("HOST")
    return None if oracle_name else str(entry.get("HOST") or "")


def _hosts(value: Any) -> Iterator[str]:
    """The hosts in a setting: in URLs, `host:port` and pairs, also inside lists and dictionaries."""
    if isinstance(value, str):
        if "://" in value:
            host = urlsplit(value).hostname
            yield from [host] if host else ()
        elif re.fullmatch(r"[\w.-]+:\d+", value):
            yield value.partition(":")[0]
    elif isinstance(value, dict):
        for key, item in value.items():
            if str(key).lower() in {"host", "hostname"} and isinstance(item, str):
                yield item
            else:
                yield from _hosts(item)
    elif isinstance(value, list | tuple):
        if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int):
            yield value[0]
        else:
            for item in value:
                yield from _hosts(item)
