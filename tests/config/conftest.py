"""A project directory with a `pocket.toml`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pocket import config
from pocket.errors import ConfigError, ConfigErrors

HEAD = """\
[general]
region = "ap-northeast-1"
stages = ["dev", "prd"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "board"
    folder.mkdir()
    return folder


@pytest.fixture
def read(folder: Path) -> Callable[..., config.Project]:
    """Load a file of `head` and the text."""

    def load(text: str, head: str = HEAD) -> config.Project:
        (folder / "pocket.toml").write_text(head + text, encoding="utf-8")
        return config.load(folder / "pocket.toml")

    return load


@pytest.fixture
def refused(read: Callable[..., config.Project]) -> Callable[..., list[ConfigError]]:
    """The issues of a file of `head` and the text."""

    def issues(text: str, head: str = HEAD) -> list[ConfigError]:
        with pytest.raises(ConfigErrors) as caught:
            read(text, head)
        return list(caught.value.errors)

    return issues
