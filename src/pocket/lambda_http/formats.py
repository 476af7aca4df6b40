"""Finds the format of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.lambda_http import function_url, http_api, load_balancer, rest_api
from pocket.lambda_http.request import unknown

if TYPE_CHECKING:
    from pocket.lambda_http.response import Format


def choose(event: Any) -> Format:
    """The module of the format of `event`; raises UnknownEvent, which lists the event's keys."""
    if isinstance(event, dict):
        context = event.get("requestContext")
        if event.get("version") == "2.0" and isinstance(context, dict) and "http" in context:
            return function_url if ".lambda-url." in str(context.get("domainName")) else http_api
        if rest_api.matches(event):
            return rest_api
        if load_balancer.matches(event):
            return load_balancer
    raise unknown(event)
