"""Static files: that they are served at the addresses and under the names that pages use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning
from django.urls import Resolver404, resolve

from pocket.django.checks import deployment
from pocket.django.checks.disk import is_a
from pocket.naming import STATIC_MANIFEST_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage

    from pocket.django.checks.deployment import Deployment

_SERVERS = ("whitenoise", "servestatic")


def addresses(**_: Any) -> Iterator[CheckMessage]:
    """A STATIC_URL that nothing serves, or that differs from the storage's address."""
    from django.core.files.storage import FileSystemStorage

    found = deployment.current()
    if found is None or not settings.STATIC_URL or not has_files():
        return
    entry = _entry()
    options = entry.get("OPTIONS", {})
    absolute = bool(urlsplit(settings.STATIC_URL).netloc)
    if is_a(entry.get("BACKEND"), FileSystemStorage):
        if not absolute and not _served() and any(item.address for item in found.stage.handlers.values()):
            yield CheckWarning(
                f"Static files are in the artifact, and nothing serves them at {settings.STATIC_URL}. API Gateway"
                " passes requests for them to Django, which responds with 404.",
                hint='Declare [awscontainer.django.storages.staticfiles] with store = "s3" and static = true.',
                obj="STORAGES['staticfiles']",
                id="pocket.W047",
            )
    elif absolute and (place := _place(options)) and not settings.STATIC_URL.startswith(place):
        yield CheckWarning(
            f"STATIC_URL is {settings.STATIC_URL}, but the storage of static files serves them from {place}.",
            hint="Use one address for both, or make STATIC_URL a path: pages get the address from the storage.",
            obj="STATIC_URL",
            id="pocket.W045",
        )


def scanned(**_: Any) -> Iterator[CheckMessage]:
    """Middleware that searches all static files at each start, although it serves none."""
    from django.core.files.storage import FileSystemStorage

    backend = _entry().get("BACKEND")
    if deployment.current() is None or is_a(backend, FileSystemStorage) or not backend:
        return
    for path in settings.MIDDLEWARE:
        if any(word in path.lower() for word in _SERVERS):
            yield CheckWarning(
                f"{path} searches for static files at each start, but their storage serves them from elsewhere.",
                hint="Remove it from MIDDLEWARE where POCKET_STAGE is set.",
                obj="MIDDLEWARE",
                id="pocket.W054",
            )


def manifest(**_: Any) -> Iterator[CheckMessage]:
    """Hashed names without a manifest."""
    from django.contrib.staticfiles.storage import ManifestFilesMixin

    found = deployment.current()
    entry = _entry()
    options = entry.get("OPTIONS", {})
    if found is None or not is_a(entry.get("BACKEND"), ManifestFilesMixin) or not has_files():
        return
    if options.get("manifest_strict") is False or (options.get("manifest_storage") and found.release is None):
        return
    if not _has_manifest(found, options):
        yield Error(
            "Static files have hashed names, but the artifact has no manifest of them: every page with a static file"
            " gets a 500 response.",
            hint="Declare [awscontainer.django.storages.staticfiles] with static = true and manifest = true, and set"
            " STORAGES = get_storages(). The deploy then collects the files and writes the manifest.",
            obj="STORAGES['staticfiles']",
            id="pocket.E046",
        )


def _has_manifest(found: Deployment, options: dict[str, Any]) -> bool:
    """Whether the manifest is in the artifact, or will be: a deploy writes it if pocket.toml declares the storage."""
    if found.release is not None and (found.release / STATIC_MANIFEST_FILE).is_file():
        return True
    declared = found.stage.django.storages.get("staticfiles")
    if found.release is None and declared is not None and declared.manifest:
        return True
    location: Any = options.get("location") or settings.STATIC_ROOT
    return bool(location) and (Path(location) / STATIC_MANIFEST_FILE).is_file()


def _entry() -> dict[str, Any]:
    entry: dict[str, Any] = settings.STORAGES.get("staticfiles", {})
    return entry


def has_files() -> bool:
    """Whether the project, or an app of it, has a static file."""
    from django.contrib.staticfiles.finders import get_finders

    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS:
        return False
    try:
        return any(next(iter(finder.list([])), None) for finder in get_finders())
    except Exception:  # noqa: BLE001  (Django's own check of the finders reports it)
        return False


def _served() -> bool:
    if any(word in path.lower() for path in settings.MIDDLEWARE for word in _SERVERS):
        return True
    url: str = settings.STATIC_URL or "/"
    try:
        resolve(f"{urlsplit(url).path}pocket.css")
    except Resolver404:
        return False
    except Exception:  # noqa: BLE001  (Django's own check of the URLs reports it)
        return True
    return True


def _place(options: dict[str, Any]) -> str | None:
    """The address at which django-storages serves the files; None if it signs addresses or uses an endpoint."""
    domain = options.get("custom_domain")
    location = str(options.get("location", "")).strip("/")
    if not domain:
        return None
    return urljoin(f"{options.get('url_protocol', 'https:')}//{domain}/", location and location + "/")
