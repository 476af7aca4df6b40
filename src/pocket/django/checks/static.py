"""Static files: that somebody serves them where pages look for them, under the names that pages know."""

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
    """STATIC_URL and the storage of static files that do not speak of the same place."""
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
                f"Static files lie in the artifact, and nothing serves them at {settings.STATIC_URL}: API Gateway asks"
                " Django for them, which answers 404.",
                hint='Declare [awscontainer.django.storages.staticfiles] with store = "s3" and static = true.',
                obj="STORAGES['staticfiles']",
                id="pocket.W047",
            )
    elif absolute and (place := _place(options)) and not settings.STATIC_URL.startswith(place):
        yield CheckWarning(
            f"STATIC_URL is {settings.STATIC_URL}, and the storage of static files serves them from {place}.",
            hint="Give both the same address, or leave STATIC_URL a path: pages ask the storage.",
            obj="STATIC_URL",
            id="pocket.W045",
        )


def scanned(**_: Any) -> Iterator[CheckMessage]:
    """Middleware that looks through all static files when it starts, though another place serves them."""
    from django.core.files.storage import FileSystemStorage

    backend = _entry().get("BACKEND")
    if deployment.current() is None or is_a(backend, FileSystemStorage) or not backend:
        return
    for path in settings.MIDDLEWARE:
        if any(word in path.lower() for word in _SERVERS):
            yield CheckWarning(
                f"{path} looks for static files at each start, and their storage serves them from elsewhere.",
                hint="Leave it out of MIDDLEWARE where POCKET_STAGE is set.",
                obj="MIDDLEWARE",
                id="pocket.W054",
            )


def manifest(**_: Any) -> Iterator[CheckMessage]:
    """Hashed names without the map that tells them."""
    from django.contrib.staticfiles.storage import ManifestFilesMixin

    found = deployment.current()
    entry = _entry()
    options = entry.get("OPTIONS", {})
    if found is None or not is_a(entry.get("BACKEND"), ManifestFilesMixin) or not has_files():
        return
    if options.get("manifest_strict") is False or (options.get("manifest_storage") and found.release is None):
        return
    if not _map_is_there(found, options):
        yield Error(
            "Static files have hashed names, and the artifact holds no map of them: every page with a static file is"
            " answered 500.",
            hint="Declare [awscontainer.django.storages.staticfiles] with static = true and manifest = true, and take"
            " STORAGES from get_storages(): the deploy collects the files and bakes the map.",
            obj="STORAGES['staticfiles']",
            id="pocket.E046",
        )


def _map_is_there(found: Deployment, options: dict[str, Any]) -> bool:
    """Whether the map is in the artifact, or will be: the deploy writes it where the file declares the storage."""
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
    """Whether the project, or an app of it, has a static file at all."""
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
    """Where django-storages says that the files are; None where it signs addresses or the endpoint is another's."""
    domain = options.get("custom_domain")
    location = str(options.get("location", "")).strip("/")
    if not domain:
        return None
    return urljoin(f"{options.get('url_protocol', 'https:')}//{domain}/", location and location + "/")
