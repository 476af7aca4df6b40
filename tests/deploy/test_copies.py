"""The copy of a project that its settings are loaded from."""

from __future__ import annotations

from pathlib import Path

from deploying import deployable
from tiny_project import write

from pocket.deploy.build import copies


def test_only_assets_are_linked_so_that_no_source_is_written_to(tmp_path: Path) -> None:
    project = deployable(tmp_path)
    write(tmp_path, {"shop/static/logo.svg": "<svg/>", "shop/static/page.css": "a{}", "shop/cities.csv": "Kyoto\n"})
    with copies.isolated(project, project.stage("dev")) as folder:
        same = {
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and path.samefile(tmp_path / path.relative_to(folder))
        }
        assert (folder / "shop/cities.csv").read_text() == "Kyoto\n"
    assert same == {"shop/static/logo.svg", "shop/static/page.css"}


def test_the_files_of_the_artifact_are_taken_as_given(tmp_path: Path) -> None:
    project = deployable(tmp_path)
    with copies.isolated(project, project.stage("dev"), {"a/app.py": tmp_path / "app.py"}) as folder:
        assert [path.relative_to(folder).as_posix() for path in folder.rglob("*.*")] == ["a/app.py"]
