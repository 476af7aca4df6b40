"""Security of a stage: debug pages, hosts and origins, headers that clients can forge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning
from django.http.request import validate_host
from django.utils.http import is_same_domain

from pocket.django.checks import deployment
from pocket.runtime.variables import without_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage

_OF_THE_GATEWAY = "HTTP_X_FORWARDED_PROTO"
"""The one proxy header that API Gateway and function URLs always overwrite."""


def debug(**_: Any) -> Iterator[CheckMessage]:
    """DEBUG in a stage."""
    found = deployment.current()
    if found is not None and settings.DEBUG and not found.of_laptop("DEBUG"):
        yield Error(
            "DEBUG is on in a deployed stage. Error pages show settings and source to anyone, and every query is kept"
            " in memory.",
            hint="Set DEBUG = False where POCKET_STAGE is set.",
            obj="DEBUG",
            id="pocket.E044",
        )


def addresses(**_: Any) -> Iterator[CheckMessage]:
    """Addresses of the stage that ALLOWED_HOSTS or CSRF_TRUSTED_ORIGINS lacks."""
    found = deployment.current()
    if found is None:
        return
    for host in found.hosts:
        if not validate_host(without_port(host), settings.ALLOWED_HOSTS) and not found.of_laptop("ALLOWED_HOSTS"):
            yield Error(
                f"ALLOWED_HOSTS lacks {without_port(host)}, an address of the stage: every request to it gets a 400"
                " response.",
                hint="Read it from the environment after set_envs():"
                ' ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "").split(",").',
                obj="ALLOWED_HOSTS",
                id="pocket.E041",
            )
    if not any(path.endswith("CsrfViewMiddleware") for path in settings.MIDDLEWARE):
        return
    for address in found.endpoints.values():
        if not any(_trusts(origin, address) for origin in settings.CSRF_TRUSTED_ORIGINS):
            yield CheckWarning(
                f"CSRF_TRUSTED_ORIGINS lacks {address}, an address of the stage. If a proxy in front of it changes the"
                " Host header, every form gets a 403 response.",
                hint="Read it from the environment after set_envs():"
                ' CSRF_TRUSTED_ORIGINS = os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",").',
                obj="CSRF_TRUSTED_ORIGINS",
                id="pocket.W042",
            )


def _trusts(origin: str, address: str) -> bool:
    trusted, used = urlsplit(origin), urlsplit(address)
    return trusted.scheme == used.scheme and is_same_domain(used.netloc, trusted.netloc.lstrip("*"))


def proxies(**_: Any) -> Iterator[CheckMessage]:
    """Settings that trust a header which the gateway passes on as the client sent it."""
    if deployment.current() is None or getattr(settings, "POCKET_TRUSTED_PROXIES", None):
        return
    believed = {name: f"X-Forwarded-{name.rpartition('_')[2].title()}" for name in _FLAGS if getattr(settings, name)}
    secure = settings.SECURE_PROXY_SSL_HEADER
    if secure is not None and secure[0] != _OF_THE_GATEWAY:
        believed["SECURE_PROXY_SSL_HEADER"] = secure[0].removeprefix("HTTP_").replace("_", "-").title()
    for name, header in believed.items():
        yield CheckWarning(
            f"{name} trusts the header {header}, which API Gateway and function URLs pass on as the client sent it.",
            hint=f"Remove {name}, or set the number of your own proxies in front, each of which writes the header:"
            " POCKET_TRUSTED_PROXIES = 1.",
            obj=name,
            id="pocket.W043",
        )


_FLAGS = ("USE_X_FORWARDED_HOST", "USE_X_FORWARDED_PORT")
