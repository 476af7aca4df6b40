from __future__ import annotations

from pathlib import Path

import environ
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.cli import env_file
from pocket.errors import ConfigError

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc", "Zl", "Zp"]))


def read(folder: Path, text: str) -> dict[str, str]:
    path = folder / ".env"
    path.write_text(text, encoding="utf-8")
    return env_file.read(path)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("export A=1", "1"),
        ("A = one two  ", "one two"),
        ("A=", ""),
        ("A=one#two", "one#two"),
        ("A=one #two", "one"),
        ('A="one #two" # three', "one #two"),
        ("A='one \\n'", "one \\n"),
        ('A="one\\ntwo \\"three\\""', 'one\ntwo "three"'),
        ("A=postgres://u:p%40@h/n?sslmode=require", "postgres://u:p%40@h/n?sslmode=require"),
    ],
)
def test_forms_of_a_line(tmp_path: Path, line: str, value: str) -> None:
    assert read(tmp_path, f"# comment\n\n{line}\n") == {"A": value}


def test_the_last_of_a_name_counts(tmp_path: Path) -> None:
    assert read(tmp_path, "A=1\nB=2\nA=3\n") == {"A": "3", "B": "2"}


@pytest.mark.parametrize("line", ["hush", "1A=x", 'A="open', "A='it's'", "A: secret"])
def test_anything_else_is_refused_with_its_line_and_without_its_text(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f"B=1\n{line}\n")
    assert caught.value.line == 2
    assert line not in str(caught.value)


def test_a_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        env_file.read(tmp_path / ".env")


@given(value=PRINTABLE)
def test_a_value_in_double_quotes_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, value: str
) -> None:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    assert read(tmp_path_factory.mktemp("env"), f'A="{escaped}"\n') == {"A": value}


def test_plain_values_are_those_of_django_environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "POCKET_T1=plain\nPOCKET_T2='single # quoted'\nexport POCKET_T3=exported\nPOCKET_T4=a=b\n"
    own = read(tmp_path, text)
    for name in own:
        monkeypatch.delenv(name, raising=False)
    environ.Env.read_env(tmp_path / ".env")
    reader = environ.Env()
    assert own == {name: reader.str(name) for name in own}
