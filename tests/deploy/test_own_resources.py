"""The user's own CloudFormation resources: read, checked, in the template, deployed, and what a change would lose."""

from __future__ import annotations

import importlib.resources
import json
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from deploying import APP, SMALL, PlanRecorder, deployable, inputs, project

from pocket.config import Project
from pocket.deploy.build import own_resources
from pocket.deploy.operate import destroy
from pocket.deploy.releases import deploy as release
from pocket.deploy.stacks.losses import STATEFUL, own_data
from pocket.deploy.target import Target
from pocket.deploy.template import render
from pocket.deploy.template.own_resources import added
from pocket.deploy.template.replacement import refuse_stale
from pocket.deploy.template.steps import candidate, going_live, settled
from pocket.deploy.template.validate import refusals, refuse_unsupported
from pocket.errors import ConfigError, PlanRefused
from pocket.local import LocalAWS

TABLE = """
AWSTemplateFormatVersion: 2010-09-09
Conditions:
  Production: !Equals [!Ref PocketStage, prd]
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
  Audit:
    Type: AWS::SNS::Topic
    Condition: Production
    Properties:
      DisplayName: !Sub "${PocketProject} ${PocketStage} ${PocketBucket} ${AWS::Region}"
Outputs:
  TableName: {Value: !Ref Table}
  AuditTopic: {Value: !Ref Audit, Condition: Production}
"""
KEYS = 'resources = "infra/extra.yaml"\nresource_envs = { TABLE = "TableName", AUDIT = "AuditTopic" }\n'
PERMISSION = '[[awscontainer.handlers.web.permissions]]\nactions = ["dynamodb:PutItem"]\nresources = ["${Table.Arn}"]\n'


def written(folder: Path, text: str = TABLE, keys: str = KEYS, more: str = "", name: str = "extra.yaml") -> Project:
    (folder / "infra").mkdir(exist_ok=True)
    (folder / "infra" / name).write_text(text, encoding="utf-8", errors="surrogateescape")
    return project(folder, SMALL.replace("[awscontainer]\n", f"[awscontainer]\n{keys}", 1) + more)


def body(found: Project) -> dict[str, Any]:
    own = json.loads(json.dumps(own_resources.read(found.stage("dev"))))
    return render(inputs(found, own=own)).body


def errors(found: Project) -> list[tuple[str, int | None, str, str]]:
    return [
        (Path(str(error.file)).name, error.line, error.key, error.message)
        for error in refusals(found, found.stage("dev"))
    ]


def test_resources_outputs_and_conditions_join_the_stack(tmp_path: Path) -> None:
    found = written(tmp_path, more=PERMISSION)
    whole = body(found)
    assert whole["Resources"]["Table"]["Type"] == "AWS::DynamoDB::Table"
    assert whole["Resources"]["Audit"]["Properties"] == {
        "DisplayName": {"Fn::Sub": "small dev pocket-dev-small ${AWS::Region}"}
    }
    assert whole["Conditions"] == {"Production": {"Fn::Equals": ["dev", "prd"]}}
    assert whole["Outputs"]["TableName"] == {"Value": {"Ref": "Table"}}
    for handler in ("Web", "Worker"):
        environment = whole["Resources"][f"{handler}Function"]["Properties"]["Environment"]["Variables"]
        assert environment["TABLE"] == {"Ref": "Table"}
        assert environment["AUDIT"] == {"Fn::If": ["Production", {"Ref": "Audit"}, {"Ref": "AWS::NoValue"}]}
    refuse_unsupported(found, found.stage("dev"))


def test_the_guides_example_has_no_errors(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "guides" / "resources.md").read_text()
    toml, yaml = (page.split(f"```{kind}\n")[1].split("```")[0] for kind in ("toml", "yaml"))
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "extra.yaml").write_text(yaml)
    found = project(tmp_path, SMALL.replace("[awscontainer]\n", toml[: toml.index("[[")], 1) + toml[toml.index("[[") :])
    assert errors(found) == []


def test_json_is_read_as_yaml_is(tmp_path: Path) -> None:
    text = json.dumps(
        {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"T": {"Value": {"Ref": "Topic"}}}}
    )
    found = written(
        tmp_path, text, 'resources = "infra/extra.json"\nresource_envs = { T_ARN = "T" }\n', name="extra.json"
    )
    assert body(found)["Outputs"]["T"] == {"Value": {"Ref": "Topic"}}
    assert errors(found) == []


def test_a_stage_without_the_key_reads_nothing(tmp_path: Path) -> None:
    found = project(tmp_path, SMALL)
    assert own_resources.read(found.stage("dev")) == {}
    plain = {"Resources": {}}
    assert added(plain, inputs(found)) is plain


def test_the_documented_names_are_those_of_the_template(tmp_path: Path) -> None:
    """`docs/guides/resources.md` has each name with the type of what it leads to."""
    page = (Path(__file__).parents[2] / "docs" / "guides" / "resources.md").read_text()
    text = SMALL.replace("apigateway = {}", "apigateway = { access_log = true }")
    resources = render(inputs(project(tmp_path, text))).body["Resources"]
    rows = [row.split("|") for row in page.splitlines() if row.startswith(("| `Web", "| `Worker"))]
    named = {row[1].strip(" `"): row[2].strip(" `") for row in rows}
    assert len(named) >= 8
    for name, kind in named.items():
        found = resources.get(name) or resources[name.replace("Web", "Open")]
        assert found["Type"] == kind, name


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        ("Resources:\n  A: [\n", 3, "", "did not find expected node content"),
        ("Resources:\n  A: {Type: AWS::SNS::Topic}\n  A: {Type: AWS::SNS::Topic}\n", 2, "", "Duplicate found 'A'"),
        ("", None, "", "The file has no resources"),
        ("- a", None, "", "The file has no resources"),
        ("Resources:\n  A: {Type: AWS::SNS::Topic}\nParameters: {}\n", 3, "Parameters", "does not support Parameters"),
        ("Resources:\n  A: {Type: AWS::SNS::Topic}\nTransform: x\n", 3, "Transform", "does not support Transform"),
        ("Resources:\n  A: {Type: AWS::SNS::Topic}\nOutputs: []\n", 3, "Outputs", "Expected a table"),
        ("Resources:\n  A: {Typ: AWS::SNS::Topic}\n", 2, "Resources.A", "Expected a table with Type"),
        ("Resources:\n  A: {Type: AWS::SNS::Topic, Metadata: hello}\n", 2, "Resources.A", "Metadata to be tables"),
        ("Resources:\n  1: {Type: AWS::SNS::Topic}\n", None, "Resources.1", "Expected a string as name"),
        ("Resources:\n  A: {Type: AWS::SNS::Topic}\nConditions: {1: x}\n", None, "Conditions.1", "a string as name"),
        ("Resources:\n  A: {Type: AWS::SNS::Topic, Properties: {TopicName: {Ref: [a]}}}\n", 2,
         "Resources.A.Properties.TopicName.Ref", "['a'] is not one of"),
        ("Resources:\n  \udcff: {Type: AWS::SNS::Topic}\n", 2, "", "The file is not UTF-8 text"),
        ("Resources:\n\n  A: {Type: [x]}\n", 3, "Resources.A", "Type to be a string"),
        ("Resources:\n  A: {Type: AWS::IAM::Role, Properties: {RoleName: x}}\n", 2, "Resources.A", "have a RoleName"),
        ("Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties: {TopicNam: x}\n", 4,
         "Resources.A.Properties.TopicNam", "Did you mean 'TopicName'"),
        ("Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties: {DisplayName: !Ref PocketBuckets}\n", 4,
         "Resources.A.Properties.DisplayName.Ref", "'PocketBuckets' is not one of"),
    ],
)  # fmt: skip
def test_an_error_in_the_file_has_its_line(tmp_path: Path, text: str, line: int | None, key: str, message: str) -> None:
    found = errors(written(tmp_path, text, 'resources = "infra/extra.yaml"\n'))
    assert [(file, at, where) for file, at, where, _ in found][:1] == [("extra.yaml", line, key)]
    assert message in found[0][3]


def test_a_name_of_pockets_and_an_output_that_is_missing_are_refused(tmp_path: Path) -> None:
    only = 'resources = "infra/extra.yaml"\n'
    for name in ("WebFunction", "PocketTopic"):
        text = f"Resources:\n  {name}: {{Type: AWS::SNS::Topic}}\n"
        [(file, _, key, message)] = errors(written(tmp_path, text, only))
        assert (file, key) == ("pocket.toml", "awscontainer.resources")
        assert f"the name {name} is Pocket's" in message
    text = "Resources:\n  A: {Type: AWS::SNS::Topic}\n"
    [(_, _, _, message)] = errors(written(tmp_path, text, only + 'resource_envs = { TOPIC = "Topic" }\n'))
    assert "resource_envs.TOPIC: awscontainer.resources has no output 'Topic'" in message


def test_an_invalid_reference_of_a_permission_has_its_line(tmp_path: Path) -> None:
    found = written(tmp_path, more=PERMISSION.replace("Table.Arn", "Tabel.Arn"))
    [(file, line, key, message)] = errors(found)
    assert (file, key) == ("pocket.toml", "awscontainer.handlers.web.permissions[0].resources[0]")
    assert line == (tmp_path / "pocket.toml").read_text().count("\n")
    assert "no resource 'Tabel'" in message


FRONT = """
Resources:
  Minutely:
    Type: AWS::Events::Rule
    Properties: {ScheduleExpression: rate(1 minute), Targets: [{Id: live, Arn: !Ref WorkerAlias}]}
Outputs:
  Rule: {Value: !GetAtt Minutely.Arn}
  Own: {Value: !GetAtt WebFunction.Arn}
"""


@pytest.mark.parametrize(
    ("handler", "name", "message", "hint"),
    [
        ("web", "WorkerAlias", "it changes only once the release is live.", ":function:pocket-dev-small-worker:live."),
        ("web", "Minutely.Arn", "it changes only once the release is live.", "Write its ARN without a reference."),
        ("web", "WebFunction.Arn", "it needs the role of web itself.", ":function:pocket-dev-small-web."),
        ("", "WebFunction.Arn", "it needs the role of web itself.", ":function:pocket-dev-small-web."),
        ("worker", "Minutely.Arn", "it needs the role of worker itself.", "Write its ARN without a reference."),
        ("web", "WorkerFunction.Arn", "", ""),
        ("web", "WebApi", "", ""),
        ("web", "WorkerQueue.Arn", "", ""),
    ],
)
def test_a_role_refers_to_nothing_that_is_made_after_it(
    tmp_path: Path, handler: str, name: str, message: str, hint: str
) -> None:
    table = f"handlers.{handler}.permissions" if handler else "permissions"
    text = f'[[awscontainer.{table}]]\nactions = ["lambda:GetFunction"]\nresources = ["*", "${{{name}}}"]\n'
    found = written(tmp_path, FRONT, 'resources = "infra/extra.yaml"\n', text)
    if not message:
        assert errors(found) == []
        return
    [error] = refusals(found, found.stage("dev"))
    assert error.message == f"A role cannot refer to {name.partition('.')[0]}: {message}"
    assert error.hint.endswith(hint)
    assert (error.line, error.key) == (
        (tmp_path / "pocket.toml").read_text().count("\n"),
        f"awscontainer.{table}[0].resources[1]",
    )


def test_a_functions_variable_refers_to_nothing_that_is_made_after_it(tmp_path: Path) -> None:
    keys = 'resources = "infra/extra.yaml"\nresource_envs = { RULE = "Rule", OWN = "Own" }\n'
    front, own = errors(written(tmp_path, FRONT, keys))
    assert front[1:3] == (own[1], "awscontainer.resource_envs.RULE")
    assert front[3].startswith("A function's variable cannot refer to Minutely: it needs the function of ")
    assert own[3].startswith("A function's variable cannot refer to WebFunction: it needs the function of web")


def test_a_variable_of_a_resource_is_declared_once_and_needs_the_file(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"resource_envs.TABLE: The variable TABLE is also declared by awscontainer.envs"
    ):
        written(tmp_path, keys=KEYS + 'envs = { TABLE = "x" }\n')
    with pytest.raises(ConfigError, match=r"resource_envs: The values are outputs of awscontainer.resources"):
        project(tmp_path, SMALL.replace("[awscontainer]\n", '[awscontainer]\nresource_envs = { AA = "B" }\n', 1))
    with pytest.raises(ConfigError, match=r'There is no file "infra/none\.json" in the project'):
        project(tmp_path, SMALL.replace("[awscontainer]\n", '[awscontainer]\nresources = "infra/none.json"\n', 1))


def test_roles_of_the_file_are_within_the_boundary(tmp_path: Path) -> None:
    boundary = "arn:aws:iam::123456789012:policy/b"
    text = "Resources:\n  A:\n    Type: AWS::IAM::Role\n    Properties: {AssumeRolePolicyDocument: {}}\n"
    keys = f'resources = "infra/extra.yaml"\npermissions_boundary = "{boundary}"\n'
    assert body(written(tmp_path, text, keys))["Resources"]["A"]["Properties"]["PermissionsBoundary"] == boundary


def test_no_template_on_the_way_lacks_a_condition(tmp_path: Path) -> None:
    """What goes stays until the new release is live, with the conditions that it needs."""
    before, after = body(written(tmp_path)), body(project(tmp_path, SMALL))
    first = candidate(after, before, {}, kept=())
    assert first["Conditions"] == before["Conditions"]
    assert {"Table", "Audit"} <= first["Resources"].keys()
    assert going_live(after, first, {})["Conditions"] == before["Conditions"]
    last = settled(after, first, {}, kept=())
    assert "Conditions" not in last
    assert "Table" not in last["Resources"]
    assert {"Table", "Audit"} <= candidate(before, after, {}, kept=())["Resources"].keys(), "functions refer to them"


def test_a_change_that_loses_data_is_shown(tmp_path: Path) -> None:
    before = body(written(tmp_path))
    gone = body(project(tmp_path, SMALL))
    [sentence] = own_data(before, gone)
    assert sentence == "Table (AWS::DynamoDB::Table) leaves the stack: it is deleted with what it holds."
    kept = body(written(tmp_path, TABLE.replace("Table\n    Prop", "Table\n    DeletionPolicy: Retain\n    Prop")))
    assert "kept, outside of the stack" in next(own_data(kept, gone))
    named = body(written(tmp_path, TABLE.replace("BillingMode", "TableName: other\n      BillingMode")))
    assert next(own_data(before, named)).startswith(
        "Table (AWS::DynamoDB::Table) is replaced by an empty one (changed: TableName)"
    )
    assert list(own_data(before, before)) == []


def test_a_replacement_whose_name_functions_have_is_refused(tmp_path: Path) -> None:
    before = body(written(tmp_path))
    named = body(written(tmp_path, TABLE.replace("BillingMode", "TableName: other\n      BillingMode")))
    with pytest.raises(PlanRefused, match=r"Table of awscontainer.resources would be replaced .*changed: TableName"):
        refuse_stale(before, named)
    refuse_stale(before, before)
    refuse_stale(before, body(project(tmp_path, SMALL)))


def test_the_types_with_data_are_those_of_cfn_lint() -> None:
    file = importlib.resources.files("cfnlint.data.AdditionalSpecs").joinpath("StatefulResources.json")
    kinds = json.loads(file.read_text())["ResourceTypes"].keys()
    without = {"AWS::CloudFormation::Stack", "AWS::Organizations::Account"}
    assert {kind for kind in kinds if not STATEFUL.fullmatch(kind)} == without


def test_a_deploy_creates_them_names_them_to_functions_and_confirms_data_loss(
    tmp_path: Path, target: Target, local_aws: LocalAWS
) -> None:
    text = SMALL.replace("small", "extended").replace("[awscontainer]\n", f"[awscontainer]\n{KEYS}", 1)
    app = APP.replace('startswith("POCKET_")', 'startswith(("POCKET_", "TABLE", "AUDIT"))')
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "extra.yaml").write_text(TABLE)

    def deploy(pocket_toml: str, voice: PlanRecorder) -> release.Deployed:
        found = deployable(tmp_path, pocket_toml, app)
        return release.deploy(
            found, found.stage("dev"), target, voice, skip_gates=["project"], published=local_aws.route
        )

    try:
        done = deploy(text + PERMISSION, voice := PlanRecorder())
        assert "Permission: web may call dynamodb:PutItem on ${Table.Arn}." in voice.notes
        seen = json.load(urlopen(done.addresses["web"]))
        assert seen["TABLE"] == done.outputs["TableName"]
        assert "AUDIT" not in seen
        assert deploy(text + PERMISSION, PlanRecorder()).changed is False
        with pytest.raises(PlanRefused, match=r"Table \(AWS::DynamoDB::Table\) leaves the stack: it is deleted"):
            deploy(text.replace(KEYS, ""), voice := PlanRecorder(agrees_to_all=True))
        assert "Permission: web may no longer call dynamodb:PutItem on ${Table.Arn}." in voice.notes
    finally:
        removal: list[destroy.Removal] = []
        destroy.destroy(
            deployable(tmp_path, text, app).stage("dev"),
            target,
            PlanRecorder(),
            confirm=lambda it: not removal.append(it),
        )
    assert "Table (AWS::DynamoDB::Table) with what it holds" in list(removal[0].lines())
