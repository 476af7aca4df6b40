"""The table of the application registry's document names only modules, projects and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent.parent
TESTS = REPOSITORY / "tests"
ABBREVIATED = {"test_broken", "test_cures"}


@pytest.fixture(scope="module")
def section() -> str:
    text = (REPOSITORY / "docs" / "specification.md").read_text()
    return text.partition("## Django's application registry")[2].partition("\n## ")[0]


def test_every_test_that_the_table_names_is_there(section: str) -> None:
    source = "".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    named = set(re.findall(r"\btest_[a-z0-9_]+", section)) - ABBREVIATED
    files = {path.stem for path in TESTS.rglob("test_*.py")}
    assert {name for name in named if f"def {name}(" not in source} - files == set()
    assert len(named) > 20


def test_every_module_that_the_table_names_is_there(section: str) -> None:
    named = set(re.findall(r"`((?:django|config|fastapi|cli|diagnosis)/[\w/]+\.py)", section))
    roots = (REPOSITORY / "src" / "pocket", TESTS)
    assert {name for name in named if not any((root / name).exists() for root in roots)} == set()
    assert named


def test_every_broken_project_stands_in_the_table(section: str) -> None:
    projects = {path.name for path in (TESTS / "projects" / "troubles").iterdir()} - {"sound", "start_failed"}
    assert projects - set(re.findall(r"test_broken\[(\w+)\]", section)) == set()
