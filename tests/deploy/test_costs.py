"""What a change adds to the monthly bill, by the prices in the documentation."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tiny_project import REPOSITORY

from pocket.deploy.reporting import PlanRow
from pocket.deploy.template.costs import PRICES, cost_changes

ALARM = {"Type": "AWS::CloudWatch::Alarm"}
QUEUE = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {}}
STREAM = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"StartingPosition": "LATEST"}}
OWN = {"Metadata": {"Pocket": "own"}}


def body(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": {f"R{number}": item for number, item in enumerate(resources)}}


def test_what_comes_and_goes_is_counted() -> None:
    before, after = body(ALARM, STREAM, {"Type": "AWS::KMS::Key"}), body(ALARM, ALARM, ALARM, QUEUE)
    assert list(cost_changes([before], [after], new_secrets=1)) == [
        "2 alarms more: +0.20 a month; the account's first 10 are free.",
        "1 KMS key fewer: -1.00 a month.",
        "1 polled queue more: +0.26 a month; free within SQS's first million.",
        "1 secret more: +0.40 a month.",
    ]
    assert list(cost_changes([before], [before])) == []


def test_a_cluster_is_billed_by_use() -> None:
    row = PlanRow("add", "shop-database", "AWS::RDS::DBCluster")
    (sentence,) = cost_changes([], [], first=[row])
    assert sentence.startswith("shop-database: 0.12 for each hour of one ACU")


@pytest.mark.parametrize("kind", PRICES)
def test_the_documentation_has_the_price(kind: str) -> None:
    name, _, price, _ = PRICES[kind]
    text = (REPOSITORY / "docs" / "explanation" / "cost.md").read_text().lower()
    rows = [line for line in text.splitlines() if line.startswith("|") and f"{price:.2f}" in line]
    assert any(re.search(name.split()[-1], row) for row in rows), kind
