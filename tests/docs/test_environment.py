"""The reference names every `POCKET_*` variable and setting that the code reads."""

from __future__ import annotations

import ast
import re
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent
PAGE = (REPOSITORY / "docs" / "reference" / "python-api.md").read_text()


def names_in_code() -> set[str]:
    """Each string constant that is the name of one variable or setting of Pocket's."""
    found = set()
    for path in sorted((REPOSITORY / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(r"^POCKET_[A-Z_]+[A-Z]$", node.value))
    return found


def test_the_reference_names_every_variable_and_setting() -> None:
    found = names_in_code()
    assert {"POCKET_STAGE", "POCKET_REFRESH_URL"} <= found
    assert found == set(re.findall(r"^\| `(POCKET_[A-Z_]+[A-Z])` \|", PAGE, re.MULTILINE))
