"""Saved files of a watched project: served in place of those of the package, which stays as it was deployed."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import django
import pytest

from pocket.local.launcher.saved_files import Saved, SavedFiles
from pocket.local.launcher.unpacked import Packages

WEB = {"FunctionName": "web", "Version": "1"}


def zip_of(files: Mapping[str, str]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


PACKAGE = zip_of(
    {
        "bbs/views.py": "old",
        "bbs/__pycache__/views.cpython-311.pyc": "old",
        "bbs/__pycache__/models.cpython-311.pyc": "kept",
        "bbs/templates/page.html": "old",
        "django/http.py": "package",
        "manage.py": "old",
    }
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "bbs" / "templates").mkdir(parents=True)
    for name in ("bbs/views.py", "bbs/templates/page.html", "manage.py", "new.py"):
        (folder / name).write_text("new")
    return folder


@pytest.fixture
def files(tmp_path: Path) -> SavedFiles:
    packages = Packages(tmp_path / "unpacked", tmp_path / "tmp")
    return SavedFiles(packages, tmp_path / "tmp", lambda config: config["Version"] != "candidate")


@pytest.fixture
def saved(project: Path) -> Callable[..., Saved]:
    def make(*names: str, removed: tuple[str, ...] = (), changed: tuple[str, ...] | None = None) -> Saved:
        wanted = {**{name: project / name for name in names}, **dict.fromkeys(removed)}
        return Saved(project, frozenset({"web"}), wanted, tuple(wanted) if changed is None else changed)

    return make


def content(folder: Path) -> dict[str, str]:
    places = (Path(parent, name) for parent, _, names in os.walk(folder, followlinks=True) for name in names)
    return {str(path.relative_to(folder)): path.read_text() for path in places}


def test_workers_of_live_versions_run_from_copies_and_the_package_stays(
    files: SavedFiles, saved: Callable[..., Saved]
) -> None:
    package = files.take(PACKAGE, "", WEB)
    before = content(package)
    with files.replacing(saved("bbs/views.py", "new.py", removed=("manage.py",))):
        pass
    copy = files.take(PACKAGE, "", WEB)
    assert copy != package
    gone = {"manage.py", "bbs/__pycache__/views.cpython-311.pyc"}
    left = {name: text for name, text in before.items() if name not in gone}
    assert content(copy) == {**left, "bbs/views.py": "new", "new.py": "new"}
    assert content(package) == before
    assert files.take(PACKAGE, "", WEB) == copy, "workers share it"
    assert files.take(PACKAGE, "", {**WEB, "FunctionName": "of-another-stage"}) == package
    assert files.take(PACKAGE, "", {**WEB, "Version": "candidate"}) == package


def test_a_copy_is_read_only_and_its_modules_have_its_own_path(files: SavedFiles, saved: Callable[..., Saved]) -> None:
    with files.replacing(saved("bbs/views.py")):
        pass
    copy = files.take(PACKAGE, "", WEB)
    folders = [copy, *(path for path in copy.rglob("*") if path.is_dir() and not path.is_symlink())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o500}
    assert (copy / "bbs" / "views.py").resolve().is_relative_to(copy)
    assert (copy / "django").is_symlink(), "a package that the project has no folder of"
    assert stat.S_IMODE((copy / "bbs" / "views.py").stat().st_mode) == 0o400


def test_what_is_no_module_is_put_under_running_workers(
    files: SavedFiles, saved: Callable[..., Saved], project: Path
) -> None:
    with files.replacing(saved()):
        pass
    copy, moment = files.take(PACKAGE, "", WEB), files.moment()
    assert files.put_in_place(saved("bbs/templates/page.html"))
    assert (copy / "bbs/templates/page.html").read_text() == "new"
    assert files.since(moment, copy) == [copy / "bbs/templates/page.html"]
    (project / "bbs/templates/page.html").unlink()
    assert files.put_in_place(saved("bbs/templates/page.html"))
    assert not (copy / "bbs/templates/page.html").exists()
    assert files.put_in_place(saved(changed=("bbs/templates/page.html",)))
    assert (copy / "bbs/templates/page.html").read_text() == "old", "that of the package again"
    assert files.put_in_place(saved("bbs/templates/page.html", "bbs/views.py", changed=()))
    assert not files.put_in_place(saved("bbs/views.py"))
    assert not files.put_in_place(saved("django/http.py", changed=("django/page.html",))), "its folder is the package's"


def test_a_file_in_a_package_is_replaced_in_the_copy_alone(
    files: SavedFiles, saved: Callable[..., Saved], project: Path
) -> None:
    (project / "added").mkdir()
    (project / "added" / "http.py").write_text("new")
    package = files.take(PACKAGE, "", WEB)
    source = {"django/http.py": project / "added/http.py", "django/gone/x.py": None}
    with files.replacing(Saved(project, frozenset({"web"}), source, tuple(source))):
        pass
    copy = files.take(PACKAGE, "", WEB)
    assert (copy / "django" / "http.py").read_text() == "new"
    assert (package / "django" / "http.py").read_text() == "package"


def test_a_failed_replacement_leaves_the_copies_before(files: SavedFiles, saved: Callable[..., Saved]) -> None:
    with files.replacing(saved("bbs/templates/page.html")):
        pass
    copy = files.take(PACKAGE, "", WEB)
    taken: list[Path] = []

    def fail() -> None:
        with files.replacing(saved("bbs/views.py")):
            taken.append(files.take(PACKAGE, "", WEB))
            files.give_back(taken[0])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert taken != [copy]
    assert files.is_current(copy)
    assert not files.is_current(taken[0])
    assert files.take(PACKAGE, "", WEB) == copy
    assert (copy / "bbs" / "views.py").read_text() == "old"


SITE = """
import os, sys
sys.path.append({packages!r})
import django
from django.conf import settings
root = os.environ["LAMBDA_TASK_ROOT"]
settings.configure(
    TEMPLATES=[{{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [root + "/pages"]}}],
    INSTALLED_APPS=["django.contrib.staticfiles"],
    STATIC_ROOT=root,
    STATIC_URL="/static/",
    STORAGES={{"staticfiles": {{"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}}},
)
django.setup()
from django.templatetags.static import static
from django.template.loader import render_to_string
from shop.views import TEXT
def handler(event, context):
    return [render_to_string("page.html"), TEXT, static("site.css"), os.getpid()]
"""


MAP = '{"version": "1.1", "paths": {"site.css": "site.HASH.css"}, "hash": ""}'


def test_functions_run_with_saved_files(cloud: Any, package: Any, runtime: str, tmp_path: Path) -> None:
    """With Django's own templates: one that is saved needs no new process, and a module that fails replaces none."""
    site = SITE.format(packages=str(Path(django.__file__).parents[1]))
    code = {"app.py": site, "shop/__init__.py": "", "shop/views.py": "TEXT = 'old'", "pages/page.html": "old"}
    code["staticfiles.json"] = MAP.replace("HASH", "old")
    functions = cloud.client("lambda")
    for name in ("saved-web", "saved-queue"):
        functions.create_function(
            FunctionName=name,
            Runtime=runtime,
            Handler="app.handler",
            Timeout=10,
            Role=cloud.role(f"{name}-role"),
            Code={"ZipFile": package(code)},
        )
        version = functions.publish_version(FunctionName=name)["Version"]
        functions.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    for name in ("shop/views.py", "pages/page.html"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(code[name])
    known: dict[str, Path | None] = {}

    def save(name: str, text: str) -> Any:
        (tmp_path / name).write_text(text)
        known[name] = tmp_path / name
        return serve(name)

    def serve(*changed: str) -> Any:
        return cloud.local.serve(
            tmp_path, "ap-northeast-1", ["saved-web", "saved-queue"], first=["saved-web"], files=known, changed=changed
        )

    def answer(name: str = "saved-web:live") -> Any:
        payload, failed = cloud.invoke(name)
        assert not failed, payload
        return payload

    assert serve() is None
    first = answer()
    assert first[:2] == answer("saved-queue:live")[:2] == ["old", "old"]
    assert save("pages/page.html", "new") is None
    assert answer() == ["new", "old", "/static/site.old.css", first[3]], "the process went on"
    assert save("staticfiles.json", MAP.replace("HASH", "new")) is None
    assert answer() == ["new", "old", "/static/site.new.css", first[3]], "the process went on"
    assert answer("saved-queue:live")[:2] == ["new", "old"]
    assert save("shop/views.py", "TEXT = 'new'") is None
    second = answer()
    assert second[:2] == ["new", "new"]
    assert answer("saved-queue:live")[:2] == ["new", "new"]
    failed = save("shop/views.py", "TEXT = missing")
    assert (failed["errorType"], failed["errorMessage"]) == ("NameError", "name 'missing' is not defined")
    assert answer() == second, "the processes before went on"
    assert answer("saved-web:1")[:2] == answer("saved-queue:live")[:2] == ["new", "new"]
    known.clear()
    assert serve("shop/views.py", "pages/page.html") is None
    assert answer()[:2] == answer("saved-queue:live")[:2] == ["old", "old"]
    assert answer("saved-web")[:2] == ["old", "old"]


def test_many_saved_files_can_be_served_at_once(cloud: Any, tmp_path: Path) -> None:
    """As many as a large project has static files, or another branch has changed."""
    files: dict[str, Path | None] = {f"static-collected/{number:0200}.css": None for number in range(20_000)}
    found = cloud.local.serve(tmp_path, "ap-northeast-1", [], first=[], files=files, changed=[*files])
    assert found is None
