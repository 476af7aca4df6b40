"""The chooser: which wire format an event is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.lambda_http import function_url, http_api, load_balancer, rest_api
from pocket.lambda_http.payload_two import is_of_function_url
from pocket.lambda_http.request import unknown

if TYPE_CHECKING:
    from typing import Protocol

    from pocket.lambda_http.request import Gateway, Request
    from pocket.lambda_http.response import Response

    class Format(Protocol):
        """What a module of a wire format offers; `LIMIT` is the most JSON, in bytes, that it takes back."""

        LIMIT: int

        def recognise(self, event: dict[str, Any], /) -> bool:
            """Whether `event` is of this format."""
            ...

        def parse(self, event: dict[str, Any], gateway: Gateway, /) -> Request:
            """The request of `event`; raises UnknownEvent for a broken one."""
            ...

        def shape(self, event: dict[str, Any], response: Response, /) -> dict[str, Any]:
            """`response` to `event` as this format writes it; always with `body` and `isBase64Encoded`."""
            ...


FORMATS: tuple[Format, ...] = (http_api, function_url, rest_api, load_balancer)


def choose(event: Any) -> Format:
    """The format of `event`; raises UnknownEvent, with the keys that the event had, where there is none."""
    if isinstance(event, dict):
        of_function_url = is_of_function_url(event)
        if of_function_url is not None:
            return function_url if of_function_url else http_api
        if rest_api.recognise(event):
            return rest_api
        if load_balancer.recognise(event):
            return load_balancer
    raise unknown(event)
