"""Undocumented names of other libraries are in one register, and are what it expects of them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

ROOM = Path(__file__).parent.parent.parent / "src" / "pocket" / "fastapi"
OTHERS = [path for path in sorted(ROOM.glob("*.py")) if path.name != "internals.py"]


def test_there_are_a_dozen_at_most_each_with_its_reason(database: str) -> None:
    from pocket.fastapi import internals

    assert len(internals.NAMES) <= 12
    source = (ROOM / "internals.py").read_text()
    for name, reason in internals.NAMES.items():
        assert reason.endswith(".")
        assert len(re.findall(rf"\b{name}\b", source)) >= 2, f"{name} is not used"


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.name)
def test_no_other_module_uses_one_of_them(database: str, path: Path) -> None:
    from pocket.fastapi import internals

    words = set(re.findall(r"\w+", path.read_text()))
    assert not words & set(internals.NAMES)


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.name)
def test_no_other_module_reads_what_a_library_keeps_to_itself(path: Path) -> None:
    """Attributes and imports that begin with an underscore, but for this room's own and Django's documented `_meta`."""
    tree = ast.parse(path.read_text())
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    own |= {node.attr for node in ast.walk(tree) if _is_of_self(node)}
    documented = {"_meta", "_base_manager", "_default_manager"}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not _is_of_self(node):
            found.append(node.attr)
        if isinstance(node, ast.ImportFrom):
            found += [*(node.module or "").split("."), *(alias.name for alias in node.names)]
    private = {name for name in found if name.startswith("_") and not name.endswith("__")}
    assert not private - own - documented


def _is_of_self(node: Any) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}


def test_a_needed_name_that_has_changed_stops_the_start(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import transaction
    from fastapi.routing import APIRoute

    from pocket.django.configuration.errors import SetupFailed
    from pocket.fastapi import internals

    internals.check()
    monkeypatch.setattr(transaction, "non_atomic_requests", lambda view: view)
    with pytest.raises(SetupFailed, match="non_atomic_requests"):
        internals.check()
    monkeypatch.undo()
    monkeypatch.setattr(APIRoute, "__init__", lambda self, *_: None)
    with pytest.raises(SetupFailed, match=r"APIRoute\.dependant"):
        internals.check()


def test_without_the_names_that_are_not_needed_the_usual_way_is_taken(
    client: Any, books: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db.models import query_utils
    from library.api import BookOut
    from library.models import Book

    from pocket.fastapi import internals
    from pocket.fastapi.rows import columns_of, writer_for

    write: Any = writer_for(list[BookOut])
    assert write(Book.objects.all()) is not None
    columns_of.cache_clear()
    monkeypatch.delattr(query_utils, "DeferredAttribute")
    assert write(Book.objects.all()) is None
    monkeypatch.undo()
    columns_of.cache_clear()
    monkeypatch.setattr(internals, "_SETTABLE", frozenset())
    assert write(Book.objects.order_by("id")) is None


def test_the_room_is_small() -> None:
    texts = {path.name: path.read_text() for path in ROOM.glob("*.py")}
    assert sum(len(text.splitlines()) for text in texts.values()) <= 2500
    assert not [name for name, text in texts.items() if len(text.splitlines()) > 250]
    assert sum(text.count("type: ignore") for text in texts.values()) <= 8
