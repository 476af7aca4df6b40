"""The form of a domain in the file: the exact name that certificates, records and requests have."""

from __future__ import annotations

import re

LONGEST = 64
"""Characters of a certificate's first name: https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html"""

_DOMAIN = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?=[a-z0-9-]*[a-z])[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_FORM = 'a domain in lower case, such as "api.example.com"'


def issue_with_domain(text: str) -> tuple[str, str]:
    """What was expected instead of `text`, and a hint; both are "" for a domain."""
    if _DOMAIN.fullmatch(text):
        longest = f"a domain of at most {LONGEST} characters, as certificates of ACM have"
        return (longest, "") if len(text) > LONGEST else ("", "")
    return _FORM, _hint(text)


def _hint(text: str) -> str:
    name = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://", "", text).partition("/")[0].partition(":")[0].rstrip(".")
    if "*" in text:
        return "Name each host: wildcards are not supported."
    if not text.isascii():
        try:
            name = name.encode("idna").decode()
        except UnicodeError:
            return "Write it in its ASCII form, which begins with xn--."
    if "_" in name:
        return "Host names have no underscores; use hyphens."
    name = name.lower()
    return f'Did you mean "{name}"?' if _DOMAIN.fullmatch(name) else "Only the name: no scheme, port or path."
