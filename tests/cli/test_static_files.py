"""Static files of a watched project: collected again by a process that has set Django up once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tiny_project import make

from pocket.cli.project import Destination
from pocket.cli.static_files import Collector
from pocket.config import build_manifest
from pocket.deploy.build import static
from pocket.deploy.build.artifact import write_manifest
from pocket.deploy.build.static import StaticFiles
from pocket.deploy.target import Target


@pytest.fixture
def place(tmp_path: Path) -> Destination:
    project = make(tmp_path / "tiny")
    return Destination(project, project.stage("dev"), Target(region="eu-central-1"))


def first(collector: Collector, place: Destination) -> StaticFiles:
    """What the process collects when it is ready."""
    end = time.monotonic() + 60
    while (found := collector.collect(place.stage)) is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def test_files_are_collected_as_they_are_saved(place: Destination) -> None:
    folder = place.project.directory / "notes" / "static" / "notes"
    collector = Collector(place.project.directory)
    assert collector.collect(place.stage) is None, "nothing runs"
    try:
        collector.start(place)
        before = {file.name for file in first(collector, place).files}
        (folder / "page.css").write_text("body { color: red }")
        found = collector.collect(place.stage)
        assert found is not None
        new = [file for file in found.files if file.name not in before]
        assert [file.content.source.read_text() for file in new] == ["body { color: red }"]
        assert found.manifest is not None
        assert new[0].name in found.manifest.source.read_text()
        (folder / "page.css").write_text("body { background: url(missing.png) }")
        assert collector.collect(place.stage) is None, "the release shows the error"
        assert collector.collect(place.stage) is None, "the process has ended"
    finally:
        collector.stop()


def test_sources_are_known_from_the_build(place: Destination) -> None:
    directory = place.project.directory
    collector = Collector(directory)
    names = ["notes/static/notes/page.css", "notes/static/notes/new.css", "notes/views.py", "pocket.toml"]
    assert collector.sources(place.stage, names) == set(), "nothing was built"
    folder = directory / ".pocket" / "build" / "static" / "dev"
    folder.mkdir(parents=True)
    manifest = write_manifest(build_manifest(place.project), folder.with_name("manifest.json"))
    static.collect(place.project, place.stage, place.target, manifest=manifest, folder=folder)
    assert collector.sources(place.stage, names) == {*names[:2]}
