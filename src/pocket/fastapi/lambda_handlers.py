"""The Lambda handlers of an API: the dotted paths for `command` in pocket.toml.

    pocket.fastapi.lambda_handlers.asgi_handler      the API alone
    pocket.fastapi.lambda_handlers.combined_handler  the API under its prefix, Django's site everywhere else

Both serve the application in `[awscontainer.fastapi]`. Each is built on first access.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocket.manifest import Api

    Handler = Callable[[Any, Any], Any]

    asgi_handler: Handler
    combined_handler: Handler

__all__ = ["asgi_handler", "combined_handler"]


class CombinedHandler:
    """Gives an event to `api` where its path begins with `prefix`, else to `django`, whose own fast path that is."""

    def __init__(self, django: Any, api: Handler, prefix: str) -> None:
        self.django = django
        self.api = api
        self.prefix = prefix

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        """The response in the event's own format; raises UnknownEvent for an event that is not HTTP."""
        return (self.api if self._is_for_api(event) else self.django)(event, context)

    def _is_for_api(self, event: dict[str, Any]) -> bool:
        # This is enough for most events; the others must be parsed.
        path = event.get("rawPath") or event.get("path") or ""
        if self.prefix not in path and "%" not in path:
            return False
        from pocket.lambda_http.formats import choose

        read: str = choose(event).parse(event, self.django.gateway).path
        return read == self.prefix or read.startswith(f"{self.prefix}/")


def _asgi() -> Callable[[], Handler]:
    import fastapi  # noqa: F401  (imported while AWS answers)

    import pocket.asgi  # noqa: F401
    from pocket.django.configuration.source import api
    from pocket.django.http.cdn import behind_cdn

    return lambda: behind_cdn(make_api_handler(api(), alone=True))


def _combined() -> Callable[[], Handler]:
    import fastapi  # noqa: F401

    from pocket.django.configuration.source import api
    from pocket.django.http.cdn import behind_cdn
    from pocket.django.http.combining import normal
    from pocket.django.http.warmup import warm_up
    from pocket.django.http.wsgi import make_wsgi_handler

    def make() -> Handler:
        configured = api()
        site = make_wsgi_handler()
        warm_up()
        combined = CombinedHandler(site, make_api_handler(configured, alone=False), normal(configured.prefix))
        return behind_cdn(combined)

    return make


def make_api_handler(configured: Api, *, alone: bool) -> Handler:
    """The handler of the application that `configured` names, under its prefix unless it is `alone`; SetupFailed."""
    from pocket.asgi import make_handler
    from pocket.django.configuration.setup import imported
    from pocket.django.http.combining import Prefixed
    from pocket.django.http.wsgi import gateway_of_settings

    app = imported(configured.app)
    gateway = gateway_of_settings()
    served = app if alone else Prefixed(app, configured.prefix)
    return make_handler(
        served, base_path=gateway.base_path, trusted_proxies=gateway.trusted_proxies, cached=gateway.cached
    )


_LOADERS = {"asgi_handler": _asgi, "combined_handler": _combined}


def __getattr__(name: str) -> Any:
    load = _LOADERS.get(name)
    if load is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pocket.django.configuration.startup import build

    handler = globals()[name] = build(load)
    return handler
