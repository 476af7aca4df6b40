"""What a change adds to AWS's monthly bill before anything is used, in words for the plan.

The prices are those of docs/explanation/cost.md, in US dollars for us-east-1. Only what is billed by the month is
counted; what is billed by use depends on the use.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from pocket.deploy.template.own_resources import is_own

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pocket.deploy.reporting import PlanRow

PRICES: Mapping[str, tuple[str, str, float, str]] = {
    "AWS::CloudWatch::Alarm": ("alarm", "alarms", 0.10, "the account's first 10 are free"),
    "AWS::CloudWatch::Dashboard": ("dashboard", "dashboards", 3.00, "the account's first 3 are free"),
    "AWS::KMS::Key": ("KMS key", "KMS keys", 1.00, ""),
    "AWS::Lambda::EventSourceMapping": ("polled queue", "polled queues", 0.26, "free within SQS's first million"),
    "AWS::Route53::HostedZone": ("hosted zone", "hosted zones", 0.50, ""),
    "AWS::SecretsManager::Secret": ("secret", "secrets", 0.40, ""),
}
"""By type: its name, its plural, the price of one in a month, and what is free."""

CLUSTER = "AWS::RDS::DBCluster"

_BY_TIME = re.compile(
    r"AWS::(RDS|Neptune|DocDB|ElastiCache|MemoryDB|Redshift|EMR|OpenSearchService|Elasticsearch|ElasticLoadBalancing(V2)?"
    r"|AmazonMQ|MSK|Kinesis|FSx)::.+|AWS::EC2::(Instance|NatGateway|EIP|VPCEndpoint|Volume|TransitGateway.*)"
    r"|AWS::(WAFv2::WebACL|ECS::Service|ACMPCA::CertificateAuthority|SageMaker::Endpoint)"
)
"""Types of the user's own resources that AWS bills while they exist, by prices of their own."""


def cost_changes(
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Mapping[str, Any]],
    *,
    new_secrets: int = 0,
    first: Sequence[PlanRow] = (),
) -> Iterator[str]:
    """A sentence for each kind of resource whose number changes between two lists of templates.

    `new_secrets` are those that no template has. `first` is what the deploy makes before its stacks.
    """
    had, gets = _counted(before), _counted(after)
    gets["AWS::SecretsManager::Secret"] += new_secrets
    for kind, (name, plural, price, free) in PRICES.items():
        if more := gets[kind] - had[kind]:
            what = f"{abs(more)} {name if abs(more) == 1 else plural} {'more' if more > 0 else 'fewer'}"
            yield f"{what}: {more * price:+.2f} a month" + (f"; {free}" if free else "") + "."
    for row in first:
        if row.kind == CLUSTER:
            yield f"{row.name}: 0.12 for each hour of one ACU while it is awake, 0.10 for each GB a month."
    had, gets = _billed_by_time(before), _billed_by_time(after)
    for verb, kinds in (("added", gets - had), ("removed", had - gets)):
        if kinds:
            listed = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
            yield f"{listed} {verb}: billed while it exists; see AWS's prices."


def _counted(bodies: Sequence[Mapping[str, Any]]) -> Counter[str]:
    return Counter(item["Type"] for item in _resources(bodies) if item["Type"] in PRICES and not _is_stream(item))


def _is_stream(resource: Mapping[str, Any]) -> bool:
    """Whether it is a mapping of a stream, which costs nothing: only that has a position."""
    return "StartingPosition" in resource.get("Properties", {})


def _billed_by_time(bodies: Sequence[Mapping[str, Any]]) -> Counter[str]:
    return Counter(item["Type"] for item in _resources(bodies) if is_own(item) and _BY_TIME.fullmatch(item["Type"]))


def _resources(bodies: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for body in bodies:
        yield from (body.get("Resources") or {}).values()
