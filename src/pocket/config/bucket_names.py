"""S3's rules for the names of general purpose buckets.

Source: Amazon S3 User Guide, "General purpose bucket naming rules".
"""

from __future__ import annotations

import re

_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_RULES = (
    (r".{3,63}", "3 to 63 characters"),
    (r"[a-z0-9.-]*", "lowercase letters, digits, hyphens and dots only"),
    (r"[^.-].*[^.-]", "a letter or a digit at either end"),
    (r"(?!.*\.\.).*", "no two dots in a row"),
    (r"(?!\d+\.\d+\.\d+\.\d+$).*", "anything but the form of an IP address"),
    *((rf"(?!{re.escape(part)}).*", f'no "{part}" in front, which S3 keeps for itself') for part in _PREFIXES),
    *((rf".*(?<!{re.escape(part)})", f'no "{part}" at the end, which S3 keeps for itself') for part in _SUFFIXES),
)


def fault_of_bucket_name(name: str) -> str:
    """What S3 refuses about `name`, in words that follow "expected"; empty where it takes the name."""
    return next((words for pattern, words in _RULES if not re.fullmatch(pattern, name, re.DOTALL)), "")
