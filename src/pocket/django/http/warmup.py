"""What Django leaves to the first request, done while the function starts: then nobody waits for it.

Lambda gives a start a whole core whatever the function's memory is. An error in the URLs or the template settings
keeps the function from starting, where it would otherwise answer every request with status 500.
"""

from __future__ import annotations


def warm_up() -> None:
    """Loads the URLs and their reverse, the template engines with their libraries, and a language's translations."""
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
