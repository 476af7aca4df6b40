"""Unreadable credentials and invalid endpoints: one error with its place, no traceback, no secret."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from deploying import SMALL

ROLE = "role_arn = arn:aws:iam::123456789012:role/deployer"
CASES = {
    "process-missing": (
        "credential_process = /nowhere/tool",
        "/nowhere/tool, the source of the credentials, does not",
    ),
    "process-silent": ("credential_process = true", "credential_process did not return a JSON object"),
    "process-list": ("credential_process = echo []", "credential_process did not return a JSON object"),
    "process-text": (
        "credential_process = echo s3cr3t",
        "credential_process did not return a JSON object",
    ),
    "process-fails": ("credential_process = false", "Error when retrieving credentials from custom-process"),
    "identity": (
        f"{ROLE}\nweb_identity_token_file = /nowhere/token",
        "/nowhere/token, the source of the credentials",
    ),
    "mfa": (f"{ROLE}\nsource_profile = keys\nmfa_serial = arn:aws:iam::1:mfa/me", "no terminal to enter it"),
}
EXPIRED = """#!/bin/sh
echo '{"Version": 1, "AccessKeyId": "AKIA", "SecretAccessKey": "s3cr3t", "Expiration": "2020-01-01T00:00:00Z"}'
"""


def releases(folder: Path, profile: str, **environment: str) -> str:
    """The standard error of `pocket releases` with that profile."""
    (folder / "pocket.toml").write_text(SMALL)
    (folder / "config").write_text(
        f"[default]\n{profile}\n[profile keys]\naws_access_key_id=a\naws_secret_access_key=b\n"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "POCKET_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pocket", "releases", "--stage", "dev"],
        cwd=folder,
        env={
            **clean,
            "AWS_CONFIG_FILE": str(folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            **environment,
        },
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # without a terminal
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "s3cr3t" not in done.stderr
    assert "hint: " in done.stderr
    return done.stderr


@pytest.mark.parametrize("case", CASES)
def test_credentials_that_cannot_be_read_are_one_error(tmp_path: Path, case: str) -> None:
    profile, expected = CASES[case]
    assert expected in releases(tmp_path, profile)


def test_credentials_that_have_expired_are_one_error(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text(EXPIRED)
    tool.chmod(0o755)
    text = releases(tmp_path, f"credential_process = {tool}")
    assert "expired" in text
    assert "aws sso login" in text


@pytest.mark.parametrize("url", ["nonsense", "http://", "https://exa mple"])
def test_an_invalid_endpoint_is_one_error(tmp_path: Path, url: str) -> None:
    text = releases(tmp_path, "aws_access_key_id = a\naws_secret_access_key = b", AWS_ENDPOINT_URL=url)
    assert url in text
    assert "AWS_ENDPOINT_URL" in text
