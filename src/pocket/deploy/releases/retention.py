"""How long artifacts are kept.

They have no expiry date: CloudFormation fetches the old artifact again when it takes an update back, however old that
artifact is. Instead each deploy deletes all but the last few, and those of the releases that are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocket.deploy.build.upload import ARTIFACT_PREFIX

if TYPE_CHECKING:
    from collections.abc import Collection

    from pocket.deploy.aws.session import Clients

KEPT = 5


def prune_artifacts(clients: Clients, bucket: str, used: Collection[str]) -> int:
    """Deletes all artifacts but the last KEPT and those with the keys of `used`; returns how many."""
    pages = clients.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=ARTIFACT_PREFIX)
    found = [item for page in pages for item in page.get("Contents", [])]
    newest_first = sorted(found, key=lambda item: item["LastModified"], reverse=True)
    old = [item["Key"] for item in newest_first[KEPT:] if item["Key"] not in used]
    for key in old:
        clients.s3.delete_object(Bucket=bucket, Key=key)
    return len(old)
