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
    near = meant(name, known)
    return f'Did you mean "{near}"?' if near else ""


def meant(name: str, known: Iterable[str]) -> str | None:
    """The nearest of `known`; None if none is near."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.5)), None)
