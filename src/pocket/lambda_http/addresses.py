"""The client's address, the scheme and host that it used, and the prefix of the path.

Headers that a client can write are trusted only where the gateway overwrites them or the project configures trusted
proxies.
"""

from __future__ import annotations

import re
import socket
from functools import lru_cache

from pocket.lambda_http.headers import latin

_PORTS = {"http": "80", "https": "443"}
_MOST_ORIGINS = 64


@lru_cache(maxsize=_MOST_ORIGINS)
def origin(host: str, forwarded: str, own_name: str | None = None) -> tuple[str, str, str]:
    """Scheme, SERVER_NAME and SERVER_PORT (as in CGI) of a request to `host`; `forwarded` as for `scheme`.

    A Host header that is missing or invalid is replaced by the gateway's `own_name`, which the event has as text, as a
    server uses its own name.
    """
    own = latin(own_name or "localhost")
    used = scheme(host or own, forwarded)
    return used, *(split_host(host or own, _PORTS[used]) or (own, _PORTS[used]))


def scheme(host: str, forwarded: str) -> str:
    """`"https"` or `"http"`: the last word of X-Forwarded-Proto, whose value is `forwarded`.

    API Gateway, function URLs and load balancers overwrite that header with the scheme of the connection that they
    accepted, so no client can set it. Without it (a test call from the console, an emulator) the host decides: http
    for a loopback name, https for all others.
    """
    if forwarded in _PORTS:
        return forwarded
    if forwarded:
        last = forwarded.rsplit(",", 1)[-1].strip().lower()
        if last in _PORTS:
            return last
    name, _ = split_host(host, "") or ("", "")
    return "http" if name in _LOOPBACK or name.endswith(".localhost") else "https"


_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def split_host(host: str, default_port: str) -> tuple[str, str] | None:
    """Name and port of a Host header (RFC 9110, 7.2), None for an invalid one; IPv6 literals keep their brackets."""
    found = _HOST(host)
    if found is None:
        return None
    name, port = found[1], found[2] or default_port
    if name.startswith("[") and not is_address(name[1:-1]):
        return None
    return (name, port) if not port or int(port) <= _LAST_PORT else None


_HOST = re.compile(r"([A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?").fullmatch
_LAST_PORT = 65535


def client(peer: str, forwarded_for: str, trusted_proxies: int) -> str:
    """The client's address: the gateway's peer, or the peer of the `trusted_proxies`-th proxy before the gateway.

    X-Forwarded-For is read from the right, beginning at the gateway's peer, one entry for each trusted proxy. Entries
    further left can be forged by the client and are not read. A chain that is too short did not come through the
    proxies, and an entry that is not an address was not written by one; in both cases the result is the peer.
    """
    if not trusted_proxies:
        return peer
    chain = [part.strip() for part in forwarded_for.split(",")]
    if peer in chain:
        last = len(chain) - 1 - chain[::-1].index(peer)
        del chain[last + 1 :]
    else:
        chain.append(peer)
    address = without_port(chain[-1 - trusted_proxies]) if len(chain) > trusted_proxies else peer
    return address if is_address(address) else peer


def is_address(text: str) -> bool:
    """Whether `text` is an IPv4 or IPv6 address."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text)
        except (OSError, ValueError):
            continue
        return True
    return False


def without_port(address: str) -> str:
    """An address of X-Forwarded-For without the port that some proxies add."""
    if ":" not in address:
        return address
    if address.count(":") == 1:
        return address.partition(":")[0]
    if address.startswith("["):
        name, bracket, _ = address[1:].partition("]")
        return name if bracket else address
    return address


def strip_prefix(path: str, prefix: str) -> str | None:
    """The rest of `path` after `prefix` (`/stage`), "" for the prefix itself, None for a path outside of it."""
    if path == prefix:
        return ""
    return path[len(prefix) :] if path.startswith(f"{prefix}/") else None


def below(path: str, prefix: str) -> tuple[str, str]:
    """The configured prefix, normalized, and the rest of `path`, which is all of a path outside of the prefix."""
    prefix = f"/{prefix.strip('/')}" if prefix.strip("/") else ""
    rest = strip_prefix(path, prefix) if prefix else None
    return prefix, path if rest is None else rest
