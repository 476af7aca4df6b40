"""A Japanese page has the code of the English one: the same blocks in the same order, but for comments."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent.parent
TRANSLATIONS = {
    "docs/ja/first-deploy.md": "docs/tutorial/first-deploy.md",
    "docs/ja/settings.md": "docs/guides/settings.md",
    "README.ja.md": "README.md",
}


def code(page: str) -> list[str]:
    """The page's blocks of code, each without comments and the space before them."""
    blocks = re.findall(r"^```.*?^```$", (REPOSITORY / page).read_text(), re.MULTILINE | re.DOTALL)
    return [re.sub(r"[ \t]*#[^\n]*", "", block) for block in blocks]


def test_every_japanese_page_is_compared() -> None:
    pages = [*REPOSITORY.glob("docs/ja/*.md"), *REPOSITORY.glob("*.ja.md")]
    assert {str(page.relative_to(REPOSITORY)) for page in pages} == TRANSLATIONS.keys()


@pytest.mark.parametrize("page", TRANSLATIONS)
def test_a_translation_has_the_code_of_its_original(page: str) -> None:
    found = code(page)
    assert found
    assert found == code(TRANSLATIONS[page])
