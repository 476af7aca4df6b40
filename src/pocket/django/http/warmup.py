"""What Django leaves to the first request, done while the function starts, so that no request waits for it.

Lambda gives a start a whole core whatever the function's memory is. An error in the URLs or the template settings
keeps the function from starting, where it would otherwise answer every request with status 500.
"""

from __future__ import annotations

import sys
from typing import Any


def warm_up() -> None:
    """Loads the URLs and their reverse, the template engines with their libraries, and a language's translations.

    What then depends on the path that requests come by is forgotten again.
    """
    before = {*_made_storages()}
    _load()
    _forget_prefixed(before)


def _made_storages() -> dict[str, Any]:
    """Django's own map of the storages made so far."""
    from django.core.files.storage import storages

    made: dict[str, Any] = vars(storages).get("_storages", {})
    return made


def _load() -> None:
    from django.conf import settings
    from django.template import engines
    from django.urls import get_resolver
    from django.utils import translation

    if getattr(settings, "ROOT_URLCONF", None):
        resolver = get_resolver()
        if resolver.url_patterns:
            _ = resolver.reverse_dict
    for engine in engines.all():
        # Django's own backend; Jinja2's has no such thing.
        _ = getattr(getattr(engine, "engine", None), "template_context_processors", None)
    if settings.USE_I18N and not settings.LANGUAGE_CODE.startswith("en"):
        # English needs no catalogue of its own: most messages are their own translation.
        translation.gettext("yes,no,maybe")


def _forget_prefixed(made_before: set[str]) -> None:
    """Drops what was read without the prefix that the first request brings, such as a REST API's stage.

    Django puts the prefix before STATIC_URL and MEDIA_URL when they are first read, and keeps both; so does a storage
    of files that is made of them. Each is read, or made, again when it is next asked for. Django has no other way to
    do that than the one that its own receivers of `setting_changed` take.
    """
    from django.conf import settings
    from django.core.files.storage import FileSystemStorage, default_storage
    from django.utils.functional import empty

    for name in ("STATIC_URL", "MEDIA_URL"):
        vars(settings).pop(name, None)
    lazy: dict[str, Any] = {"default": default_storage}
    if static := sys.modules.get("django.contrib.staticfiles.storage"):
        lazy["staticfiles"] = static.staticfiles_storage
    made = _made_storages()
    for alias, storage in [*made.items()]:
        if alias not in made_before and isinstance(storage, FileSystemStorage):
            del made[alias]
            if alias in lazy:
                lazy[alias]._wrapped = empty
