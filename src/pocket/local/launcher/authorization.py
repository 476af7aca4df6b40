"""Authorizes what MiniStack's IAM does not: each Systems Manager parameter of several, schedules by their groups, and
the sender of a mail.

AWS checks each parameter, and refuses the whole call where one is not allowed:
https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
"""

from __future__ import annotations

import json
from email.utils import parseaddr
from typing import Any

from pocket.local.launcher.emulator import module

ACTIONS = ("AmazonSSM.GetParameters", "AmazonSSM.DeleteParameters")


SENDING = "/v2/email/outbound-emails"


class Sender(str):
    """The ARN of the identity that sends a mail, with the `address`, which is a key of conditions."""

    address: str = ""


class Resources(str):
    """The first ARN of a request, with the `others`, and the one that was `denied`, "" without one."""

    others: tuple[str, ...] = ()
    denied: str = ""


def install() -> None:
    """Make IAM check each parameter of a call, and the sender of a mail."""
    actions, evaluator = module("core.iam_actions"), module("core.iam_evaluator")
    extract, enforce, tell = actions.extract_resource_arn, evaluator.enforce, actions.identity_denial_message

    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: Any, *rest: Any) -> Any:
        if service == "ses" and method == "POST" and path.rstrip("/") == SENDING:
            return sender(body, *rest[-2:])
        target = {name.lower(): value for name, value in headers.items()}.get("x-amz-target", "")
        if service == "scheduler":
            return in_group(extract(service, method, path, headers, body, *rest), body)
        if service != "ssm" or target not in ACTIONS:
            return extract(service, method, path, headers, body, *rest)
        _, region, account = rest
        return resources(body, region, account)

    def enforce_each(key: str, action: str, service: str, region: str, *rest: Any, **named: Any) -> Any:
        resource = named.get("resource_arn", "*")
        if isinstance(resource, Sender):
            known = {**(named.get("service_context") or {}), "ses:FromAddress": resource.address}
            named = {**named, "service_context": known}
        denied = enforce(key, action, service, region, *rest, **named)
        for other in resource.others if isinstance(resource, Resources) and not denied else ():
            if denied := enforce(key, action, service, region, *rest, **{**named, "resource_arn": other}):
                resource.denied = other
                break
        return denied

    def identity_denial_message(action: str, principal: str, resource: str, *rest: Any, **named: Any) -> Any:
        return tell(action, principal, getattr(resource, "denied", "") or resource, *rest, **named)

    actions.extract_resource_arn = extract_resource_arn
    actions.identity_denial_message = identity_denial_message
    evaluator.enforce = enforce_each


def in_group(found: str, body: Any) -> str:
    """The ARN of a schedule in the group that the request names; MiniStack's is in the group `default`."""
    try:
        group = json.loads(body or b"{}").get("GroupName")
    except (ValueError, AttributeError):
        return found
    return found.replace(":schedule/default/", f":schedule/{group}/", 1) if isinstance(group, str) and group else found


def sender(body: Any, region: str, account: str) -> Sender:
    """The identity that a call sends from: https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html"""
    try:
        address = parseaddr(str(json.loads(body)["FromEmailAddress"]))[1]
    except (ValueError, KeyError, TypeError):
        address = ""
    found = Sender(f"arn:aws:ses:{region}:{account}:identity/{address}")
    found.address = address
    return found


def resources(body: Any, region: str, account: str) -> str:
    """The ARNs of the parameters that a call names: by name, with a version or a label after a colon, or by ARN."""
    try:
        names = json.loads(body or b"{}")["Names"]
    except (ValueError, KeyError, TypeError):
        return "*"
    arns = [arn(name, region, account) for name in names if isinstance(name, str) and name]
    if not arns:
        return "*"
    found = Resources(arns[0])
    found.others = tuple(arns[1:])
    return found


def arn(name: str, region: str, account: str) -> str:
    """The ARN that a policy names the parameter by."""
    if name.startswith("arn:"):
        return ":".join(name.split(":")[:6])
    return f"arn:aws:ssm:{region}:{account}:parameter/{name.partition(':')[0].lstrip('/')}"
