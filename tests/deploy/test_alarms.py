"""Alarms, their topic and the dashboard in a stage's template."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from deploying import ALARMS, EVENTS, inputs, project

from pocket.deploy.template import render
from pocket.deploy.template.alarms import PERIOD, declared_alarms
from pocket.deploy.template.linting import lint

GUIDE = Path(__file__).parent.parent.parent / "docs" / "guides" / "alarms.md"
ALARM = "AWS::CloudWatch::Alarm"


def resources(folder: Path, pocket_toml: str) -> dict[str, Any]:
    found: dict[str, Any] = render(inputs(project(folder, pocket_toml))).body["Resources"]
    return found


def kinds(found: dict[str, Any]) -> set[str]:
    return {item["Type"] for item in found.values()}


def test_every_kind_has_an_alarm_that_aws_accepts(tmp_path: Path) -> None:
    found = project(tmp_path, ALARMS)
    assert list(lint(render(inputs(found)).to_json(), "eu-central-1")) == []
    declared = declared_alarms(found.stage("dev"))
    names = [alarm.name(found.stage("dev")) for alarm in declared]
    assert len({alarm.logical_id for alarm in declared}) == len(set(names)) == len(names)
    documented = set(re.findall(r"^\| `(\w+)` \|", GUIDE.read_text(), re.MULTILINE))
    assert {alarm.kind for alarm in declared} == documented


def test_the_thresholds_are_those_of_the_guide(tmp_path: Path) -> None:
    found = project(tmp_path, ALARMS).stage("dev")
    thresholds = {(alarm.handler, alarm.kind): alarm.threshold for alarm in declared_alarms(found)}
    assert thresholds["management", "duration"] == 480_000
    assert thresholds["ordered", "oldest_message"] == 3600
    others = {kind for (_, kind), threshold in thresholds.items() if threshold}
    assert others == {"duration", "oldest_message"}
    body = resources(tmp_path / "again", ALARMS)
    for alarm in (item["Properties"] for item in body.values() if item["Type"] == ALARM):
        assert (alarm["Period"], alarm["EvaluationPeriods"]) == (PERIOD, 1) == (300, 1)
        assert (alarm["ComparisonOperator"], alarm["TreatMissingData"]) == ("GreaterThanThreshold", "notBreaching")
    assert "looks at five minutes" in GUIDE.read_text()


def test_only_the_stages_alarms_may_publish_to_its_topic(tmp_path: Path) -> None:
    found = resources(tmp_path, ALARMS)
    [statement] = found["AlarmTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert "alarm:pocket-dev-full-*" in str(statement["Condition"]["ArnLike"]["aws:SourceArn"])
    assert found["AlarmTopicSubscription"]["Properties"]["Endpoint"] == "team@example.com"


def test_a_topic_of_the_users_own_is_used_and_each_kind_can_be_off(tmp_path: Path) -> None:
    own = "arn:aws:sns:eu-central-1:123456789012:pager"
    found = resources(tmp_path, f'{EVENTS}[alarms]\ntopic = "{own}"\nerrors = false\nthrottles = false\n')
    alarms = {name: item["Properties"] for name, item in found.items() if item["Type"] == ALARM}
    assert not any("Errors" in name or "Throttles" in name for name in alarms)
    assert all(item["AlarmActions"] == item["OKActions"] == [own] for item in alarms.values())
    assert not {"AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::CloudWatch::Dashboard"} & kinds(found)


def test_without_the_table_there_is_nothing_and_a_dashboard_needs_no_alarms(tmp_path: Path) -> None:
    assert not {ALARM, "AWS::CloudWatch::Dashboard", "AWS::SNS::Topic"} & kinds(resources(tmp_path / "none", EVENTS))
    found = resources(tmp_path / "dashboard", f"{EVENTS}[alarms]\ndashboard = true\n")
    assert ALARM not in kinds(found)
    [board] = [item["Properties"] for item in found.values() if item["Type"] == "AWS::CloudWatch::Dashboard"]
    widgets = json.loads(board["DashboardBody"]["Fn::Sub"])["widgets"]
    assert {widget["type"] for widget in widgets} == {"metric"}
