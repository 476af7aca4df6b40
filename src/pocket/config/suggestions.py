"""The nearest known name to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def suggest(name: str, known: Iterable[str]) -> str:
    """A hint that names the nearest of `known`, or all of them where none is near; empty where none is known."""
    names = list(dict.fromkeys(known))
    return nearest(name, names) or (f"Known here: {', '.join(sorted(names))}." if names else "")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that names the nearest of `known`, empty where none is near."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f'Did you mean "{near[0]}"?' if near else ""
