"""Does while the function starts what Django does in the first request, so that no request waits for it.

During a start a function has a whole core, regardless of its memory. Errors in URLs and template settings are raised at
start-up; otherwise every request would have status 500.
"""

from __future__ import annotations

import sys
from typing import Any


def warm_up() -> None:
    """Loads URLs and their reverse, template engines with their libraries, and the translations of LANGUAGE_CODE.

    Values that depend on the requests' prefix are dropped again.
    """
    before = {*_made_storages()}
    _load()
    _forget_prefixed(before)


def _made_storages() -> dict[str, Any]:
    """Django's cache of storages. In a Django without it, the start fails: URLs might lack the prefix."""
    from django.core.files.storage import storages

    made: dict[str, Any] = vars(storages)["_storages"]
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
        # Only Django's backend has it, Jinja2's does not.
        _ = getattr(getattr(engine, "engine", None), "template_context_processors", None)
    if settings.USE_I18N and not settings.LANGUAGE_CODE.startswith("en"):
        # English needs no catalog: messages are in English.
        translation.gettext("yes,no,maybe")


def _forget_prefixed(made_before: set[str]) -> None:
    """Drops values without the prefix of the first request, such as a REST API's stage.

    Django adds the prefix to STATIC_URL and MEDIA_URL when they are first read, and caches both; so does a storage of
    files. They are read and made again when they are next used. This is what Django's receivers of `setting_changed`
    do; there is no documented way.
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
