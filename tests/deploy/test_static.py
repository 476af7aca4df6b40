import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import MappingProxyType

import pytest
from tiny_project import POCKET_TOML, Recorder, make, write

from pocket.config import Project, build_manifest
from pocket.config.tables.django import Storage
from pocket.deploy.build import stage_environment, static
from pocket.deploy.build.archive import scan
from pocket.deploy.build.artifact import write_manifest
from pocket.deploy.build.parts import static_entries
from pocket.deploy.build.static import (
    IMMUTABLE,
    REVALIDATED,
    StaticFiles,
    are_collected,
    collect,
    content_type,
    describe,
)
from pocket.deploy.target import Target
from pocket.errors import BuildFailed

TARGET = Target(region="eu-central-1", environment=MappingProxyType({"CACHE_URL": "locmem://"}))
HASHED = Storage(store="s3", location="static", static=True, manifest=True)


def collected(project: Project, folder: Path, reporter: Recorder | None = None, **options: str) -> StaticFiles | None:
    manifest = write_manifest(build_manifest(project), folder / "pocket.manifest.json")
    found = collect(project, project.stage("dev"), TARGET, manifest=manifest, folder=folder / "static")
    for note in found.notes(options.get("django")):
        (reporter or Recorder()).note(note)
    return found.files


def test_django_collects_the_stages_files_under_hashed_names(tmp_path: Path) -> None:
    project = make(tmp_path / "tiny")
    found = collected(project, tmp_path)
    assert found is not None
    assert found.manifest is not None
    paths = json.loads(found.manifest.source.read_text())["paths"]
    by_name = {file.name: file for file in found.files}
    page = by_name[paths["notes/page.css"]]
    assert paths["notes/dot.svg"].rpartition("/")[2] in page.content.source.read_text()
    assert page.cache_control == IMMUTABLE
    assert by_name["notes/page.css"].cache_control == REVALIDATED
    assert "staticfiles.json" not in by_name
    assert found.prefix == "static/"
    assert not list((tmp_path / "tiny").rglob("__pycache__")), "nothing is written among the project's files"


def test_files_of_the_last_collection_do_not_stay(tmp_path: Path) -> None:
    project = make(tmp_path / "tiny")
    collected(project, tmp_path)
    (tmp_path / "tiny" / "notes" / "static" / "notes" / "page.css").unlink()
    found = collected(project, tmp_path)
    assert found is not None
    assert {file.name.split(".")[0] for file in found.files} == {"notes/dot"}


def test_a_stage_without_static_storage_collects_nothing(tmp_path: Path) -> None:
    project = make(tmp_path)
    manifest = tmp_path / "unused.json"
    reporter = Recorder()
    stage = project.stage("plain")
    assert not are_collected(stage)
    assert collect(project, stage, TARGET, manifest=manifest, folder=tmp_path / "static").files is None
    assert not reporter.steps


def test_a_project_without_the_staticfiles_app_has_no_static_files(tmp_path: Path) -> None:
    project = make(tmp_path / "tiny")
    settings = tmp_path / "tiny" / "site_settings.py"
    settings.write_text(settings.read_text().replace('"django.contrib.staticfiles", ', ""))
    assert collected(project, tmp_path) is None


def test_settings_that_fail_show_their_error(tmp_path: Path) -> None:
    project = make(tmp_path / "tiny")
    write(tmp_path / "tiny", {"site_settings.py": "raise RuntimeError('no such region')\n"})
    with pytest.raises(BuildFailed, match="RuntimeError: no such region"):
        collected(project, tmp_path)


def test_a_missing_reference_names_the_file_that_has_it(tmp_path: Path) -> None:
    project = make(tmp_path / "tiny")
    write(project.directory, {"notes/static/notes/page.css": "a { background: url(missing.png) }"})
    with pytest.raises(BuildFailed, match=r"while notes/page\.css was processed") as caught:
        collected(project, tmp_path)
    assert "missing.png" in str(caught.value)
    assert "hashed_name()" in caught.value.hint


def test_a_secret_among_static_files_is_not_served(tmp_path: Path) -> None:
    project = make(tmp_path / "tiny")
    write(
        project.directory, {"notes/static/notes/prod.env": "A=b", "notes/static/notes/key.txt": "DB_PASSWORD=hunter2"}
    )
    reporter = Recorder()
    found = collected(project, tmp_path, reporter)
    assert found is not None
    assert {file.name.split(".")[0] for file in found.files} == {"notes/dot", "notes/page"}
    assert "notes/key.txt, notes/prod." in reporter.notes[0]


def test_another_django_than_the_artifacts_is_reported(tmp_path: Path) -> None:
    reporter = Recorder()
    collected(make(tmp_path / "tiny"), tmp_path, reporter, django="4.2.1")
    assert "the artifact has Django 4.2.1" in reporter.notes[0]


def test_the_projects_environment_serves_where_the_command_runs_without_django(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / ".venv" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.symlink_to(sys.executable)
    (tmp_path / ".venv" / "pyvenv.cfg").write_text((Path(sys.prefix) / "pyvenv.cfg").read_text())
    (tmp_path / ".venv" / "lib").symlink_to(Path(sys.prefix) / "lib")

    def without_django(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(static, "version", without_django)
    (tmp_path / "site").mkdir()
    with pytest.raises(BuildFailed, match=r"no \.venv"):
        static.find_python(tmp_path / "site")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert static.find_python(tmp_path / "site")[0] == str(own), "it is that of the work tree"
    if os.getuid() == 0:  # only root can give a folder away
        os.chown(tmp_path / ".venv", 65534, -1)
        with pytest.raises(BuildFailed, match=r"no \.venv"):
            static.find_python(tmp_path / "site")
        os.chown(tmp_path / ".venv", 0, -1)
    own.unlink()
    with pytest.raises(BuildFailed, match=r"no \.venv") as caught:
        static.find_python(tmp_path / "site")
    assert "uv sync" in caught.value.hint


def test_what_django_finds_is_the_stage_its_variables_and_placeholders(tmp_path: Path) -> None:
    project = make(tmp_path, f'{POCKET_TOML}\n[dev.awscontainer.envs]\nGREETING = "hello"\n')
    found = stage_environment.environment(project.stage("dev"), TARGET, tmp_path / "manifest.json")
    expected = {
        "POCKET_STAGE": "dev",
        "POCKET_MANIFEST": str(tmp_path / "manifest.json"),
        "DJANGO_SETTINGS_MODULE": "site_settings",
        "GREETING": "hello",
        "CACHE_URL": "locmem://",
    }
    assert expected.items() <= found.items()
    assert found["POCKET_PLACEHOLDER_SECRETS"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.css", "text/css; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.css.map", "application/json; charset=utf-8"),
        ("a.svg", "image/svg+xml; charset=utf-8"),
        ("a.woff2", "font/woff2"),
        ("a.png", "image/png"),
        ("a.css.gz", "application/gzip"),
        ("LICENSE", "application/octet-stream"),
    ],
)
def test_types_do_not_depend_on_the_machine(name: str, expected: str) -> None:
    assert content_type(name) == expected


def test_files_that_are_served_from_the_artifact_go_into_it(tmp_path: Path) -> None:
    write(tmp_path, {"a.0123.css": "x", "a.css": "x", "staticfiles.json": '{"paths": {"a.css": "a.0123.css"}}'})
    here = describe(scan(tmp_path), Storage(store="filesystem", location="collected", static=True, manifest=True))
    mapped, served = static_entries(here)
    assert mapped.keys() == {"collected/staticfiles.json"}
    assert served.keys() == {"collected/a.0123.css", "collected/a.css"}
    in_s3 = describe(scan(tmp_path), HASHED)
    assert [set(each) for each in static_entries(in_s3)] == [{"staticfiles.json"}, set()]
    assert in_s3 is not None
    for location in ("/var/task/x", None):
        with pytest.raises(BuildFailed, match="not a folder of the artifact"):
            static_entries(replace(in_s3, store="filesystem", location=location))
    assert static_entries(None) == ({}, {})


def test_without_hashed_names_nothing_is_immutable(tmp_path: Path) -> None:
    write(tmp_path, {"a.css": "x"})
    found = describe(scan(tmp_path), Storage(store="s3", location="static", static=True))
    assert found is not None
    assert [file.cache_control for file in found.files] == [REVALIDATED]
