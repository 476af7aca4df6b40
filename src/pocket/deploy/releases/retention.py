"""Which artifacts are kept.

They have no expiry date: to roll back an update, CloudFormation fetches the old artifact again, whatever its age.
Instead each deploy deletes all except the last few and those of kept releases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocket.deploy.build.upload import ARTIFACT_PREFIX

if TYPE_CHECKING:
    from collections.abc import Collection

    from pocket.deploy.aws.session import Clients

KEPT = 5


def prune_artifacts(clients: Clients, bucket: str, used: Collection[str]) -> int:
    """Deletes all artifacts except the last KEPT and those with keys in `used`; returns how many."""
    pages = clients.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=ARTIFACT_PREFIX)
    found = [item for page in pages for item in page.get("Contents", [])]
    newest_first = sorted(found, key=lambda item: item["LastModified"], reverse=True)
    old = [item["Key"] for item in newest_first[KEPT:] if item["Key"] not in used]
    for key in old:
        clients.s3.delete_object(Bucket=bucket, Key=key)
    return len(old)
