"""What `pocket manage` hands over of the shell's environment."""

from __future__ import annotations

import io

import pytest

from pocket.cli.operate import _variable
from pocket.errors import CommandFailed


def test_a_variable_is_the_shells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "")
    assert _variable("DJANGO_SUPERUSER_PASSWORD") == ""


def test_without_a_value_and_a_terminal_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_SUPERUSER_PASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO("typed\n"))
    with pytest.raises(CommandFailed, match="The variable DJANGO_SUPERUSER_PASSWORD is not set") as refused:
        _variable("DJANGO_SUPERUSER_PASSWORD")
    assert "--env DJANGO_SUPERUSER_PASSWORD" in refused.value.hint
