"""What a deployed template tells of releases: ours, one from before there were releases, and nonsense."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from deploying import FULL, inputs, project
from hypothesis import given
from hypothesis import strategies as st

from pocket.config import StageConfig
from pocket.deploy.releases.history import DeployedState, History, Release, deployed_state
from pocket.deploy.stacks.secret_stores import Place
from pocket.deploy.template import render

WORDS = st.text("abc.0123456789", max_size=12)
NUMBERS = st.integers(1, 99)
RELEASES = st.builds(
    Release,
    NUMBERS,
    st.dictionaries(st.sampled_from(["web", "admin-site"]), st.sampled_from(["WebVersionA", "V2"]), min_size=1),
    created=WORDS,
    artifact=WORDS,
    git=WORDS,
    dirty=st.booleans(),
    skipped=st.lists(WORDS, max_size=2).map(tuple),
    destructive=st.lists(WORDS, max_size=2).map(tuple),
    secrets=st.none() | st.builds(Place, st.just("ssm"), WORDS),
    generated=st.lists(WORDS, max_size=2).map(tuple),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> StageConfig:
    return project(tmp_path_factory.mktemp("full"), FULL).stage("dev")


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return render(inputs(project(tmp_path_factory.mktemp("full"), FULL))).body


def with_metadata(body: dict[str, Any], metadata: object) -> dict[str, Any]:
    return {**body, "Metadata": metadata}


def release(number: int, body: dict[str, Any], stage: StageConfig) -> Release:
    """A release with the versions of the body."""
    return Release(number, deployed_state(stage, body).aliases)


def test_a_stage_that_is_not_deployed_has_no_release(stage: StageConfig) -> None:
    assert deployed_state(stage, {}) == DeployedState()
    assert DeployedState().history.next_number == 1


def test_aliases_have_the_version_of_each_handler(stage: StageConfig, body: dict[str, Any]) -> None:
    found = deployed_state(stage, body).aliases
    assert set(found) == {"web", "admin-site", "api", "management", "sqsmanagement", "ordered"}
    assert found["admin-site"].startswith("AdminSiteVersion")


def test_a_stack_from_before_there_were_releases_has_one_with_few_facts(
    stage: StageConfig, body: dict[str, Any]
) -> None:
    found = deployed_state(stage, body).history
    assert found.live == 1
    assert found.releases == (Release(1, deployed_state(stage, body).aliases, artifact="artifacts/0a.zip"),)


def test_what_is_written_is_read_back(stage: StageConfig, body: dict[str, Any]) -> None:
    first = release(1, body, stage)
    second = replace(first, number=2, created="2026-11-21T06:10:00Z", git="ab" * 20, dirty=True, skipped=("smoke",))
    second = replace(second, secrets=Place("ssm", "pocket-dev-full"), generated=("SECRET_KEY",))
    history = History((first, second), live=2)
    assert deployed_state(stage, with_metadata(body, history.to_metadata())).history == history


@given(st.lists(RELEASES, max_size=4, unique_by=lambda item: item.number), st.booleans())
def test_metadata_is_json_without_null(releases: list[Release], live: bool) -> None:
    history = History(tuple(releases), releases[0].number if releases and live else None)
    text = json.dumps(history.to_metadata())
    assert "null" not in text


def test_a_stack_whose_first_release_never_passed_has_no_live_release(stage: StageConfig, body: dict[str, Any]) -> None:
    found = deployed_state(stage, with_metadata(body, History().to_metadata()))
    assert found.history == History()
    assert found.aliases


@given(
    metadata=JSON | st.fixed_dictionaries({"Pocket": JSON | st.fixed_dictionaries({"Live": JSON, "Releases": JSON})})
)
def test_nonsense_in_the_metadata_is_not_a_release(stage: StageConfig, body: dict[str, Any], metadata: object) -> None:
    history = deployed_state(stage, with_metadata(body, metadata)).history
    assert history.live is None or history.live_release is not None
    assert all(item.versions.keys() for item in history.releases)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@given(body=JSON | st.fixed_dictionaries({"Resources": st.dictionaries(WORDS, JSON, max_size=3)}))
def test_a_template_of_another_tool_has_no_release(stage: StageConfig, body: object) -> None:
    assert deployed_state(stage, body).history.live_release is None


def test_aliases_have_precedence_over_the_metadata(stage: StageConfig, body: dict[str, Any]) -> None:
    shown = release(3, body, stage)
    other = Release(4, {**shown.versions, "web": shown.versions["api"]})
    found = deployed_state(stage, with_metadata(body, History((shown, other), live=4).to_metadata())).history
    assert found.live == 3


def test_an_alias_of_no_recorded_release_becomes_a_release(stage: StageConfig, body: dict[str, Any]) -> None:
    shown = release(3, body, stage)
    other = Release(4, {**shown.versions, "web": shown.versions["api"]})
    found = deployed_state(stage, with_metadata(body, History((other,), live=4).to_metadata())).history
    assert found.live == 5
    assert found.live_release is not None
    assert found.live_release.versions == shown.versions


def numbered(*numbers: int, live: int) -> History:
    return History(tuple(Release(number, {"web": f"V{number}"}) for number in numbers), live)


@pytest.mark.parametrize(
    ("history", "most", "kept"),
    [
        (numbered(1, 2, 3, 4, 5, live=5), 5, [2, 3, 4, 5, 6]),
        (numbered(1, 2, live=2), 5, [1, 2, 3]),
        (numbered(3, 4, 5, 6, 7, live=3), 5, [3, 5, 6, 7, 8]),
        (numbered(1, 2, live=2), 2, [2, 3]),
        (numbered(1, 2, live=1), 2, [1, 3]),
        (History(), 5, [1]),
    ],
)
def test_the_last_releases_are_kept_and_always_the_one_before(history: History, most: int, kept: list[int]) -> None:
    after = history.with_live(Release(history.next_number, {"web": "new"}), most)
    assert [item.number for item in after.releases] == kept
    assert after.live == kept[-1]


def test_keeping_fewer_never_drops_the_live_release() -> None:
    assert [item.number for item in numbered(1, 2, 3, 4, live=1).keeping(2).releases] == [1, 4]
    assert [item.number for item in numbered(1, 2, 3, 4, live=1).keeping(1).releases] == [1]
