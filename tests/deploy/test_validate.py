from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.runner import Runner
from deploying import FULL, SMALL, inputs, project
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocket import naming
from pocket.config import Project, load
from pocket.deploy.template import render, render_storage
from pocket.deploy.template.linting import lint
from pocket.deploy.template.validate import check, refuse_unsupported
from pocket.errors import ConfigError, PlanRefused

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
REGION = "eu-central-1"


def findings(found: Project, stage: str, **more: Any) -> list[str]:
    """What cfn-lint has to say of the stage's templates, taken together; warnings too."""
    config = found.stage(stage)
    body = render(inputs(found, stage, **more)).body
    body["Resources"].update(render_storage(config, "123456789012").body["Resources"])
    template, faults = decode_str(json.dumps(body))
    return [str(match) for match in faults or runner(config.region).validate_template(template)]


@cache
def runner(region: str) -> Runner:
    return Runner(ConfigMixIn([], regions=[region]))


def test_a_stage_with_one_of_everything_passes_cfn_lint(tmp_path: Path) -> None:
    found = project(tmp_path)
    assert findings(found, "dev") == []
    shown = {"url_hosts": {"api": "x.lambda-url.eu-central-1.on.aws"}, "environment": {"DATABASE_URL": "sqlite://"}}
    assert findings(found, "dev", **shown) == []


@pytest.mark.parametrize("stage", load(EXAMPLES / "board" / "pocket.toml").stages)
def test_the_examples_stages_pass_cfn_lint(stage: str) -> None:
    assert findings(load(EXAMPLES / "board" / "pocket.toml"), stage) == []


FRONTS = st.sampled_from(
    [
        "apigateway = {}",
        "function_url = {}",
        "sqs = {}",
        "sqs = { fifo = true, batch_size = 10, maximum_concurrency = 1000 }",
        "sqs = { message_retention_period = 60, dead_letter_message_retention_period = 1209600 }",
        "reserved_concurrency = 0",
        f'schedule = [{{ expression = "cron(0 0 1 * ? *)", manage = "a {"x" * 400}" }}]',
    ]
)
NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@st.composite
def files(draw: st.DrawFn) -> str:
    """A `pocket.toml` with several handlers, each of some kind."""
    handlers = draw(st.dictionaries(NAMES, FRONTS, min_size=3, max_size=6))
    lines = ["[general]", f'region = "{REGION}"', 'stages = ["dev"]', 'project_name = "made"', "[s3]", "[awscontainer]"]
    lines += [f'architecture = "{draw(st.sampled_from(["arm64", "x86_64"]))}"', 'python_version = "3.13"']
    lines += [f"snapstart = {draw(st.sampled_from(['true', 'false']))}"]
    envs = draw(st.dictionaries(st.from_regex(r"APP_[A-Z]{2,8}", fullmatch=True), TEXTS, max_size=3))
    lines += ["[awscontainer.envs]", *(f"{key} = {json.dumps(value)}" for key, value in envs.items())]
    for name, front in handlers.items():
        command = naming.MANAGEMENT_HANDLER if front.startswith("schedule") else "app.run"
        timeout = draw(st.integers(1, 30 if front.startswith("apigateway") else 900))
        lines += [f"[awscontainer.handlers.{name}]", f'command = "{command}"', f"timeout = {timeout}"]
        lines += [f"memory_size = {draw(st.integers(128, 10240))}", front]
    return "\n".join(lines)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(files())
def test_any_accepted_configuration_passes_cfn_lint(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = project(Path(folder), text)
        except ConfigError:
            return
        assert findings(found, "dev") == []


def test_an_error_names_stack_property_and_rule() -> None:
    bad = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimout": 1}}}}
    with pytest.raises(PlanRefused, match=r"the-stack: Resources\.Queue\.Properties.*VisibilityTimout.*\(E3002\)"):
        check({"the-stack": json.dumps(bad)}, REGION)


def test_the_commands_own_arguments_are_not_cfn_lints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["pocket", "deploy", "--ignore-checks", "E", "--regions", "nowhere"])
    assert lint(json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Nothing"}}}), REGION)


def test_an_image_is_refused_with_its_line(tmp_path: Path) -> None:
    text = SMALL.replace("[awscontainer]\n", '[awscontainer]\ndockerfile_path = "Dockerfile"\n')
    (tmp_path / "Dockerfile").touch()
    found = project(tmp_path, text)
    with pytest.raises(ConfigError, match="does not deploy images yet"):
        refuse_unsupported(found, found.stage("dev"))


def test_a_stage_without_handlers_has_nothing_to_deploy(tmp_path: Path) -> None:
    found = project(tmp_path, SMALL[: SMALL.index("[awscontainer]")])
    with pytest.raises(PlanRefused, match="Stage 'dev' has no handler"):
        refuse_unsupported(found, found.stage("dev"))


def test_what_is_deployed_is_not_refused(tmp_path: Path) -> None:
    found = project(tmp_path, FULL)
    refuse_unsupported(found, found.stage("dev"))
