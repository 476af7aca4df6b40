"""The storage stack between two releases: the live one keeps its bucket, and public access to it, until the new one is
live. S3 checks that it may call a function when it gets a notification, so notifications change last, too.

A bucket of another name is another resource, so that both exist for a while. The template's metadata lists every bucket
that the stack ever made: one that left the stack is kept with its content, and still belongs to the stage.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pocket.deploy.template.body import Template
from pocket.deploy.template.marks import METADATA
from pocket.deploy.template.storage import NOTIFICATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.deploy.template.intrinsics import Resource

OWN = "Bucket"
"""What the logical ids of the stage's bucket and of its policy begin with."""

BUCKET_TYPE, POLICY_TYPE = "AWS::S3::Bucket", "AWS::S3::BucketPolicy"

_BUCKETS = "Buckets"


def buckets(body: Mapping[str, Any]) -> dict[str, str]:
    """The name of each bucket that a storage template has, by its logical id."""
    resources: Mapping[str, Resource] = body.get("Resources") or {}
    return {
        name: str(item["Properties"]["BucketName"]) for name, item in resources.items() if item["Type"] == BUCKET_TYPE
    }


def buckets_ever(body: Mapping[str, Any]) -> list[str]:
    """The names of all buckets that the stack of a storage template has made, including those that left it."""
    metadata = body.get("Metadata")
    written = metadata.get(METADATA) if isinstance(metadata, dict) else None
    listed = written.get(_BUCKETS) if isinstance(written, dict) else None
    former = [str(name) for name in listed] if isinstance(listed, list) else []
    return list(dict.fromkeys([*former, *buckets(body).values()]))


def storage_settled(wanted: Template, deployed: Mapping[str, Any]) -> Template:
    """The wanted template, with a bucket of another name as another resource, and the deployed ones in its metadata."""
    ever = dict.fromkeys([*buckets_ever(deployed), *buckets(wanted.body).values()])
    ids = _ids(buckets(wanted.body).get(OWN), buckets(deployed), wanted.body["Resources"])
    resources = {ids.get(name, name): _renamed(item, ids) for name, item in wanted.body["Resources"].items()}
    body = {key: value for key, value in wanted.body.items() if key != "Resources"}
    return Template({**body, "Metadata": {METADATA: {_BUCKETS: list(ever)}}, "Resources": resources}, wanted.parameters)


def storage_candidate(wanted: Template, deployed: Mapping[str, Any]) -> Template:
    """The wanted template, with everything deployed that the live release needs."""
    settled = storage_settled(wanted, deployed)
    existing: Mapping[str, Resource] = deployed.get("Resources") or {}
    both = {
        name: _for_both(item, existing[name]) if name in existing else item
        for name, item in settled.body["Resources"].items()
    }
    both_live = Template({**settled.body, "Resources": {**existing, **both}}, settled.parameters)
    return before_functions(both_live, deployed)


def before_functions(wanted: Template, deployed: Mapping[str, Any]) -> Template:
    """The template with the deployed notifications instead of its own, for as long as functions may still change."""
    existing: Mapping[str, Resource] = deployed.get("Resources") or {}
    resources = {name: _notified_as(item, existing.get(name)) for name, item in wanted.body["Resources"].items()}
    return Template({**wanted.body, "Resources": resources}, wanted.parameters)


def _notified_as(wanted: Resource, existing: Resource | None) -> Resource:
    if wanted["Type"] != BUCKET_TYPE:
        return wanted
    properties = {key: value for key, value in wanted["Properties"].items() if key != NOTIFICATIONS}
    before = existing["Properties"] if existing is not None else {}
    kept = {NOTIFICATIONS: before[NOTIFICATIONS]} if NOTIFICATIONS in before else {}
    return {**wanted, "Properties": {**properties, **kept}}


def _ids(bucket: str | None, deployed: Mapping[str, str], resources: Mapping[str, Any]) -> dict[str, str]:
    """Changes of logical ids: the bucket keeps the one that it is deployed under, or gets one that is free."""
    if bucket is None:
        return {}
    free = OWN if OWN not in deployed else f"{OWN}{hashlib.sha256(bucket.encode()).hexdigest()[:10]}"
    logical = next((logical for logical, name in deployed.items() if name == bucket), free)
    return {name: f"{logical}{name.removeprefix(OWN)}" for name in resources if name.startswith(OWN)}


def _renamed(value: Any, ids: Mapping[str, str]) -> Any:
    """Part of a template with other logical ids in its references."""
    if isinstance(value, list):
        return [_renamed(item, ids) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("Ref"), str):
        return {"Ref": ids.get(value["Ref"], value["Ref"])}
    if isinstance(value.get("Fn::GetAtt"), list):
        name, *rest = value["Fn::GetAtt"]
        return {"Fn::GetAtt": [ids.get(name, name), *rest]}
    return {key: _renamed(item, ids) for key, item in value.items()}


def _for_both(wanted: Resource, existing: Resource) -> Resource:
    """The wanted resource, with what the live release needs: public read access, a CORS rule."""
    if wanted["Type"] == POLICY_TYPE:
        return _policy_for_both(wanted, existing)
    if wanted["Type"] != BUCKET_TYPE:
        return wanted
    before, block = existing["Properties"], "PublicAccessBlockConfiguration"
    public = {block: before[block]} if before.get(block, {}).get("BlockPublicPolicy") is False else {}
    return {**wanted, "Properties": {**before, **wanted["Properties"], **public}}


def _policy_for_both(wanted: Resource, existing: Resource) -> Resource:
    """The wanted policy, with what was allowed before; a policy may have each statement id once."""
    document = wanted["Properties"]["PolicyDocument"]
    own = document["Statement"]
    known = [_without_id(item) for item in own]
    before = existing["Properties"]["PolicyDocument"]["Statement"]
    kept = [item for item in map(_without_id, before) if item["Effect"] == "Allow" and item not in known]
    statements = [*own, *({"Sid": f"OfLive{number}", **item} for number, item in enumerate(kept))]
    properties = {**wanted["Properties"], "PolicyDocument": {**document, "Statement": statements}}
    return {**wanted, "Properties": properties}


def _without_id(statement: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if key != "Sid"}
