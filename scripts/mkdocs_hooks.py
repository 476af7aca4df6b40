"""Hooks of the documentation's site: a link that leaves `docs` leads to the file in the repository."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

_LINK = re.compile(r"\]\((\.\./[^)#\s]*)")


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """The page's text, with each relative link out of `docs` as an address below `repo_url`."""
    folder = posixpath.dirname(page.file.src_uri)

    def absolute(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join("docs", folder, match.group(1)))
        return match.group(0) if target.startswith("docs/") else f"]({config.repo_url}/blob/main/{target}"

    return _LINK.sub(absolute, markdown)
