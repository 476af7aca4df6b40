"""The example in a real browser, through the distribution that the local AWS plays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from board import Board
from browser import MISSING, Browser, executable
from PIL import Image

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(executable() is None, reason=MISSING)]

PICTURES = "[...document.querySelectorAll('img:not([loading=lazy])')].map(image => [image.src, image.naturalWidth])"
SHEETS = "[...document.styleSheets].map(sheet => [sheet.href, sheet.cssRules.length])"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


def test_a_page_has_its_style_sheets_scripts_and_pictures(board: Board, browser: Browser) -> None:
    browser.problems.clear()
    browser.open(f"{board.address}/")
    assert browser.value("document.title")
    sheets = browser.value(SHEETS)
    assert sheets
    assert all(href.startswith(f"{board.address}/static/") and rules for href, rules in sheets), sheets
    pictures = browser.value(PICTURES)
    assert pictures
    assert all(width for _, width in pictures), pictures
    assert browser.problems == []


def test_an_uploaded_picture_is_shown_by_a_signed_address(board: Board, browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "a picture.png"
    Image.new("RGB", (24, 16), "teal").save(file, "PNG")
    browser.open(f"{board.address}/topics/new/")
    for name, text in {"title": "Seen in a browser", "body": "Teal.", "author_name": "Mika"}.items():
        browser.value(f"document.querySelector('[name={name}]').value = '{text}'")
    browser.choose_file("input[type=file]", file)
    browser.value("document.querySelector('[name=title]').form.requestSubmit()")
    browser.wait_for("Page.loadEventFired")
    assert browser.value("document.title").startswith("Seen in a browser")
    [(address, width)] = [item for item in browser.value(PICTURES) if "/media/" in item[0]]
    assert width == 24
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}" == board.address
    assert "Key-Pair-Id=" in parts.query
    assert browser.value(f"fetch('{parts.path}').then(answer => answer.status)") == 403, "without the signature"
    assert browser.value(f"fetch('{address}').then(answer => answer.status)") == 200
