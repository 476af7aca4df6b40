"""Static files of a watched project: collected again by a process that has set Django up once."""

from __future__ import annotations

import fcntl
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_project import SETTINGS, make

from pocket.cli import static_files
from pocket.cli.project import Destination
from pocket.cli.static_files import Collector
from pocket.config import build_manifest
from pocket.deploy.build import stage_environment, static
from pocket.deploy.build.artifact import write_manifest
from pocket.deploy.build.static import StaticFiles
from pocket.deploy.target import Target

FINDER = """
from django.contrib.staticfiles.finders import AppDirectoriesFinder
STATICFILES_FINDERS = ["site_settings.Finder"]

class Finder(AppDirectoriesFinder):
    def list(self, ignore_patterns):
"""
PRINTING = f"""{FINDER}
        print("listed", flush=True)
        return super().list(ignore_patterns)
"""
HANGING = f"""{FINDER}
        import fcntl, pathlib, time
        held = pathlib.Path("held")
        if held.exists():
            file = held.open()
            fcntl.flock(file, fcntl.LOCK_EX)
            time.sleep(30)
        return super().list(ignore_patterns)
"""


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


def test_what_the_project_prints_is_not_taken_for_a_status(place: Destination) -> None:
    directory = place.project.directory
    manifest = write_manifest(build_manifest(place.project), directory / "manifest.json")
    (directory / "site_settings.py").write_text(f"print('0')\n{SETTINGS}{PRINTING}")
    command = static.command(sys.executable, directory / "collected", repeat=True)
    environment = stage_environment.environment(place.stage, place.target, manifest)
    done = subprocess.run(
        command, cwd=directory, env=environment, input="\n", capture_output=True, text=True, check=False
    )
    assert done.stdout == "0\n0\n", done.stderr
    assert done.stderr.count("listed") == 2


def test_what_mends_the_first_collection_is_collected(place: Destination) -> None:
    page = place.project.directory / "notes" / "static" / "notes" / "page.css"
    page.write_text("body { background: url(missing.png) }")
    collector = Collector(place.project.directory)
    try:
        collector.start(place)
        assert collector._process is not None
        assert select.select([collector._process.stdout], [], [], 60)[0]
        for text in ("a { color: red }", "a { color: green }"):
            page.write_text(text)
            found = collector.collect(place.stage)
            assert found is not None
            assert {file.content.source.read_text() for file in found.files if file.name.endswith(".css")} == {text}
    finally:
        collector.stop()


@pytest.mark.parametrize("written", ["no status\\n", "no line", ""])
def test_a_process_that_writes_no_status_ends(
    place: Destination, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setattr(static_files, "LIMIT", 0.2)
    code = f"import sys, time; sys.stdout.write('0\\n'); sys.stdout.flush(); input(); sys.stdout.write('{written}')"
    code += "; sys.stdout.flush(); time.sleep(60)"
    monkeypatch.setattr(static, "command", lambda *_, **__: [sys.executable, "-c", code])
    collector = Collector(place.project.directory)
    try:
        collector.start(place)
        process = collector._process
        assert process is not None
        begun = time.monotonic()
        while collector._process is not None:
            assert collector.collect(place.stage) is None
            assert time.monotonic() - begun < 20
            time.sleep(0.02)
        assert process.returncode == -signal.SIGKILL
    finally:
        collector.stop()


def test_a_collection_that_hangs_ends_with_its_process(place: Destination, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = place.project.directory
    (directory / "site_settings.py").write_text(SETTINGS + HANGING)
    collector = Collector(directory)
    try:
        collector.start(place)
        first(collector, place)
        monkeypatch.setattr(static_files, "LIMIT", 0.5)
        (directory / "held").touch()
        begun = time.monotonic()
        assert collector.collect(place.stage) is None
        with (directory / "held").open() as file:
            fcntl.flock(file, fcntl.LOCK_EX)
        assert time.monotonic() - begun < 15, "the fork holds the lock for 30 seconds"
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
