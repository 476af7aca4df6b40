"""Wrong: the middleware reads the database when it is made."""

from collections.abc import Callable
from typing import Any

from shop.models import Country


class Countries:
    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response
        self.known = Country.objects.exists()

    def __call__(self, request: Any) -> Any:
        return self.get_response(request)
