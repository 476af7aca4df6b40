"""The tables of the specification name only modules, projects and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent.parent
TESTS = REPOSITORY / "tests"
SOURCE = REPOSITORY / "src" / "pocket"
ABBREVIATED = {"test_broken", "test_hints"}
PAGE = (REPOSITORY / "docs" / "contributing" / "specification.md").read_text()
SECTIONS = {text.split("\n", 1)[0]: text for text in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}

of_each = pytest.mark.parametrize("title", SECTIONS)


def cells(title: str) -> list[tuple[str, str, str]]:
    """The rows of a section's table: statement, where, shown by; without those that are headings."""
    rows = [line.strip("| ").split(" | ") for line in SECTIONS[title].splitlines() if line.startswith("| ")]
    return [(row[0], row[1], row[2]) for row in rows[1:] if not row[0].startswith("**")]


def test_every_document_has_its_table() -> None:
    documents = re.findall(r"`([\w-]+\.ja\.md)`", " ".join(SECTIONS))
    assert {
        "runtime-and-django.ja.md",
        "system-check-framework.ja.md",
        "application-registry.ja.md",
        "fastapi-with-django-orm.ja.md",
    } <= set(documents)
    assert all(len(cells(title)) > 10 for title in SECTIONS)


@of_each
def test_every_statement_has_a_place_and_a_test(title: str) -> None:
    assert [row for row in cells(title) if not all(cell.strip() for cell in row)] == []


@of_each
def test_every_test_that_a_table_names_is_there(title: str) -> None:
    files = sorted(TESTS.rglob("test_*.py"))
    source = "".join(path.read_text() for path in [*files, *REPOSITORY.glob("examples/*/*/tests/test_*.py")])
    named = set(re.findall(r"\btest_[a-z0-9_]+\b(?!\*)", SECTIONS[title])) - ABBREVIATED - {"test_checks_"}
    known = {path.stem for path in files} | {path.stem for path in REPOSITORY.glob("examples/*/*/tests/test_*.py")}
    assert {name for name in named if f"def {name}(" not in source} - known == set()
    assert named


@of_each
def test_a_test_that_is_named_with_its_file_is_in_that_file(title: str) -> None:
    for file, name in re.findall(r"`(\w+/test_\w+\.py)::(test_\w+)", SECTIONS[title]):
        assert f"def {name}(" in (TESTS / file).read_text(), f"{file}::{name}"


@of_each
def test_every_module_that_a_table_names_is_there(title: str) -> None:
    named = set(re.findall(r"`((?:[a-z_]+/)+\w+\.py)", SECTIONS[title]))
    roots = (SOURCE, TESTS, REPOSITORY, REPOSITORY / "examples" / "board", REPOSITORY / "examples" / "board" / "bbs")
    assert {name for name in named if not any((root / name).exists() for root in roots)} == set()
    assert named


def test_every_broken_project_is_in_the_registrys_table() -> None:
    section = next(text for title, text in SECTIONS.items() if "application-registry" in title)
    projects = {path.name for path in (TESTS / "projects" / "issues").iterdir()} - {"sound", "start_failed"}
    assert projects - set(re.findall(r"test_broken\[(\w+)\]", section)) == set()
