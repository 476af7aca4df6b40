"""Ports: on the loopback interface, the same as last time where they are free."""

import socket
from pathlib import Path

import pytest

from pocket.local.launcher.ports import PortInUse, PortMemory, listen, listen_on_first, port_of
from pocket.local.launcher.server import listeners


def test_only_the_loopback_interface_is_listened_on() -> None:
    with listen(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_a_taken_port_is_refused_by_number_and_passed_over_in_a_search() -> None:
    with listen(0) as first, listen(0) as spare:
        free = port_of(spare)
        spare.close()
        with pytest.raises(PortInUse) as refused:
            listen(port_of(first))
        assert refused.value.port == port_of(first)
        with listen_on_first([port_of(first), free]) as found:
            assert port_of(found) == free
        with listen_on_first([port_of(first)]) as found:
            assert port_of(found) != port_of(first)


def test_a_listener_on_the_other_loopback_address_counts_as_taken() -> None:
    """A browser that opens `localhost` may try ::1 first."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 on this machine")
    with socket.socket(socket.AF_INET6) as other:
        try:
            other.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 loopback on this machine")
        other.listen()
        with pytest.raises(PortInUse):
            listen(other.getsockname()[1])


def test_what_is_remembered_is_read_back(tmp_path: Path) -> None:
    memory = PortMemory(tmp_path / "ports.json")
    memory.control, memory.sites = 4566, {"web": {"port": 8001, "route": "abc"}, "api": {"port": 8002}}
    memory.save()
    again = PortMemory(tmp_path / "ports.json")
    assert (again.control, again.site_port("web"), again.route("web")) == (4566, 8001, "abc")
    assert (again.site_port("other"), again.route("api")) == (0, None)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"control": 1}', '{"control": "x", "sites": {}}', "null"])
def test_a_broken_memory_is_forgotten(tmp_path: Path, content: str) -> None:
    file = tmp_path / "ports.json"
    file.write_text(content)
    memory = PortMemory(file)
    assert (memory.site_port("web"), memory.route("web")) == (0, None)


def test_a_new_site_does_not_take_the_port_that_another_remembers(tmp_path: Path) -> None:
    with listen(0) as spare:
        port = port_of(spare)
    memory = PortMemory(tmp_path / "ports.json")
    memory.sites = {"web": {"port": port, "route": "abc"}}
    taken = listeners(memory, ["api", "web"], None)
    try:
        assert port_of(taken["web"]) == port != port_of(taken["api"])
        assert memory.route("web") == "abc"
        assert PortMemory(tmp_path / "ports.json").control == port_of(taken[""])
    finally:
        for listener in taken.values():
            listener.close()
