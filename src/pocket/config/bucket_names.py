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
    (r"[^.-].*[^.-]", "a letter or a digit at both ends"),
    (r"(?!.*\.\.).*", "no two dots in a row"),
    (r"(?!\d+\.\d+\.\d+\.\d+$).*", "a name that is not formatted as an IP address"),
    *((rf"(?!{re.escape(part)}).*", f'a name without the prefix "{part}", which S3 reserves') for part in _PREFIXES),
    *((rf".*(?<!{re.escape(part)})", f'a name without the suffix "{part}", which S3 reserves') for part in _SUFFIXES),
)


def issue_with_bucket_name(name: str) -> str:
    """What S3 expects instead of `name`, to follow "expected"; empty if S3 accepts the name."""
    return next((words for pattern, words in _RULES if not re.fullmatch(pattern, name, re.DOTALL)), "")
