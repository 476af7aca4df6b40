"""Cookies that open uploads, as CloudFront's rules read them."""

from __future__ import annotations

import json
import re
import sys
import time
from base64 import b64decode
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpResponse
from storages.backends.s3 import S3Storage

from pocket.deploy.stacks.secrets import key_pair
from pocket.django import signed_cookies
from pocket.django.configuration.errors import SetupFailed
from pocket.django.signed_cookies import set_signed_cookies
from pocket.local.launcher.signatures import refusal

CDN = "https://d111.cloudfront.net"


@pytest.fixture
def stage(project_to_check: None, no_aws: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A stage behind a distribution, with the names of its place played; its public key by id."""
    private, public = key_pair(for_rsa=True)
    monkeypatch.setenv("POCKET_STAGE", "dev")
    monkeypatch.setenv("POCKET_WEB_ENDPOINT", CDN)
    monkeypatch.setenv("POCKET_CLOUDFRONT_PEM_BASE64", private)
    monkeypatch.setenv("POCKET_CLOUDFRONT_KEY_ID", "K1")
    monkeypatch.setattr(signed_cookies, "set_envs", lambda: None)
    manifest: Any = SimpleNamespace(stages={})
    monkeypatch.setattr(signed_cookies.source, "manifest", lambda: (manifest, Path("x")))
    monkeypatch.setattr(signed_cookies.source, "stage", lambda _, __: SimpleNamespace(cdn="web"))
    return {"K1": b64decode(public).decode()}


def cookies(prefix: str, seconds: int = 3600) -> Any:
    response = HttpResponse()
    set_signed_cookies(response, prefix, seconds=seconds)
    return response.cookies


def test_the_cookies_open_what_is_below_the_prefix_and_nothing_else(stage: dict[str, str]) -> None:
    given = {name: item.value for name, item in cookies("media/videos/7/").items()}
    assert refusal(f"{CDN}/media/videos/7/a/1.ts", "", given, stage) == ""
    for other in (f"{CDN}/media/videos/8/1.ts", f"{CDN}/media/", "https://other.example/media/videos/7/1.ts"):
        assert "AccessDenied" in refusal(other, "", given, stage)
    policy = json.loads(b64decode(given["CloudFront-Policy"].translate(str.maketrans("-_~", "+=/"))))
    [statement] = policy["Statement"]
    assert 3590 < statement["Condition"]["DateLessThan"]["AWS:EpochTime"] - time.time() <= 3600
    assert "AccessDenied" in refusal(
        f"{CDN}/media/a/1.ts", "", {n: c.value for n, c in cookies("media/a/", seconds=-1).items()}, stage
    )


def test_scripts_and_other_paths_do_not_get_the_cookies(stage: dict[str, str]) -> None:
    for cookie in cookies("media/videos/7/").values():
        assert (cookie["path"], cookie["max-age"]) == ("/media/videos/7/", 3600)
        assert cookie["secure"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"


@pytest.mark.parametrize(
    "prefix",
    ["", "media", "/media/", "media/*/", "media/?/", "media/../static/", "../", "media/./", "media/a\n/", "a\\b/"],
)
def test_a_prefix_that_would_open_more_is_refused(project_to_check: None, prefix: str) -> None:
    with pytest.raises(ValueError, match="Expected a prefix"):
        cookies(prefix)


@pytest.mark.parametrize("title", ["My Film", "ä", "50%", "a;Domain=example.com", "it's (1)!", "x\u200dy", "..."])
def test_a_prefix_is_encoded_as_the_addresses_of_its_files(stage: dict[str, str], title: str) -> None:
    storage = S3Storage(bucket_name="b", custom_domain=CDN.partition("//")[2], querystring_auth=False)
    found = cookies(f"media/{title}/")
    address = storage.url(f"media/{title}/1.ts")
    assert refusal(address, "", {name: item.value for name, item in found.items()}, stage) == ""
    assert {cookie["path"] for cookie in found.values()} == {address.removeprefix(CDN).removesuffix("1.ts")}
    for cookie in found.values():
        assert re.fullmatch(r"/[!-:<-~]+", cookie["path"])
        assert not cookie["domain"]


def test_without_a_stage_nothing_is_set_and_without_a_key_it_is_an_error(
    stage: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POCKET_CLOUDFRONT_KEY_ID")
    with pytest.raises(SetupFailed, match="has no key to sign cookies"):
        cookies("media/")
    monkeypatch.delenv("POCKET_STAGE")
    assert not cookies("media/")


def test_without_the_package_that_signs_it_is_an_error_with_its_name(
    stage: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives", None)
    with pytest.raises(SetupFailed, match="no package that signs") as caught:
        cookies("media/")
    assert "cryptography" in caught.value.hint
