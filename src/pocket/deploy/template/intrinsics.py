"""CloudFormation's intrinsic functions as data, ARNs of this account's resources, and a statement of their policies."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

Resource = dict[str, Any]
"""One resource of a template: `Type`, `Properties` and the attributes beside them."""

_LONE_REFERENCE = re.compile(r"\$\{([A-Za-z0-9]+)\}")


def ref(logical_id: str) -> dict[str, str]:
    """`Ref`: a resource's primary identifier, or a parameter's value."""
    return {"Ref": logical_id}


def attribute(logical_id: str, name: str) -> dict[str, list[str]]:
    """`Fn::GetAtt`."""
    return {"Fn::GetAtt": [logical_id, name]}


def substituted(text: str) -> Any:
    """`text` with its `${...}` filled in by CloudFormation; a text without any is returned as it is."""
    if lone := _LONE_REFERENCE.fullmatch(text):
        return ref(lone.group(1))
    return {"Fn::Sub": text} if "${" in text else text


def literal(text: str) -> Any:
    """`text`, never substituted: a `${` in it is split, since cfn-lint mistakes it for a missing Sub."""
    return {"Fn::Join": ["", text.replace("${", "$\0{").split("\0")]} if "${" in text else text


def in_words(value: object) -> str:
    """A value as the file has it: text with its `${...}`, anything else as JSON."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::Sub": str(text)}:
            return text
        case {"Fn::Join": ["", [*texts]]} if all(isinstance(text, str) for text in texts):
            return "".join(texts)
    return json.dumps(value, ensure_ascii=False)


def arn(service: str, resource: str) -> Any:
    """The ARN of a `resource` of this account and region."""
    return substituted(f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}")


def bucket_arn(bucket: str, keys: str = "") -> Any:
    """The ARN of a bucket, or of the objects in it that the pattern `keys` matches."""
    return substituted(f"arn:${{AWS::Partition}}:s3:::{bucket}" + (f"/{keys}" if keys else ""))


def allow(sid: str, actions: Sequence[str], resources: Sequence[str], **conditions: Any) -> dict[str, Any]:
    """The statement of an IAM policy that allows the actions; `conditions` by operator (`StringEquals`)."""
    condition = {"Condition": conditions} if conditions else {}
    resource = resources[0] if len(resources) == 1 else list(resources)
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource, **condition}


def requires_tls(action: str, resources: list[Any]) -> dict[str, Any]:
    """The statement of a resource's policy that refuses every request which does not come over TLS."""
    return {
        "Sid": "RequireTLS",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
