"""The echo project's addresses; everything that is no address of its own is echoed."""

import echo_views
from django.urls import path, re_path

_NAMED = (
    "plain",
    "where",
    "read",
    "size",
    "cookies",
    "forged_cookie",
    "template",
    "suspicious",
    "broken",
    "stream",
    "broken_stream",
    "endless",
    "file",
    "async_plain",
    "async_where",
    "async_stream",
    "async_broken",
    "async_endless",
    "async_cancelled",
    "async_slow",
    "async_slow_stream",
    "async_leaves_a_task",
    "async_variable",
)

urlpatterns = [
    *(path(f"_/{name}", getattr(echo_views, name)) for name in _NAMED),
    path("_/status/<int:code>", echo_views.status),
    re_path("", echo_views.echo),
]
