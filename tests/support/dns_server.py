"""A name server on loopback that answers from a dictionary, for code that asks the public DNS."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset

Zones = Mapping[tuple[str, str], list[str] | dns.rcode.Rcode]
"""The values by name and type (`("com", "NS")`), or the code of the answer; all else is NXDOMAIN."""


def resolver_of(port: int) -> dns.resolver.Resolver:
    """A resolver that asks that port alone."""
    found = dns.resolver.Resolver(configure=False)
    found.nameservers, found.port, found.lifetime = ["127.0.0.1"], port, 2.0
    return found


@contextmanager
def serving(zones: Zones) -> Iterator[dns.resolver.Resolver]:
    """A resolver whose name server runs inside the block."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(0.05)
        ended = threading.Event()
        thread = threading.Thread(target=_serve, args=(bound, zones, ended))
        thread.start()
        try:
            yield resolver_of(bound.getsockname()[1])
        finally:
            ended.set()
            thread.join()


def _serve(bound: socket.socket, zones: Zones, ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            data, client = bound.recvfrom(4096)
        except TimeoutError:
            continue
        bound.sendto(_answer(data, zones), client)


def _answer(data: bytes, zones: Zones) -> bytes:
    query = dns.message.from_wire(data)
    answer = dns.message.make_response(query, recursion_available=True)
    [question] = query.question
    name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
    found = zones.get((name, kind), dns.rcode.NXDOMAIN)
    if isinstance(found, dns.rcode.Rcode):
        answer.set_rcode(found)
    elif found:
        answer.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, found))
    return answer.to_wire()
