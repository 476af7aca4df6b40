"""The chooser: which wire format an event is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.lambda_http import function_url, http_api, load_balancer, rest_api
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


_OF_VERSION_TWO: tuple[Format, ...] = (http_api, function_url)
_OTHERS: tuple[Format, ...] = (rest_api, load_balancer)
FORMATS = (*_OF_VERSION_TWO, *_OTHERS)


def choose(event: Any) -> Format:
    """The format of `event`; raises UnknownEvent, with the keys that the event had, where there is none."""
    if isinstance(event, dict):
        for form in _OF_VERSION_TWO if event.get("version") == "2.0" else _OTHERS:
            if form.recognise(event):
                return form
    raise unknown(event)
