"""When the build of a deploy begins and ends, which artifacts the gate `project` judges, and which it has judged."""

from __future__ import annotations

import fcntl
import os
import time
import zipfile
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deploying import deployable
from tiny_project import SETTINGS, Recorder, make, write

from pocket.check_issues import ERROR, Issue
from pocket.config import Project
from pocket.deploy.build import artifact, copies
from pocket.deploy.build.upload import artifact_key
from pocket.deploy.gates import system_checks
from pocket.deploy.releases.history import Release
from pocket.deploy.releases.making import Made, begun, made_here
from pocket.deploy.target import Target
from pocket.errors import GateRefused, PlanRefused

HERE = Target("eu-central-1", platform="host")


class Judge:
    """The project's checks: how often they ran, and what they find. Their own process is not what is tested here."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ran = 0
        self.issues: list[Issue] = []
        self.reporter = Recorder()
        monkeypatch.setattr(system_checks, "run", self._run)

    def _run(self, *_: Any) -> list[Issue]:
        self.ran += 1
        return self.issues

    def made(
        self, project: Project, live: Release | None, target: Target = HERE, skipped: Collection[str] = ()
    ) -> Made:
        with made_here(project, project.stage("dev"), target, self.reporter, skipped) as make:
            return make(live, lambda: None)


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Judge:
    return Judge(monkeypatch)


def test_only_the_live_artifact_in_the_same_environment_is_not_judged_again(judge: Judge, tmp_path: Path) -> None:
    project = deployable(tmp_path)
    made = judge.made(project, None)
    assert judge.ran == 1
    live = Release(7, {"web": "V"}, artifact=artifact_key(made.artifact), proof=made.proof)
    again = judge.made(project, live)
    assert judge.ran == 1
    assert again.proof == made.proof
    assert "Gate project: the artifact is that of release 7." in judge.reporter.notes
    judge.made(project, replace(live, artifact="artifacts/0a.zip"))
    assert judge.ran == 2, "another artifact is live"
    judge.made(project, replace(live, proof=""))
    assert judge.ran == 3, "the gate was skipped"
    other = judge.made(project, live, replace(HERE, environment={"FEATURE": "1"}))
    assert judge.ran == 4, "another environment"
    assert other.proof != made.proof
    assert judge.made(project, None, skipped=["project"]).proof == ""
    assert judge.ran == 4


def test_a_changed_line_is_judged_whatever_its_time_says(judge: Judge, tmp_path: Path) -> None:
    project = deployable(tmp_path)
    made = judge.made(project, None)
    live = Release(7, {"web": "V"}, artifact=artifact_key(made.artifact), proof=made.proof)
    judge.issues = [Issue("shop.E001", ERROR, "it is broken")]
    with (tmp_path / "app.py").open("a") as module:
        module.write("# changed\n")
    os.utime(tmp_path / "app.py", (0, 0))
    with pytest.raises(GateRefused, match="it is broken") as caught:
        judge.made(project, live)
    assert caught.value.live == 7


class Saving(Judge):
    """A judge that has `seen` the content of the file at `path`; `save` is called as it begins."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
        super().__init__(monkeypatch)
        self.path = path
        self.save: Callable[[], object] = lambda: None
        self.seen: list[str] = []

    def _run(self, project: Project, *given: Any) -> list[Issue]:
        self.save()
        with copies.isolated(project, project.stage("dev"), given[-1]) as folder:
            self.seen.append((folder / self.path.relative_to(project.directory)).read_text())
        return super()._run()


def packed(made: Made, name: str) -> str:
    with zipfile.ZipFile(made.artifact.path) as archive:
        return archive.read(name).decode()


def test_a_module_that_is_saved_beside_the_build_is_judged_as_it_is_packed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project = deployable(tmp_path)
    judge = Saving(monkeypatch, tmp_path / "app.py")
    before = judge.path.read_text()
    saved = f"{before}# saved\n"
    judge.save = lambda: judge.path.write_text(saved)
    made = judge.made(project, None)
    assert judge.seen == [before] == [packed(made, "app.py")]
    assert made.proof
    again = judge.made(project, Release(7, {"web": "V"}, artifact=artifact_key(made.artifact), proof=made.proof))
    assert judge.seen[1:] == [saved] == [packed(again, "app.py")]


@pytest.mark.parametrize("moment", ["as the gate begins", "after the gate"])
def test_no_proof_is_recorded_of_other_content_than_was_judged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, moment: str
) -> None:
    """Whether the build read the file before or after it was saved."""
    project = deployable(tmp_path)
    saving = Saving(monkeypatch, tmp_path / "cities.json")
    saving.path.write_text("[1]")

    def save() -> None:
        saving.path.write_text("[1, 2]")

    if moment == "as the gate begins":
        saving.save = save
    with made_here(project, project.stage("dev"), HERE, saving.reporter, ()) as making:
        made = making(None, save if moment == "after the gate" else lambda: None)
    assert not made.proof or saving.seen[-1] == packed(made, "cities.json")
    saving.save = lambda: None
    assert saving.made(project, None).proof
    assert saving.seen[-1] == "[1, 2]"


def is_free(project: Project) -> bool:
    """Whether another build of the project could begin."""
    with (project.directory / ".pocket/build" / artifact.LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_other_builds_wait_for_the_build_and_not_for_the_rest_of_a_deploy(judge: Judge, tmp_path: Path) -> None:
    project = deployable(tmp_path)
    free: list[bool] = []
    with made_here(project, project.stage("dev"), HERE, judge.reporter, ()) as make:
        make(None, lambda: free.append(is_free(project)))
        free.append(is_free(project))
    assert free == [False, True]


@pytest.mark.parametrize("account", [None, "123456789012"])
def test_a_build_begins_at_once_unless_an_account_is_compared_first(tmp_path: Path, account: str | None) -> None:
    project = deployable(tmp_path)
    with begun(project, project.stage("dev"), replace(HERE, account=account), Recorder(), ()) as making:
        assert (tmp_path / ".pocket").exists() is (account is None)
        with making:
            assert not is_free(project)


SLOW = f"""
import os, pathlib, time
pathlib.Path("running").write_text(str(os.getpid()))
pathlib.Path("running").rename("pid")
time.sleep(100)
{SETTINGS}"""


def refuse(project: Project, pid: Path) -> None:
    """Begins a deploy, which is refused once the project's code runs."""
    with made_here(project, project.stage("dev"), HERE, Recorder(), ()):
        while not pid.exists():
            time.sleep(0.01)
        raise PlanRefused("no", "")


@pytest.mark.timeout(60)
def test_a_refusal_waits_for_nothing_and_leaves_no_process_behind(tmp_path: Path) -> None:
    project, pid = make(tmp_path), tmp_path / "pid"
    write(tmp_path, {"site_settings.py": SLOW})
    with pytest.raises(PlanRefused, match="no"):
        refuse(project, pid)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert is_free(project)
