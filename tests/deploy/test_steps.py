"""The templates between two releases: nothing that answers changes before the gates, everything after."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.runner import Runner
from deploying import CDN, EVENTS, FULL, SECRETS, inputs, project

from pocket import naming
from pocket.deploy.releases.history import History, Release, deployed_state
from pocket.deploy.template import Code, render
from pocket.deploy.template.steps import (
    ALIAS,
    VERSION,
    alike,
    candidate,
    going_live,
    in_front,
    moved,
    references,
    settled,
)

TRAFFIC = {
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::Scheduler::Schedule",
}
TOLD = {"url_hosts": {"api": "x.lambda-url.eu-central-1.on.aws"}}
NEVER = History().to_metadata()
RUNNER = Runner(ConfigMixIn([], regions=["eu-central-1"]))

Body = dict[str, Any]


def body(folder: Path, artifact: str = "0a", pocket_toml: str = FULL, **more: Any) -> Body:
    code = Code("code-bucket", f"artifacts/{artifact}.zip")
    return render(inputs(project(folder, pocket_toml), code=code, **{**TOLD, **more})).body


def kinds(found: Body) -> set[str]:
    return {item["Type"] for item in found["Resources"].values()}


def versions(found: Body) -> set[str]:
    return {name for name, item in found["Resources"].items() if item["Type"] == VERSION}


def lint(found: Body) -> list[str]:
    template, faults = decode_str(json.dumps(found))
    return [str(match) for match in faults or RUNNER.validate_template(template)]


def aliases(folder: Path, found: Body) -> dict[str, str]:
    return dict(deployed_state(project(folder, FULL).stage("dev"), found).aliases)


def live(folder: Path, artifact: str = "0a") -> Body:
    """A stage with release 1."""
    wanted = body(folder, artifact)
    history = History((Release(1, aliases(folder, wanted)),), 1)
    return going_live(wanted, candidate(wanted, {}, NEVER, kept=()), history.to_metadata())


def test_no_traffic_can_reach_the_first_candidate(tmp_path: Path) -> None:
    wanted = body(tmp_path)
    first = candidate(wanted, {}, NEVER, kept=())
    assert kinds(wanted) - kinds(first) == TRAFFIC
    assert versions(first) == versions(wanted)
    assert "ManagementScheduleInvoker" not in first["Resources"], "a role that may invoke the alias"
    assert "WebHost" in first["Outputs"]
    assert "ApiUrl" not in first["Outputs"]
    assert lint(first) == []


def test_the_first_release_is_what_is_wanted(tmp_path: Path) -> None:
    wanted = body(tmp_path)
    done = going_live(wanted, candidate(wanted, {}, NEVER, kept=()), NEVER)
    assert done["Resources"] == wanted["Resources"]
    assert done["Outputs"] == wanted["Outputs"]
    assert lint(done) == []
    assert alike(done, settled(wanted, done, NEVER, kept=()))


def test_a_candidate_does_not_change_what_serves_traffic(tmp_path: Path) -> None:
    before, wanted = live(tmp_path), body(tmp_path, "0b")
    first = candidate(wanted, before, before["Metadata"], kept=versions(before))
    changed = {name for name in before["Resources"] if first["Resources"].get(name) != before["Resources"][name]}
    assert {before["Resources"][name]["Type"] for name in changed} == {"AWS::Lambda::Function"}
    assert versions(first) == versions(before) | versions(wanted)
    assert aliases(tmp_path, first) == aliases(tmp_path, before)
    assert first["Outputs"] == before["Outputs"]
    assert lint(first) == []


def test_all_aliases_move_together_and_the_old_versions_stay(tmp_path: Path) -> None:
    before, wanted = live(tmp_path), body(tmp_path, "0b")
    first = candidate(wanted, before, before["Metadata"], kept=versions(before))
    done = going_live(wanted, first, NEVER)
    changed = {name for name in first["Resources"] if done["Resources"].get(name) != first["Resources"][name]}
    assert {first["Resources"][name]["Type"] for name in changed} == {ALIAS}
    assert aliases(tmp_path, done) == aliases(tmp_path, wanted)
    assert versions(done) == versions(before) | versions(wanted)
    assert lint(done) == []


def test_a_version_that_is_deployed_is_copied_as_it_is(tmp_path: Path) -> None:
    before = live(tmp_path)
    name = next(iter(versions(before)))
    before["Resources"][name]["Properties"]["Description"] = "from another hand"
    again = candidate(body(tmp_path), before, NEVER, kept=versions(before))
    assert again["Resources"][name] == before["Resources"][name]


def test_a_refused_candidate_goes_with_the_next_one(tmp_path: Path) -> None:
    before = live(tmp_path)
    refused = candidate(body(tmp_path, "0b"), before, before["Metadata"], kept=versions(before))
    third = body(tmp_path, "0c")
    first = candidate(third, refused, before["Metadata"], kept=versions(before))
    assert versions(first) == versions(before) | versions(third)


def test_unneeded_resources_stay_until_the_address_has_answered(tmp_path: Path) -> None:
    before = live(tmp_path)
    fewer = FULL.replace("[awscontainer.handlers.ordered]", "[awscontainer.handlers.other]")
    wanted = body(tmp_path, "0b", fewer)
    first = candidate(wanted, before, NEVER, kept=versions(before))
    done = going_live(wanted, first, NEVER)
    gone = {name for name in before["Resources"] if name.startswith("Ordered")}
    assert len(gone) > 6
    for step in (first, done):
        assert {name: step["Resources"][name] for name in gone} == {name: before["Resources"][name] for name in gone}
        assert lint(step) == []
    assert "OtherConsumer" not in first["Resources"]
    assert "OtherFifoQueue" in first["Resources"], "the functions are told its address"
    end = settled(wanted, done, NEVER, kept=versions(before))
    assert not gone & end["Resources"].keys(), "versions of a function that is gone, too"
    assert lint(end) == []


def test_a_changed_consumer_or_schedule_waits_for_the_gates(tmp_path: Path) -> None:
    before = live(tmp_path)
    text = FULL.replace("batch_size = 5", "batch_size = 6").replace("rate(1 hour)", "rate(2 hours)")
    wanted = body(tmp_path, "0b", text)
    first = candidate(wanted, before, NEVER, kept=versions(before))
    for name in ("SqsmanagementConsumer", "ManagementSchedule1"):
        assert wanted["Resources"][name] != before["Resources"][name] == first["Resources"][name]
        assert going_live(wanted, first, NEVER)["Resources"][name] == wanted["Resources"][name]


def policies(found: Body, handler: str = "web") -> dict[str, Any]:
    role = found["Resources"][naming.logical_id(handler, "Role")]
    return {item["PolicyName"]: item["PolicyDocument"] for item in role["Properties"]["Policies"]}


def test_a_role_allows_what_both_releases_need_until_live_has_moved(tmp_path: Path) -> None:
    before = live(tmp_path)
    less = body(tmp_path, "0b", FULL.replace('"open/files"]', '"open/files"]\n').replace("SENTRY_DSN", "DSN"))
    other = FULL.replace('API_KEY = "shared/api#key"', 'API_KEY = "shared/other#key"')
    for wanted in (body(tmp_path, "0b", other), less):
        first = candidate(wanted, before, NEVER, kept=versions(before))
        expected = {"pocket": policies(wanted)["pocket"]}
        if policies(wanted) != policies(before):
            expected["pocket-live"] = policies(before)["pocket"]
        assert policies(first) == expected
        again = candidate(wanted, first, NEVER, kept=versions(before))
        assert policies(again) == expected, "a refused candidate leaves what live needs"
        assert policies(going_live(wanted, first, NEVER)) == policies(wanted)
        assert lint(first) == []


def test_a_parameter_that_only_the_old_functions_have_stays_with_them(tmp_path: Path) -> None:
    old = body(tmp_path, environment={"FIRST": "1", "SECOND": "2"})
    before = going_live(old, candidate(old, {}, NEVER, kept=()), NEVER)
    fewer = FULL.replace("[awscontainer.handlers.ordered]", "[awscontainer.handlers.other]")
    first = candidate(body(tmp_path, "0b", fewer, environment={"FIRST": "1"}), before, NEVER, kept=())
    assert set(first["Parameters"]) == {"Environment1", "Environment2"}
    assert lint(first) == []


def test_a_function_url_may_be_made_before_its_host_is_known_and_stays_closed(tmp_path: Path) -> None:
    unknown = body(tmp_path, url_hosts={})
    early = candidate(unknown, {}, NEVER, kept=(), closed={"ApiUrl", "ApiAlias"})
    assert {"ApiUrl", "ApiAlias"} <= early["Resources"].keys()
    assert not {"ApiUrlPermission", "ApiUrlInvokePermission", "WebAlias"} & early["Resources"].keys()
    assert "ApiUrl" in early["Outputs"]
    assert lint(early) == []
    shown = body(tmp_path)
    first = candidate(shown, early, NEVER, kept=())
    assert first["Resources"]["ApiAlias"] == early["Resources"]["ApiAlias"]
    assert versions(early) & versions(first) == {
        early["Resources"]["ApiAlias"]["Properties"]["FunctionVersion"]["Fn::GetAtt"][0]
    }
    assert lint(first) == []
    assert going_live(shown, first, NEVER)["Resources"].keys() >= shown["Resources"].keys()


def test_moved_aliases_are_all_that_a_rollback_changes(tmp_path: Path) -> None:
    before = live(tmp_path)
    wanted = body(tmp_path, "0b")
    now = going_live(wanted, candidate(wanted, before, NEVER, kept=versions(before)), NEVER)
    kept = copy.deepcopy(now)
    back = moved(
        now, NEVER, {naming.logical_id(name, "Alias"): version for name, version in aliases(tmp_path, before).items()}
    )
    assert now == kept
    assert aliases(tmp_path, back) == aliases(tmp_path, before)
    changed = {name for name in now["Resources"] if now["Resources"][name] != back["Resources"][name]}
    assert {now["Resources"][name]["Type"] for name in changed} == {ALIAS}
    assert lint(back) == []


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"Ref": "A"}, {"A"}),
        ({"Ref": "AWS::Region"}, set()),
        ({"Fn::GetAtt": ["A", "Arn"]}, {"A"}),
        ({"Fn::GetAtt": "A.Arn"}, {"A"}),
        ({"Fn::Sub": "${A}/${B.Arn}/${AWS::Region}/${!C}"}, {"A", "B"}),
        ({"Fn::Sub": ["${A}${B}", {"B": {"Ref": "C"}}]}, {"A", "C"}),
        ({"DependsOn": "A"}, {"A"}),
        ({"DependsOn": ["A", "B"]}, {"A", "B"}),
        ({"Fn::Sub": ["${A}"]}, {"A"}),
        ({"Fn::Sub": {"A": "B"}}, set()),
        ({"Fn::Sub": []}, set()),
        ({"Fn::GetAtt": []}, set()),
        ({"Fn::GetAtt": {"A": 1}}, set()),
        ({"Ref": 5}, set()),
        ({"DependsOn": 5}, set()),
        ({"Properties": {"x": [{"y": {"Fn::Join": ["", [{"Ref": "A"}]]}}]}}, {"A"}),
    ],
)
def test_references(value: Any, found: set[str]) -> None:
    assert set(references(value)) == found


def test_everything_that_depends_on_an_alias_is_in_front() -> None:
    resources = {
        "Function": {"Type": "AWS::Lambda::Function"},
        "Alias": {"Type": ALIAS, "Properties": {"FunctionName": {"Ref": "Function"}}},
        "Integration": {"Type": "X", "Properties": {"Uri": {"Ref": "Alias"}}},
        "Route": {"Type": "X", "Properties": {"Target": {"Fn::Sub": "integrations/${Integration}"}}},
        "Late": {"Type": "X", "DependsOn": ["Route"]},
        "Aside": {"Type": "X", "Properties": {"Uri": {"Ref": "Function"}}},
    }
    assert in_front(resources) == {"Alias", "Integration", "Route", "Late"}


@pytest.mark.parametrize("pocket_toml", [EVENTS, CDN])
def test_what_a_version_consists_of_is_never_in_front(tmp_path: Path, pocket_toml: str) -> None:
    found = project(tmp_path, pocket_toml)
    container = found.stage("dev").awscontainer
    assert container is not None
    resources = render(inputs(found, secrets=SECRETS, **TOLD)).body["Resources"]
    parts = {naming.logical_id(handler, part) for handler in container.handlers for part in ("Role", "Function")}
    assert parts < resources.keys()
    assert not (parts | {name for name in resources if resources[name]["Type"] == VERSION}) & in_front(resources)


ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {"Policies": [{"Fn::If": ["P", {"PolicyName": "a"}, {"Ref": "AWS::NoValue"}]}]},
    "Metadata": {"Pocket": "own"},
}


@pytest.mark.parametrize(
    "properties", [{}, {"Policies": {"Fn::If": ["P", [], []]}}, {"Policies": [{"PolicyName": "b"}]}]
)
def test_a_changed_role_of_the_users_waits_as_it_is_for_the_gates(tmp_path: Path, properties: Any) -> None:
    before, wanted = live(tmp_path), body(tmp_path, "0b")
    before["Resources"]["Mine"] = {**ROLE, "Properties": properties}
    wanted["Resources"]["Mine"] = ROLE
    first = candidate(wanted, before, NEVER, kept=versions(before))
    assert first["Resources"]["Mine"] == before["Resources"]["Mine"]
    assert going_live(wanted, first, NEVER)["Resources"]["Mine"] == ROLE
