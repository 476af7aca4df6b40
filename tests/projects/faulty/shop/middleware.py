"""Middleware that knows one way to be called."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


def banner(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def add(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["X-Shop"] = "open"
        return response

    return add
