"""The copy of a project that its settings are loaded from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from deploying import deployable
from tiny_project import write

from pocket.deploy.build import copies
from pocket.deploy.target import Target

HERE = Target("eu-central-1", platform="host")


def test_what_is_written_to_the_copy_does_not_reach_the_project(tmp_path: Path) -> None:
    project = deployable(tmp_path)
    write(tmp_path, {"shop/static/logo.svg": "<svg/>", "shop/static/page.css": "a{}", "shop/cities.csv": "Kyoto\n"})
    write(tmp_path, {"shop/large.txt": "x" * (2 << 20)})
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with copies.isolated(project, project.stage("dev")) as folder:
        copied = [path for path in folder.rglob("*") if path.is_file()]
        for path in copied:
            assert path.read_bytes() == before[tmp_path / path.relative_to(folder)]
            with path.open("r+") as file:
                file.write("changed")
    assert {"logo.svg", "page.css", "cities.csv", "large.txt"} <= {path.name for path in copied}
    assert {path: path.read_bytes() for path in before} == before


def test_the_files_of_the_artifact_are_taken_as_given(tmp_path: Path) -> None:
    project = deployable(tmp_path)
    with copies.isolated(project, project.stage("dev"), {"a/app.py": tmp_path / "app.py"}) as folder:
        assert [path.relative_to(folder).as_posix() for path in folder.rglob("*.*")] == ["a/app.py"]


@pytest.mark.parametrize("declined", [{}, {"PYTHONDONTWRITEBYTECODE": "1"}, {"PYTHONPYCACHEPREFIX": "/nowhere"}])
def test_python_keeps_bytecode_of_packages_unless_the_user_declines_or_keeps_it_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declined: dict[str, str]
) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    for name, value in declined.items():
        monkeypatch.setenv(name, value)
    project = deployable(tmp_path)
    code = ["-c", "import sys; print(sys.dont_write_bytecode)"]
    with copies.isolated(project, project.stage("dev")) as folder:
        done = copies.run(sys.executable, code, folder, project=project, stage=project.stage("dev"), target=HERE)
    assert done.stdout.strip() == str(bool(declined))
