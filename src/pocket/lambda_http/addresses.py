"""Who asked, at which address, and under which prefix: what a request's surroundings say.

Nothing here believes a header that a client could have written, except where the gateway writes it anew or the
project vouches for proxies of its own.
"""

from __future__ import annotations

from functools import lru_cache

_PORTS = {"http": "80", "https": "443"}
_MOST_ORIGINS = 64


@lru_cache(maxsize=_MOST_ORIGINS)
def origin(host: str, forwarded: str) -> tuple[str, str, str]:
    """Scheme, and what CGI calls SERVER_NAME and SERVER_PORT, of a request to `host`; `forwarded` as for `scheme`."""
    told = scheme(host, forwarded)
    return told, *split_host(host, _PORTS[told])


def scheme(host: str, forwarded: str) -> str:
    """`"https"` or `"http"`: the last word of X-Forwarded-Proto, whose value is `forwarded`.

    API Gateway, function URLs and load balancers overwrite that header with the scheme of the connection that they
    accepted, so it is theirs and not the client's. Where it is missing (a test call from the console, a bare
    emulator) the address decides: a loopback name speaks http, everything else https.
    """
    if forwarded in _PORTS:
        return forwarded
    if forwarded:
        last = forwarded.rsplit(",", 1)[-1].strip().lower()
        if last in _PORTS:
            return last
    name = split_host(host, "")[0]
    return "http" if name in _LOOPBACK or name.endswith(".localhost") else "https"


_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def split_host(host: str, default_port: str) -> tuple[str, str]:
    """Name and port of a Host header; IPv6 literals keep their brackets."""
    if ":" not in host:
        return host, default_port
    name, _, port = host.rpartition(":")
    if "]" in port:
        return host, default_port
    return name, port if port.isascii() and port.isdigit() else default_port


def client(peer: str, forwarded_for: str, trusted_proxies: int) -> str:
    """The client's address: the gateway's peer, or the one that the `trusted_proxies`-th proxy before it saw.

    X-Forwarded-For is read from the right, from the gateway's peer on, one entry a trusted proxy; what stands left
    of that is the client's own claim and is not read. A chain that is too short did not come through the proxies;
    then it is the peer.
    """
    if not trusted_proxies:
        return peer
    chain = [part.strip() for part in forwarded_for.split(",")]
    if peer in chain:
        last = len(chain) - 1 - chain[::-1].index(peer)
        del chain[last + 1 :]
    else:
        chain.append(peer)
    return without_port(chain[-1 - trusted_proxies]) if len(chain) > trusted_proxies else peer


def without_port(address: str) -> str:
    """An address of X-Forwarded-For without the port that some proxies add."""
    if ":" not in address:
        return address
    if address.count(":") == 1:
        return address.partition(":")[0]
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address


def strip_prefix(path: str, prefix: str) -> str | None:
    """`path` below `prefix` (`/stage`), "" for the prefix itself, None where it does not lie below it."""
    if path == prefix:
        return ""
    return path[len(prefix) :] if path.startswith(f"{prefix}/") else None


def below(path: str, prefix: str) -> tuple[str, str]:
    """Prefix and rest of a path, for a prefix that the project names; the rest is the path where it lies elsewhere."""
    prefix = f"/{prefix.strip('/')}" if prefix.strip("/") else ""
    rest = strip_prefix(path, prefix) if prefix else None
    return prefix, path if rest is None else rest
