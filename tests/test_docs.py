"""Generated pages are up to date, and links between pages work."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from pocket.deploy.aws.botocore_errors import PERMISSIONS_PAGE
from pocket.errors import DOCUMENTATION

REPOSITORY = Path(__file__).parent.parent
GENERATED: dict[Path, str] = runpy.run_path(str(REPOSITORY / "scripts" / "reference.py"))["pages"]()
PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("benchmarks/*.md")])


def name(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("path", GENERATED, ids=name)
def test_generated_page_is_up_to_date(path: Path) -> None:
    assert path.read_text() == GENERATED[path], "run `python scripts/reference.py`"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_between_pages_work(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{name(page)} links to {target}"


def test_each_place_on_the_architecture_page_is_a_link() -> None:
    page = (REPOSITORY / "docs" / "contributing" / "architecture.md").read_text()
    section = page.partition("## Where is ...?\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if "? |" in line]
    assert len(rows) >= 10
    assert [row for row in rows if "](../../src/pocket/" not in row] == []


def test_an_address_in_a_hint_is_that_of_a_page() -> None:
    assert f"site_url: {DOCUMENTATION}\n" in (REPOSITORY / "mkdocs.yml").read_text()
    page = PERMISSIONS_PAGE.removeprefix(DOCUMENTATION).strip("/")
    assert (REPOSITORY / "docs" / f"{page}.md").is_file()
