"""Static files in the stage's bucket: that a deploy uploads them, and that browsers may read them there."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import Error
from django.utils.module_loading import import_string

from pocket.django.checks import deployment
from pocket.django.checks.disk import is_a
from pocket.django.checks.static import has_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage

    from pocket.django.checks.deployment import Deployment

_TABLE = "[awscontainer.django.storages.staticfiles]"


def uploads(**_: Any) -> Iterator[CheckMessage]:
    """A storage of static files in the stage's bucket to which no deploy uploads."""
    found = deployment.current()
    options = _options(found)
    if found is None or options is None:
        return
    declared = found.stage.django.storages.get("staticfiles")
    if declared is None or not declared.in_bucket or not declared.static:
        yield Error(
            f"Pages link to static files in the bucket {options['bucket_name']}, but no deploy uploads them.",
            hint=f'Declare {_TABLE} with store = "s3" and static = true, and set STORAGES = get_storages().',
            obj="STORAGES['staticfiles']",
            id="pocket.E048",
        )


def public(**_: Any) -> Iterator[CheckMessage]:
    """A storage of static files whose addresses are unsigned, in a part of the bucket that is private."""
    found = deployment.current()
    options = _options(found, "S3StaticStorage")
    if found is None or options is None or _elsewhere(options):
        return
    location = str(options.get("location", "")).strip("/")
    folders = [folder.strip("/") for folder in found.stage.public_dirs]
    if not any(f"{location}/".startswith(f"{folder}/") for folder in folders):
        named = ", ".join(f'"{folder}"' for folder in folders) or "nothing"
        yield Error(
            f"Static files are in {location or 'the root'} of the bucket {options['bucket_name']}, which is"
            f" private there: public_dirs of [s3] has {named}. Browsers get a 403 response.",
            hint=_opening(found, location),
            obj="STORAGES['staticfiles']",
            id="pocket.E049",
        )


def _opening(found: Deployment, location: str) -> str:
    """How browsers may read the files."""
    if found.stage.cdn is not None:
        return f'[cloudfront] serves a private bucket: set store = "cloudfront" in {_TABLE}.'
    if location:
        return f'Add "{location}" to public_dirs in [s3].'
    return f'Give {_TABLE} a location, such as "static", and add it to public_dirs in [s3].'


def signing(**_: Any) -> Iterator[CheckMessage]:
    """A signed storage without a package that signs addresses."""
    found = deployment.current()
    signed = [alias for alias, item in found.stage.django.storages.items() if item.signed] if found else []
    if signed and not any(find_spec(name) for name in ("cryptography", "rsa")):
        yield Error(
            f"The storage {signed[0]!r} is signed, but no package that signs addresses is installed.",
            hint="Add cryptography to the project's dependencies.",
            obj=f"STORAGES[{signed[0]!r}]",
            id="pocket.E057",
        )


def _options(found: Deployment | None, kind: str = "S3Storage") -> dict[str, Any] | None:
    """The OPTIONS of the storage of static files; None for another storage or bucket, and without files."""
    entry: dict[str, Any] = settings.STORAGES.get("staticfiles", {})
    options: dict[str, Any] = entry.get("OPTIONS", {})
    if found is None or found.stage.bucket_name is None or options.get("bucket_name") != found.stage.bucket_name:
        return None
    try:
        storage = import_string(f"storages.backends.s3.{kind}")
    except ImportError:
        return None
    return options if is_a(entry.get("BACKEND"), storage) and has_files() else None


def _elsewhere(options: dict[str, Any]) -> bool:
    """Whether browsers use another host than the bucket's, or signed addresses."""
    domain = options.get("custom_domain")
    return bool(options.get("querystring_auth") or (domain and options["bucket_name"] not in domain))
