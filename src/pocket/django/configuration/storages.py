"""STORAGES from the `storages` table."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from pocket.django.configuration.errors import SettingsError
from pocket.naming import PLACEHOLDER_KEY, SIGNING_KEY_ID, SIGNING_PRIVATE, STATIC_MANIFEST_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from pocket.manifest import DjangoTables, Storage

DEFAULTS = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

_BACKENDS = {
    ("s3", False, False): "storages.backends.s3.S3Storage",
    ("s3", True, False): "storages.backends.s3.S3StaticStorage",
    ("s3", True, True): "storages.backends.s3.S3ManifestStaticStorage",
    ("filesystem", False, False): "django.core.files.storage.FileSystemStorage",
    ("filesystem", True, False): "django.contrib.staticfiles.storage.StaticFilesStorage",
    ("filesystem", True, True): "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
}


def storages(
    tables: DjangoTables, *, bucket: str | None, region: str, release: Path | None, cdn: str | None = None
) -> dict[str, Any]:
    """Django's STORAGES.

    If `bucket` is None, a store of `s3` raises SettingsError. `release` is the folder of the manifest, None where the
    values are from pocket.toml. `cdn` is the address of the stage's distribution, None where that is not known.
    """
    found = {name: _entry(name, item, bucket, region, release, cdn) for name, item in tables.storages.items()}
    return {name: dict(entry) for name, entry in ({**DEFAULTS, **found}).items()}


def _entry(  # noqa: PLR0917 - what an entry is made of
    name: str, item: Storage, bucket: str | None, region: str, release: Path | None, cdn: str | None
) -> dict[str, Any]:
    hashed = item.manifest and not _precedes_its_map(item, release)
    store = "s3" if item.in_bucket else item.store
    backend = _BACKENDS.get((store, item.static, hashed if item.static else item.manifest))
    if backend is None:
        raise SettingsError(
            f"The storage {name!r} has store {item.store!r}, static {item.static} and manifest {item.manifest};"
            " there is no backend for this combination.",
            'The stores are "s3", "filesystem" and "cloudfront"; manifest needs static.',
        )
    options = dict(item.options)
    if item.manifest and not hashed:
        options.pop("manifest_storage", None)
    if item.in_bucket:
        given = _cdn_options(name, item, cdn) if item.store == "cloudfront" else {}
        options = _s3_options(name, item, {**given, **options}, bucket, region)
        if hashed and release is not None:
            options.setdefault("manifest_storage", BakedManifest(release))
    elif item.location is not None:
        options.setdefault("location", item.location)
    return {"BACKEND": backend, "OPTIONS": options} if options else {"BACKEND": backend}


def _precedes_its_map(item: Storage, release: Path | None) -> bool:
    """Whether settings are loaded before the release's map to hashed names exists.

    Until then files have their plain names: a storage with hashed names would read the map from S3, and would find no
    file in it.
    """
    if PLACEHOLDER_KEY not in os.environ:
        return False
    place = release if item.in_bucket or release is None else release / (item.location or "")
    return place is None or not (place / STATIC_MANIFEST_FILE).is_file()


def _cdn_options(name: str, item: Storage, cdn: str | None) -> dict[str, Any]:
    """Options with which django-storages makes addresses of the distribution, signed ones for a `signed` storage."""
    if cdn is None and PLACEHOLDER_KEY in os.environ:
        cdn = "https://placeholder.invalid"
    if cdn is None:
        raise SettingsError(
            f'The storage {name!r} has store "cloudfront", but the address of the distribution is not known.',
            "A stage has it once it is deployed. Without POCKET_STAGE, use another store in general.django_fallback.",
        )
    scheme, _, host = cdn.partition("//")
    options: dict[str, Any] = {"custom_domain": host, "url_protocol": scheme, "querystring_auth": item.signed}
    # Where settings are loaded without secrets, there is no key, and no address is handed out.
    if item.signed and PLACEHOLDER_KEY not in os.environ:
        key_id, key = os.environ.get(SIGNING_KEY_ID), os.environ.get(SIGNING_PRIVATE)
        if not key_id or not key:
            raise SettingsError(
                f"The storage {name!r} is signed, but {SIGNING_KEY_ID if key else SIGNING_PRIVATE} is not set.",
                "A deploy sets it in the stage's functions. To load the stage's settings elsewhere, set"
                f" {PLACEHOLDER_KEY}=1.",
            )
        options["cloudfront_key_id"], options["cloudfront_key"] = key_id, base64.b64decode(key).decode()
    return options


def _s3_options(name: str, item: Storage, chosen: dict[str, Any], bucket: str | None, region: str) -> dict[str, Any]:
    """The storage's OPTIONS; `chosen` are those in pocket.toml."""
    if not bucket:
        raise SettingsError(
            f'The storage {name!r} has store "{item.store}", but there is no bucket.',
            "Without POCKET_STAGE, set [general] s3_fallback_bucket_name. For a stage, add the table [s3].",
        )
    from pocket.runtime.endpoints import override

    here = override("s3")
    options: dict[str, Any] = {
        "bucket_name": bucket,
        "location": item.location or "",
        # S3's certificate does not cover names with a dot, and the local AWS has one host for all buckets.
        "addressing_style": "path" if here or "." in bucket else "virtual",
        "region_name": region,
        "signature_version": "s3v4",
        **chosen,
    }
    if item.static:
        _address(options, here, region)
    else:
        # As FileSystemStorage does: an upload with an existing name gets another one.
        options.setdefault("file_overwrite", False)
    return options


def _address(options: dict[str, Any], here: str | None, region: str) -> None:
    """Sets `custom_domain`, which django-storages joins with a file's name: a URL then needs no client and no signing.

    If the project sets any option about URLs, nothing is set here.
    """
    if options.keys() & {"custom_domain", "endpoint_url", "querystring_auth", "url_protocol", "client_config"}:
        return
    from pocket.runtime.endpoints import domain_suffix

    bucket = options["bucket_name"]
    if here is not None:
        scheme, _, host = here.partition("//")
        options.update(custom_domain=f"{host}/{bucket}", url_protocol=scheme)
    elif "." in bucket:
        options["custom_domain"] = f"s3.{region}.{domain_suffix(region)}/{bucket}"
    else:
        options["custom_domain"] = f"{bucket}.s3.{region}.{domain_suffix(region)}"


class BakedManifest:
    """The `manifest_storage` of a storage with hashed names: `staticfiles.json` in the artifact.

    Django reads that map when it makes the storage. From S3 that is a call in every cold start, and during a deploy or
    rollback it would be the map of another release; in the artifact, the map always fits the code. The deploy writes
    the map, so writing is refused here.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __repr__(self) -> str:
        return f"BakedManifest({str(self.directory)!r})"

    def open(self, name: str, mode: str = "rb") -> BinaryIO:
        """Opens the map; raises FileNotFoundError."""
        if mode != "rb":
            self._refuse()
        return (self.directory / name).open("rb")

    def exists(self, name: str) -> bool:
        """Whether the map is in the artifact."""
        return (self.directory / name).is_file()

    def delete(self, name: str) -> None:
        """Raises PermissionError."""
        self._refuse()

    def _save(self, name: str, content: object) -> str:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise PermissionError(
            "The map of static files is part of the release; `pocket deploy` collects static files and writes it."
        )
