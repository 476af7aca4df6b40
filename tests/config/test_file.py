"""Finding and reading `pocket.toml`, and errors for a file that is not TOML."""

from pathlib import Path

import pytest

from pocket.config import find_file, load
from pocket.errors import ConfigError, ConfigErrors


def issue(path: Path, content: bytes) -> ConfigError:
    path.write_bytes(content)
    with pytest.raises(ConfigErrors) as caught:
        load(path)
    assert len(caught.value.errors) == 1
    assert caught.value.errors[0].file == path
    return caught.value.errors[0]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pocket.toml"


def test_the_nearest_file_above_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "pocket.toml").touch()
    assert find_file(inner) == tmp_path / "pocket.toml"
    (tmp_path / "outer" / "pocket.toml").touch()
    assert find_file(inner) == tmp_path / "outer" / "pocket.toml"


def test_a_directory_with_the_name_of_the_file_is_skipped(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    (inner / "pocket.toml").mkdir(parents=True)
    (tmp_path / "pocket.toml").touch()
    assert find_file(inner) == tmp_path / "pocket.toml"


def test_without_a_file_the_error_names_the_directory_and_has_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_file(tmp_path)
    assert str(tmp_path) in caught.value.message
    assert "manage.py" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        (b"[general]\nregion = \n", 2, 10),
        (b"a = 1\na = 2\n", 2, 6),
        (b"[general\n", 1, 9),
        (b'a = "x', 1, 7),
        (b'[general]\nx = """\n\n', 4, 1),
        (b"a = 1\r\nb == 2\r\n", 2, 4),
    ],
)
def test_broken_toml_has_line_and_column(path: Path, content: bytes, line: int, column: int) -> None:
    found = issue(path, content)
    assert found.line == line
    assert found.message.endswith(f"at line {line}, column {column}.")
    assert "toml.io" in found.hint


def test_a_file_that_is_not_utf8_has_the_line(path: Path) -> None:
    found = issue(path, "[general]\nregion = 'é'\n".encode("latin-1"))
    assert found.line == 2
    assert "UTF-8" in found.message


def test_too_deep_nesting_is_an_error(path: Path) -> None:
    assert "nested too deeply" in issue(path, b"a = " + b"[" * 100_000).message


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(ConfigErrors) as caught:
        load(path)
    assert caught.value.file == path
    assert "cannot be read" in caught.value.message


def test_a_byte_order_mark_and_windows_line_endings_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "pocket.toml"
    path.write_bytes(b'\xef\xbb\xbf[general]\r\nproject_name = "board"\r\nregion = "eu-west-1"\r\nstages = ["dev"]\r\n')
    assert load(path).general.region == "eu-west-1"
