"""The shell's variables that `pocket manage` passes on."""

from __future__ import annotations

import io

import pytest

from pocket.cli.operate import _variable
from pocket.errors import CommandFailed


def test_a_variable_has_the_shells_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "")
    assert _variable("DJANGO_SUPERUSER_PASSWORD") == ""


def test_a_variable_without_a_value_is_an_error_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_SUPERUSER_PASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO("typed\n"))
    with pytest.raises(CommandFailed, match="The variable DJANGO_SUPERUSER_PASSWORD is not set") as refused:
        _variable("DJANGO_SUPERUSER_PASSWORD")
    assert "--env DJANGO_SUPERUSER_PASSWORD" in refused.value.hint
