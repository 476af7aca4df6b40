"""Finds the format of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.lambda_http import function_url, http_api, load_balancer, rest_api
from pocket.lambda_http.payload_two import is_of_function_url
from pocket.lambda_http.request import unknown

if TYPE_CHECKING:
    from pocket.lambda_http.response import Format


def choose(event: Any) -> Format:
    """The module of the format of `event`; raises UnknownEvent, which lists the event's keys."""
    if isinstance(event, dict):
        of_function_url = is_of_function_url(event)
        if of_function_url is not None:
            return function_url if of_function_url else http_api
        if rest_api.matches(event):
            return rest_api
        if load_balancer.matches(event):
            return load_balancer
    raise unknown(event)
