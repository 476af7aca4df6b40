"""Recognizes secrets and databases by the content of a file.

The formats are those of the tools that write them: PEM (RFC 7468), JWK (RFC 7517), `.netrc`, npm, pip, Docker, kubectl,
Terraform, service accounts of clouds, variables in the form of `NAME=value`; SQLite's file header and the first lines
of dumps.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOOKED_AT = 1 << 20
"""How many bytes at the beginning of a file are searched."""

_CODE = (
    *(".py", ".pyi", ".pyx", ".html", ".jinja", ".jinja2", ".j2", ".css", ".scss", ".sass", ".less", ".svg"),
    *(".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".vue", ".map", ".po", ".mo", ".md", ".rst"),
)
_TRANSLATIONS = {"locale", "locales", "i18n", "lang", "translations"}
"""Code, templates, prose and, in folders with these names, translations: they mention secrets by name, so only a
complete key counts in them."""

_PEM = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d:|AGE-SECRET-KEY-1")
_WHOLE_PEM = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----(?:\\[nr]|[\s\"'+])*[A-Za-z0-9+/]{24}")

_MARKS = (
    r"_authToken\s*=\s*\S|^(?:\S+:)?_(?:auth|password)\s*=\s*\S",  # npm
    r"^\s*(?:machine\s+\S+|default)\s+login\s+\S+\s+password\s+\S",  # netrc
    r"\"auths\"\s*:\s*\{[^}]{0,4096}\"(?:auth|identitytoken)\"\s*:\s*\"[^\"]",  # Docker
    r"^\s*(?:client-key-data|client-key):\s*\S",  # kubectl
    r"\"terraform_version\"\s*:[^}]{0,4096}\"lineage\"\s*:",
    r"\"(?:private_key|client_secret|refresh_token|aws_secret_access_key|SecretAccessKey)\"\s*:\s*\"[^\"]",
    r"\"kty\"\s*:\s*\"(?:RSA|EC|OKP)\"[^}]{0,4096}\"d\"\s*:|\"d\"\s*:[^}]{0,4096}\"kty\"\s*:",  # a private JWK
    r"^\s*aws_(?:secret_access_key|session_token)\s*=\s*\S",
    r"\b(?:ghp|gho|ghs|ghr)_[A-Za-z0-9]{36}|\bgithub_pat_\w{40}|\bglpat-[\w-]{20}|\bxox[abprs]-[\w-]{20}",
    r"\b[rs]k_live_[A-Za-z0-9]{20}|\bpypi-AgE[\w-]{40}",
    r"\b[a-z][a-z0-9+.-]{1,30}://[^\s:/@'\"<${]*:[^\s/@'\"<${}]{3,}@[\w.-]",  # a URL with a password
    # A variable in capitals, with a value: of YAML and JSON as well.
    (
        r"^[ \t\"'-]*(?:export\s+)?[A-Z0-9_]*(?:SECRET|PASSWORD|PASSWD|TOKEN|API_KEY|ACCESS_KEY|PRIVATE_KEY)"
        r"[A-Z0-9_]*[\"']?\s*[:=](?!=)\s*[\"']?[^\s\"'{}\[\]<$,]{4}"
    ),
)
_MARK = re.compile("|".join(_MARKS), re.MULTILINE)
_LOGIN_LINE = re.compile(r"[^:\s]+:(?:\d+|\*):[^:\s]+:[^:\s]+:\S+")
"""A line of PostgreSQL's password file."""
_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)\s*=(?!=)\s*[\"']?([^\s\"'<$].*)?")
_SECRET_NAME = re.compile(
    r"(?i)secret|passw(?:or)?d|passphrase|token|api_?key|private|credential|_dsn\Z|database_url\Z"
    r"|(?:\A|_|db|pg)(?:pass|pwd|pw)\Z|(?:\A|_)creds?\Z"
)
_HIDDEN_NAME = re.compile(
    r"(?i)(?:\A|[_\W])(?:keys?|auth|authorization|jwt|pat|pem|pin|salt|otp|(?:web)?hook|dsn)\Z|pass\Z"
)
"""Names of settings whose values are not shown; in a file, they would not be enough to call it secret."""

_HIDDEN_VALUE = re.compile(
    r"\beyJ[\w-]{6,}\.[\w-]+\.[\w-]*"  # a JWT
    r"|https?://(?:[^/\s]*\.)?hooks?\.|https?://[^/\s]+/\S*\bweb_?hooks?/|\.webhook\.office\.com/"
    # Random characters: 24 with capitals, small letters and digits, or 32 with small letters and digits.
    r"|(?<![\w+=-])(?=[\w+=-]*\d)(?=[\w+=-]*[A-Z])(?=[\w+=-]*[a-z])[\w+=-]{24}"
    r"|(?<![\w-])(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{32}"
)
_LOGIN = re.compile(r"[^\s:/@]+:(?!\d+\Z)[^\s:/@]{3,}")
"""A user's name and password; the name of a URL pattern has this form, too."""
_SECTION = re.compile(r"\[[^\]]*\]\s*")
"""The heading of a section in a settings file."""

_DATABASES = (b"SQLite format 3\0", b"PGDMP", b"REDIS0")
_DUMP = re.compile(
    rb"\A(?:--[^\n]*\n|/\*[^\n]*\n|\s)*?(?:--\s(?:PostgreSQL database (?:cluster )?dump|(?:MySQL|MariaDB) dump)"
    rb"|PRAGMA foreign_keys=OFF;\s*BEGIN TRANSACTION;)"
)
_DUMPED_ROWS = re.compile(rb"\A\s*\[\s*\{\s*\"model\"\s*:")
_ROWS_OF_PEOPLE = re.compile(rb"\"model\"\s*:\s*\"sessions\.session\"|\"password\"\s*:\s*\"[a-z0-9_]+\$")
_COMPRESSED = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open))


def look(path: Path, name: str) -> Literal["secret", "database"] | None:
    """What the file at `path` holds, by its first bytes; None for anything else. Raises OSError.

    `name` is its path from the project's folder: in folders of translations and fixtures, fewer patterns count.
    """
    folders = name.split("/")[:-1]
    with path.open("rb") as file:
        head = file.read(LOOKED_AT)
    if head.startswith(_DATABASES) or _is_dump(_unpacked(path, head), folders):
        return "database"
    if path.suffix.lower() in _CODE or not _TRANSLATIONS.isdisjoint(folders):
        return "secret" if _WHOLE_PEM.search(head) else None
    if _PEM.search(head):
        return "secret"
    text = _text(head)
    return "secret" if text is not None and _names_a_secret(text) else None


def is_secret(name: str, value: object) -> bool:
    """Whether a setting of this name and value, or anything in the value, may be a secret, which is not shown.

    Below the name of a secret everything is hidden: `name` may be a dotted path.
    """
    if any(_SECRET_NAME.search(part) or _HIDDEN_NAME.search(part) for part in name.split(".")):
        return True
    if isinstance(value, dict):
        return any(is_secret(str(key), inner) for key, inner in value.items())
    if isinstance(value, list):
        return any(is_secret(name, inner) for inner in value)
    text = str(value)
    if _MARK.search(f"{name.rpartition('.')[2]}={text}") or _MARK.search(text) or _HIDDEN_VALUE.search(text):
        return True
    if text.startswith(("{", "[")):
        return bool(_SECRET_NAME.search(text))
    return bool(_LOGIN.fullmatch(text)) and not name.endswith("_URL")


def _unpacked(path: Path, head: bytes) -> bytes:
    """The first bytes of a compressed file's content; `head` itself where the file is not compressed."""
    for magic, opened in _COMPRESSED:
        if head.startswith(magic):
            with suppress(OSError, EOFError, lzma.LZMAError), opened(path, "rb") as file:
                return bytes(file.read(4096))
    return head


def _is_dump(head: bytes, folders: Sequence[str]) -> bool:
    """Whether `head` begins a dump of a database; Django's JSON in a folder `fixtures` does not count."""
    if head.startswith(_DATABASES) or _DUMP.match(head[:4096]):
        return True
    return "fixtures" not in folders and bool(_DUMPED_ROWS.match(head) and _ROWS_OF_PEOPLE.search(head))


def _text(head: bytes) -> str | None:
    """`head` as text; None where it is binary."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace")
    return None if b"\0" in head[:8192] else head.decode("utf-8-sig", "replace")


def _names_a_secret(text: str) -> bool:
    if _MARK.search(text):
        return True
    lines = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith(("#", ";"))]
    if lines and all(_LOGIN_LINE.fullmatch(line) for line in lines):
        return True
    found = [_ASSIGNMENT.fullmatch(line) for line in lines if not _SECTION.fullmatch(line)]
    return all(found) and any(match and match[2] and _SECRET_NAME.search(match[1]) for match in found)
