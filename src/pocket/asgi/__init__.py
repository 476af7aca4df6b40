"""Any ASGI application behind Lambda's HTTP events, on an event loop that Pocket owns."""

from __future__ import annotations

from pocket.asgi.handler import make_handler

__all__ = ["make_handler"]
