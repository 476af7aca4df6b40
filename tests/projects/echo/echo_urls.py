"""The echo project's addresses; everything that is no address of its own is echoed."""

import echo_views
from django.urls import path, re_path

urlpatterns = [
    path("_/plain", echo_views.plain),
    re_path("", echo_views.echo),
]
