"""Middleware of each kind."""

from typing import Any

from django.utils.decorators import sync_and_async_middleware


def synchronous(get_response: Any) -> Any:
    return get_response


@sync_and_async_middleware
def both(get_response: Any) -> Any:
    return get_response
