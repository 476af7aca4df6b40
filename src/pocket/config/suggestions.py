"""Hints for misspelt names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def suggest(name: str, known: Iterable[str]) -> str:
    """A hint with the nearest of `known`, or with all of them if none is near; empty if `known` is empty."""
    names = list(dict.fromkeys(known))
    return nearest(name, names) or (f"Expected one of: {', '.join(sorted(names))}." if names else "")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint with the nearest of `known`; empty if none is near."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f'Did you mean "{near[0]}"?' if near else ""
