"""The views of the URL configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.urls import URLPattern, get_resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def asynchronous() -> Iterator[tuple[Callable[..., Any], str]]:
    """Each asynchronous view once, with its dotted name; none where the URL configuration cannot be imported."""
    seen = set()
    for view in _views():
        if iscoroutinefunction(view) and view not in seen:
            seen.add(view)
            shown: Any = getattr(view, "view_class", view)
            yield view, f"{shown.__module__}.{getattr(shown, '__qualname__', type(shown).__qualname__)}"


def _views() -> Iterator[Callable[..., Any]]:
    if not getattr(settings, "ROOT_URLCONF", None):
        return
    try:
        yield from _of_patterns(get_resolver().url_patterns)
    except Exception:  # noqa: BLE001  (Django's own check of the URLs reports it)
        return


def _of_patterns(patterns: Any) -> Iterator[Callable[..., Any]]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            if pattern.callback is not None:
                yield pattern.callback
        else:
            yield from _of_patterns(pattern.url_patterns)
