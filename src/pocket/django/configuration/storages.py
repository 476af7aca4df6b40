"""STORAGES from the `storages` table."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pocket.django.configuration.errors import SettingsError
from pocket.naming import PLACEHOLDER_KEY, STATIC_MANIFEST_FILE

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


def storages(tables: DjangoTables, *, bucket: str | None, region: str, release: Path | None) -> dict[str, Any]:
    """Django's STORAGES.

    If `bucket` is None, a store of `s3` raises SettingsError. `release` is the folder of the manifest, None where the
    values are from pocket.toml.
    """
    found = {name: _entry(name, item, bucket, region, release) for name, item in tables.storages.items()}
    return {name: dict(entry) for name, entry in ({**DEFAULTS, **found}).items()}


def _entry(name: str, item: Storage, bucket: str | None, region: str, release: Path | None) -> dict[str, Any]:
    hashed = item.manifest and not _precedes_its_map(item, release)
    backend = _BACKENDS.get((item.store, item.static, hashed if item.static else item.manifest))
    if backend is None:
        raise SettingsError(
            f"The storage {name!r} has store {item.store!r}, static {item.static} and manifest {item.manifest};"
            " there is no backend for this combination.",
            'The stores are "s3" and "filesystem"; manifest needs static.',
        )
    options = dict(item.options)
    if item.manifest and not hashed:
        options.pop("manifest_storage", None)
    if item.store == "s3":
        options = _s3_options(name, item, options, bucket, region)
        if hashed and release is not None:
            from pocket.django.configuration.static_manifest import BakedManifest

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
    place = release if item.store == "s3" or release is None else release / (item.location or "")
    return place is None or not (place / STATIC_MANIFEST_FILE).is_file()


def _s3_options(name: str, item: Storage, chosen: dict[str, Any], bucket: str | None, region: str) -> dict[str, Any]:
    """The storage's OPTIONS; `chosen` are those in pocket.toml."""
    if not bucket:
        raise SettingsError(
            f'The storage {name!r} has store "s3", but there is no bucket.',
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
