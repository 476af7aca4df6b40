"""STORAGES for every store in the reference."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from django.utils.module_loading import import_string

from pocket.deploy.stacks.secrets import key_pair
from pocket.django.configuration.errors import SettingsError
from pocket.django.configuration.storages import BakedManifest, storages
from pocket.local.launcher.signatures import refusal
from pocket.manifest import DjangoTables, Storage

STATIC_FILES = "django.contrib.staticfiles.storage.StaticFilesStorage"
BACKENDS = [
    ("s3", False, False, "storages.backends.s3.S3Storage"),
    ("s3", True, False, "storages.backends.s3.S3StaticStorage"),
    ("s3", True, True, "storages.backends.s3.S3ManifestStaticStorage"),
    ("filesystem", False, False, "django.core.files.storage.FileSystemStorage"),
    ("filesystem", True, False, STATIC_FILES),
    ("filesystem", True, True, "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"),
]


def made(item: Storage, *, bucket: str | None = "board", release: Path | None = None) -> dict[str, object]:
    tables = DjangoTables(storages={"x": item})
    found: dict[str, object] = storages(tables, bucket=bucket, region="eu-west-1", release=release)["x"]
    return found


def options(item: Storage, **values: object) -> dict[str, object]:
    found = made(item, **values)["OPTIONS"]  # type: ignore[arg-type]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(("store", "static", "manifest", "backend"), BACKENDS)
def test_each_store_has_its_backend(no_aws: None, store: str, static: bool, manifest: bool, backend: str) -> None:
    assert made(Storage(store, "here", static, manifest))["BACKEND"] == backend


def test_combination_without_backend_is_refused(no_aws: None) -> None:
    with pytest.raises(SettingsError, match="no backend"):
        made(Storage("s3", "x", static=False, manifest=True))


def test_options_in_the_file_override_pockets(no_aws: None) -> None:
    item = Storage("s3", "media", options={"file_overwrite": False, "signature_version": "s3"})
    found = options(item)
    assert found["bucket_name"] == "board"
    assert found["location"] == "media"
    assert found["file_overwrite"] is False
    assert found["signature_version"] == "s3"


def test_only_static_files_are_overwritten_by_default(no_aws: None) -> None:
    assert options(Storage("s3", "media"))["file_overwrite"] is False
    assert options(Storage("s3", "media", options={"file_overwrite": True}))["file_overwrite"] is True
    assert "file_overwrite" not in options(Storage("s3", "static", static=True))
    assert "OPTIONS" not in made(Storage("filesystem"))


def test_filesystem_store_has_its_location(no_aws: None) -> None:
    assert options(Storage("filesystem", "/srv/media", options={"base_url": "/m/"})) == {
        "base_url": "/m/",
        "location": "/srv/media",
    }
    assert "OPTIONS" not in made(Storage("filesystem"))


@pytest.mark.parametrize("bucket", [None, ""])
def test_error_for_s3_without_a_bucket_has_a_hint(no_aws: None, bucket: str | None) -> None:
    with pytest.raises(SettingsError, match="no bucket") as caught:
        made(Storage("s3", "media"), bucket=bucket)
    assert "s3_fallback_bucket_name" in str(caught.value)


PLAIN = {"s3": "storages.backends.s3.S3StaticStorage", "filesystem": STATIC_FILES}


@pytest.mark.parametrize("store", ["s3", "filesystem"])
def test_names_are_plain_until_the_release_has_its_map(
    no_aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str
) -> None:
    """A storage with hashed names would read the map from S3, and refuse files that are not in it."""
    item = Storage(store, "static", True, True, options={"manifest_storage": None})
    monkeypatch.setenv("POCKET_PLACEHOLDER_SECRETS", "1")
    for release in (None, tmp_path):
        found = made(item, release=release)
        assert found["BACKEND"] == PLAIN[store]
        assert "manifest_storage" not in str(found)
    place = tmp_path / ("static" if store == "filesystem" else "")
    place.mkdir(exist_ok=True)
    (place / "staticfiles.json").write_text("{}")
    assert "Manifest" in str(made(item, release=tmp_path)["BACKEND"])


def test_release_without_static_files_reads_no_map_from_s3(no_aws: None, tmp_path: Path) -> None:
    baked = options(Storage("s3", "static", True, True), release=tmp_path)["manifest_storage"]
    assert isinstance(baked, BakedManifest)
    with pytest.raises(FileNotFoundError):
        baked.open("staticfiles.json")


def test_map_is_read_from_the_release(no_aws: None, tmp_path: Path) -> None:
    hashed, plain = Storage("s3", "static", True, True), Storage("s3", "static", True)
    (tmp_path / "staticfiles.json").write_text("{}")
    assert isinstance(options(hashed, release=tmp_path)["manifest_storage"], BakedManifest)
    assert "manifest_storage" not in options(plain, release=tmp_path)
    assert "manifest_storage" not in options(hashed)


def test_map_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "staticfiles.json").write_bytes(b"{}")
    baked = BakedManifest(tmp_path)
    assert baked.exists("staticfiles.json")
    with baked.open("staticfiles.json") as file:
        assert file.read() == b"{}"
    with pytest.raises(FileNotFoundError):
        baked.open("another.json")
    for write in (
        lambda: baked.open("staticfiles.json", "wb"),
        lambda: baked.delete("staticfiles.json"),
        lambda: baked._save("staticfiles.json", b""),
    ):
        with pytest.raises(PermissionError, match="pocket deploy"):
            write()


@pytest.fixture
def django_storages(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    if not settings.configured:
        settings.configure()
    for name, value in {"ID": "AKIDEXAMPLE", "TOKEN": "t", "KEY": "s"}.items():
        monkeypatch.setenv(
            {"ID": "AWS_ACCESS_KEY_ID", "TOKEN": "AWS_SESSION_TOKEN"}.get(name, "AWS_SECRET_ACCESS_KEY"), value
        )


def url(item: Storage, name: str, bucket: str = "my-board", region: str = "ap-northeast-1") -> str:
    from django.core.files.storage.handler import StorageHandler

    found = storages(DjangoTables(storages={"x": item}), bucket=bucket, region=region, release=None)
    result: str = StorageHandler(found)["x"].url(name)
    return result


STATIC, MEDIA = Storage("s3", "static", static=True), Storage("s3", "media")


@pytest.mark.parametrize(
    ("bucket", "region", "expected"),
    [
        ("my-board", "ap-northeast-1", "https://my-board.s3.ap-northeast-1.amazonaws.com/static/a%20b.css"),
        ("my-board", "us-east-1", "https://my-board.s3.us-east-1.amazonaws.com/static/a%20b.css"),
        ("my-board", "cn-north-1", "https://my-board.s3.cn-north-1.amazonaws.com.cn/static/a%20b.css"),
        ("my.board", "eu-west-1", "https://s3.eu-west-1.amazonaws.com/my.board/static/a%20b.css"),
    ],
)
def test_static_urls_are_regional_and_unsigned(
    no_aws: None, django_storages: None, bucket: str, region: str, expected: str
) -> None:
    assert url(STATIC, "a b.css", bucket, region) == expected


def test_media_urls_are_regional_and_signed(no_aws: None, django_storages: None) -> None:
    found = url(MEDIA, "a.png")
    assert found.startswith("https://my-board.s3.ap-northeast-1.amazonaws.com/media/a.png?")
    assert "X-Amz-Signature=" in found
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in found


def test_urls_on_the_local_aws_work_in_a_browser(
    no_aws: None, django_storages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert url(STATIC, "a.css") == "http://127.0.0.1:4566/my-board/static/a.css"
    found = url(MEDIA, "a.png")
    assert found.startswith("http://127.0.0.1:4566/my-board/media/a.png?")
    assert "X-Amz-Signature=" in found


def test_custom_domain_in_the_file_is_used(no_aws: None, django_storages: None) -> None:
    item = Storage("s3", "static", static=True, options={"custom_domain": "static.example.com"})
    assert url(item, "a.css") == "https://static.example.com/static/a.css"


def test_signed_static_urls_stay_signed(no_aws: None, django_storages: None) -> None:
    item = Storage("s3", "static", static=True, options={"querystring_auth": True})
    assert "X-Amz-Signature=" in url(item, "a.css")


CDN = "https://d1.cloudfront.net"


def behind_cdn(item: Storage, **options: object) -> Any:
    tables = DjangoTables(storages={"default": item})
    entry = storages(tables, bucket="board", region="eu-west-1", release=None, cdn=CDN, **options)["default"]
    return import_string(entry["BACKEND"])(**entry["OPTIONS"])


def test_files_behind_a_distribution_have_its_address(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert behind_cdn(Storage("cloudfront", "media")).url("a b.png") == f"{CDN}/media/a%20b.png"
    assert behind_cdn(Storage("cloudfront", "static", static=True)).url("a.css") == f"{CDN}/static/a.css"
    with pytest.raises(SettingsError, match="address of the distribution is not known"):
        made(Storage("cloudfront", "media"))


@pytest.mark.filterwarnings(r"ignore:datetime\.datetime\.utcnow:DeprecationWarning")  # of django-storages
def test_signed_uploads_have_a_signature_of_the_stages_key(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    signed = Storage("cloudfront", "media", signed=True)
    private, public = key_pair(for_rsa=True)
    monkeypatch.setenv("POCKET_CLOUDFRONT_PEM_BASE64", private)
    with pytest.raises(SettingsError, match="POCKET_CLOUDFRONT_KEY_ID is not set"):
        behind_cdn(signed)
    monkeypatch.setenv("POCKET_CLOUDFRONT_KEY_ID", "K1")
    address, _, query = behind_cdn(signed).url("a.png").partition("?")
    assert address == f"{CDN}/media/a.png"
    assert refusal(address, query, {}, {"K1": b64decode(public).decode()}) == ""


def test_settings_without_secrets_have_no_key_and_sign_nothing(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_PLACEHOLDER_SECRETS", "1")
    found = options(Storage("cloudfront", "static", static=True))
    assert found["custom_domain"] == "placeholder.invalid", "of a stage that is not deployed"
    monkeypatch.setenv("POCKET_CLOUDFRONT_PEM_BASE64", "cGxhY2Vob2xkZXI=")
    assert behind_cdn(Storage("cloudfront", "media", signed=True)).url("a.png") == f"{CDN}/media/a.png"
