"""The TLS context for calls to AWS: a few root certificates, since parsing a whole CA bundle takes longer than the rest
of a call. Certificates and host names are always verified; the full bundle is the fallback.
"""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_BUNDLE_PATHS = (
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/cert.pem",
)
"""The paths in Amazon Linux, Debian, Alpine and macOS, since OpenSSL's default path is wrong in some base images."""

_contexts: dict[str, ssl.SSLContext] = {}


def quick_context() -> ssl.SSLContext:
    """Trusts Amazon's roots only (https://www.amazontrust.com/repository/), or the bundle that the environment sets."""
    if _named_bundle():
        return full_context()
    return _cached("quick", _amazon_roots)


def full_context() -> ssl.SSLContext:
    """Trusts the bundle in `AWS_CA_BUNDLE`, else the system's."""
    return _cached("full", _system_bundle)


def forget() -> None:
    """Drops the contexts with their TLS sessions; the next call makes new ones."""
    _contexts.clear()


def _cached(name: str, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    context = _contexts.get(name)
    if context is None:
        context = _contexts[name] = make()
    return context


def _named_bundle() -> str | None:
    return os.environ.get("AWS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")


def _amazon_roots() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(os.path.join(os.path.dirname(__file__), "amazon_roots.pem"))  # noqa: PTH118, PTH120
    return context


def _system_bundle() -> ssl.SSLContext:
    named = os.environ.get("AWS_CA_BUNDLE")
    context = ssl.create_default_context(cafile=named or None)
    if not named and not context.cert_store_stats()["x509_ca"]:
        found = next((path for path in _BUNDLE_PATHS if os.path.isfile(path)), None)  # noqa: PTH113
        if found:
            context.load_verify_locations(found)
    return context
