"""Collecting a stage's static files for a release."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fresh import HARMLESS, run, write_manifest, write_settings

from pocket.manifest import DjangoTables, SecretVariable, Stage, Storage

SETTINGS = """
import os
from pocket.django.runtime import get_django_settings, set_envs
from pocket.django.utils import get_storages
STORAGES = get_storages()
set_envs()
SECRET_KEY = os.environ["SECRET_KEY"]
INSTALLED_APPS = ["django.contrib.staticfiles", "pocket.django"]
STATICFILES_DIRS = ["assets"]
STATIC_URL = "static/"
"""


OWN_STORAGES = f"""{SETTINGS}
entry = {{"BACKEND": "storages.backends.s3.S3ManifestStaticStorage", "OPTIONS": {{"bucket_name": "board"}}}}
STORAGES = {{**STORAGES, "staticfiles": entry}}
"""
EARLY = """
from django.apps import AppConfig
from django.templatetags.static import static

class Early(AppConfig):
    name = "early"

    def ready(self):
        assert static("site.css").endswith("/site.css"), static("site.css")
"""
"""As Wagtail and Django Debug Toolbar, it needs the URL of a static file at start-up."""


def collect(directory: Path, item: Storage | None, settings: str = SETTINGS) -> tuple[list[str], str]:
    """The names of the collected files, and the output."""
    import subprocess
    import sys

    (directory / "assets").mkdir(exist_ok=True)
    (directory / "assets" / "site.css").write_text('body { background: url("dot.svg") }')
    (directory / "assets" / "dot.svg").write_text("<svg/>")
    tables = DjangoTables(storages={"staticfiles": item} if item else {})
    secrets = (SecretVariable("SECRET_KEY", "secretsmanager", "mine"),)
    write_manifest(directory, Stage(stack_name="s", bucket_name="board", django=tables, secrets=secrets))
    environ = {**HARMLESS, **write_settings(directory, settings), "POCKET_STAGE": "dev"}
    done = subprocess.run(
        [sys.executable, "-m", "pocket.django.collectstatic", "out"],
        cwd=directory,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    out = directory / "out"
    return sorted(path.name for path in out.rglob("*") if path.is_file()) if out.exists() else [], done.stderr


@pytest.mark.parametrize("store", ["s3", "filesystem"])
def test_hashed_names_and_their_map_where_the_storage_has_a_manifest(tmp_path: Path, store: str) -> None:
    found, output = collect(tmp_path, Storage(store, "static", static=True, manifest=True))
    names = json.loads((tmp_path / "out" / "staticfiles.json").read_text())["paths"]
    assert set(names) == {"site.css", "dot.svg"}
    assert set(found) == {"staticfiles.json", "site.css", "dot.svg", *names.values()}
    assert names["dot.svg"] in (tmp_path / "out" / names["site.css"]).read_text()
    assert "5 static files" in output


def test_plain_copies_without_a_manifest(tmp_path: Path) -> None:
    assert collect(tmp_path, Storage("s3", "static", static=True))[0] == ["dot.svg", "site.css"]


@pytest.mark.parametrize("manifest", [True, False])
@pytest.mark.parametrize("store", ["s3", "filesystem"])
@pytest.mark.parametrize("settings", [SETTINGS, OWN_STORAGES])
def test_app_may_need_a_url_at_start_up(tmp_path: Path, store: str, manifest: bool, settings: str) -> None:
    (tmp_path / "early.py").write_text(EARLY)
    item = Storage(store, "static", static=True, manifest=manifest)
    found, _ = collect(tmp_path, item, f'{settings}INSTALLED_APPS += ["early.Early"]\n')
    assert len(found) == (5 if manifest else 2)


def test_nothing_without_such_a_storage_in_the_file(tmp_path: Path) -> None:
    assert collect(tmp_path, None)[0] == []


def test_files_of_another_release_are_removed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.css").write_text("old")
    assert collect(tmp_path, Storage("s3", "static", static=True))[0] == ["dot.svg", "site.css"]


CHANGES = """
import os
from pathlib import Path
from pocket.django.collectstatic import collect

assets, more = Path("assets"), Path("more")

def edit(path, text, time=None):
    path.write_text(text)
    if time:
        os.utime(path, (time, time))

def mtime(path):
    return path.stat().st_mtime

def damage(path):
    path.chmod(0o600)
    path.write_text("damaged")

def copies(folder):
    return [path for path in folder.rglob("*") if path.name.startswith("dot.")]

changes = {
    "nothing": lambda: None,
    "a style": lambda: edit(assets / "site.css", 'a { background: url("dot.svg") } b {}'),
    "what a style refers to": lambda: edit(assets / "dot.svg", "<svg></svg>"),
    "one of the same size and time": lambda: edit(assets / "plain.txt", "other", mtime(assets / "plain.txt")),
    "an older one that comes first": lambda: (more.mkdir(), edit(more / "plain.txt", "first", 1000)),
    "it is gone": lambda: (more / "plain.txt").unlink(),
    "a new one": lambda: edit(assets / "new.txt", "new"),
    "one is gone": lambda: (assets / "new.txt").unlink(),
    "a copy is damaged": lambda: [damage(path) for path in copies(Path("out"))],
    "a copy is gone": lambda: copies(Path("out"))[0].unlink(),
    "a stray file": lambda: edit(Path("out") / "stray.txt", "stray"),
    "a damaged record": lambda: edit(Path("out.json"), "[]"),
}

def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

edit(assets / "plain.txt", "plain")
collect(Path("out").resolve())
for number, (name, change) in enumerate(changes.items()):
    before = {path: path.stat().st_ino for path in Path("out").rglob("*.txt")}
    change()
    count = collect(Path("out").resolve())
    assert collect(Path(f"out{number}").resolve()) == count
    assert tree(Path("out")) == tree(Path(f"out{number}")), name
    if name in ("nothing", "a style", "a stray file"):
        assert {path: path.stat().st_ino for path in before} == before, name
"""


@pytest.mark.parametrize("manifest", [True, False])
def test_what_is_kept_between_builds_is_what_would_be_collected_again(tmp_path: Path, manifest: bool) -> None:
    settings = SETTINGS.replace('["assets"]', '["more", "assets"]') + "SILENCED_SYSTEM_CHECKS = ['staticfiles.W004']\n"
    collect(tmp_path, Storage("s3", "static", static=True, manifest=manifest), settings)
    environ = {**write_settings(tmp_path, settings), "POCKET_STAGE": "dev"}
    done = run(CHANGES, tmp_path, environ)
    assert done.returncode == 0, done.stderr


TOLERANT = """
from {module} import {stock}

class Noted:
    def noted(self, name):
        return name

class Tolerant(Noted, {stock}):
    default_acl = "private"
    {place}
    manifest_strict = False

    def hashed_name(self, name, content=None, filename=None):
        try:
            return super().hashed_name(name, content, filename)
        except ValueError:
            return self.noted(name)
"""


@pytest.mark.parametrize(
    ("module", "stock", "place"),
    [
        ("storages.backends.s3", "S3ManifestStaticStorage", 'location = "static"'),
        ("django.contrib.staticfiles.storage", "ManifestStaticFilesStorage", ""),
    ],
)
def test_storage_of_the_project_decides_which_errors_are_ignored(
    tmp_path: Path, module: str, stock: str, place: str
) -> None:
    (tmp_path / "own_storage.py").write_text(TOLERANT.format(module=module, stock=stock, place=place))
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "page.css").write_text('a { background: url("missing.png") }')
    item = Storage("s3", "static", static=True, manifest=True)
    settings = f'{SETTINGS}STORAGES["staticfiles"] = {{"BACKEND": "own_storage.Tolerant"}}\n'
    found, _ = collect(tmp_path, item, settings)
    paths = json.loads((tmp_path / "out" / "staticfiles.json").read_text())["paths"]
    assert "missing.png" in (tmp_path / "out" / paths["page.css"]).read_text()
    assert paths["dot.svg"] in found
    with pytest.raises(AssertionError, match="missing"):
        collect(tmp_path, item, SETTINGS)


def test_a_missing_source_map_is_no_error_and_any_other_missing_file_is(tmp_path: Path) -> None:
    item = Storage(store="s3", location="static", static=True, manifest=True)
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "lib.css").write_text("a {}\n/*# sourceMappingURL=lib.css.map */")
    files, output = collect(tmp_path, item)
    assert "lib.css" in files, output
    (hashed,) = (tmp_path / "out").glob("lib.*.css")
    assert "sourceMappingURL=lib.css.map" in hashed.read_text()
    (tmp_path / "assets" / "lib.css").write_text('a { background: url("none.png") }')
    with pytest.raises(AssertionError, match=r"none\.png"):
        collect(tmp_path, item)


def test_a_packages_own_collectstatic_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "fasta" / "management" / "commands"
    folder.mkdir(parents=True)
    (folder / "collectstatic.py").write_text("raise RuntimeError('there is no bucket here')")
    settings = SETTINGS.replace("INSTALLED_APPS = [", 'INSTALLED_APPS = ["fasta", ')
    files, output = collect(tmp_path, Storage(store="s3", location="static", static=True), settings)
    assert "site.css" in files, output
