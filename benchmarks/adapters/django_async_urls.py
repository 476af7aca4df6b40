"""The benchmark's project with its view as an asynchronous one: at the same address, and as early in the list."""

from __future__ import annotations

from django.urls import path
from django_cases import small_async

urlpatterns = [path("small/", small_async)]
