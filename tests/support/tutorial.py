"""The first part of the tutorial as data: its code blocks, in their order, as a reader meets them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parent.parent.parent / "docs" / "tutorial" / "first-deploy.md"

_BLOCK = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A code block: `title` names the file that it is, empty for commands; `before` is the text that introduces it."""

    language: str
    title: str
    text: str
    before: str

    @property
    def is_appended(self) -> bool:
        """Whether the text goes to the end of the file instead of being all of it."""
        return f"at the end of `{self.title}`" in " ".join(self.before.split())

    @property
    def commands(self) -> list[str]:
        """The lines to type, without what the command answers."""
        if not self.text.startswith("$ "):
            return self.text.splitlines()
        return [line.removeprefix("$ ") for line in self.text.splitlines() if line.startswith("$ ")]

    @property
    def answer(self) -> str:
        """What a block with one command shows of its output."""
        if not self.text.startswith("$ "):
            return ""
        return "".join(line for line in self.text.splitlines(keepends=True) if not line.startswith("$ "))


def blocks() -> list[Block]:
    """The blocks of the part that a laptop is enough for."""
    part = PAGE.read_text().partition("\n## On the laptop\n")[2].partition("\n## On AWS\n")[0]
    assert part
    found, end = [], 0
    for match in _BLOCK.finditer(part):
        language, title, text = match.groups()
        found.append(Block(language, title or "", text, part[end : match.start()].strip()))
        end = match.end()
    return found
