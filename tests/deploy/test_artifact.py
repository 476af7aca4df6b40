import importlib.util
import marshal
import shutil
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tiny_project import MANAGE, POCKET_TOML, PYTHON, Recorder, copy_pocket, make, wheel, write

from pocket import naming
from pocket.config import Project, build_manifest, load
from pocket.deploy.build import artifact, limits, wheels
from pocket.deploy.build.archive import Entry, scan
from pocket.deploy.build.artifact import Artifact, build, write_manifest
from pocket.deploy.build.entrypoints import check_handlers, command_issue
from pocket.deploy.build.limits import refuse_old_django, refuse_oversize
from pocket.deploy.build.parts import merge
from pocket.deploy.build.platforms import lambda_platform
from pocket.deploy.build.requirements import resolve
from pocket.deploy.target import Target
from pocket.errors import BuildFailed, ConfigErrors, DeployError
from pocket.manifest import DjangoTables, Manifest

HERE = Target(region="eu-central-1", platform="host")
LAYERS = ".pocket/build/layers"
ARTIFACTS = ".pocket/build/artifacts"
CACHE = ".pocket/cache"


@dataclass(frozen=True)
class Built:
    project: Project
    artifact: Artifact
    reporter: Recorder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The tiny project, built for this machine."""
    folder = tmp_path_factory.mktemp("built")
    project = make(folder / "tiny", pocket=copy_pocket(folder))
    reporter = Recorder()
    return Built(project, build(project, project.stage("dev"), HERE, reporter), reporter)


@pytest.fixture
def copy(built: Built, tmp_path: Path) -> Project:
    """The same project at another place, which may be changed; it shares the layers of packages."""
    folder = tmp_path / "elsewhere" / "tiny"
    shutil.copytree(built.project.directory, folder, ignore=shutil.ignore_patterns("layers"))
    (folder / LAYERS).symlink_to(built.project.directory / LAYERS)
    return load(folder / "pocket.toml")


def names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return {item.filename for item in archive.infolist() if not item.is_dir()}


def read(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def test_the_zip_holds_project_packages_manifest_and_the_map_of_static_files(built: Built) -> None:
    found = names(built.artifact.path)
    assert {"manage.py", "site_settings.py", "notes/__init__.py", "requirements.txt"} <= found
    assert {"six.py", "pocket/django/lambda_handlers.py", "asgiref/__init__.py"} <= found
    assert not [name for name in found if name.startswith(("pydantic", "bin/", ".pocket")) or name == "pocket.toml"]
    assert Manifest.from_json(read(built.artifact.path, naming.MANIFEST_FILE).decode()) == build_manifest(built.project)
    assert b'"notes/page.css"' in read(built.artifact.path, naming.STATIC_MANIFEST_FILE)


def test_every_module_comes_with_bytecode_that_names_lambdas_folder(built: Built) -> None:
    found = names(built.artifact.path)
    for module in ("site_settings.py", "notes/__init__.py", "asgiref/sync.py", "pocket/naming.py"):
        pyc = importlib.util.cache_from_source(module)
        assert pyc in found
        assert read(built.artifact.path, pyc)[:4] == importlib.util.MAGIC_NUMBER
        assert marshal.loads(read(built.artifact.path, pyc)[16:]).co_filename == f"/var/task/{module}"


def test_the_modules_of_a_start_are_bundled_part_by_part(built: Built) -> None:
    found = {}
    for name in naming.MODULES_FILES:
        content = read(built.artifact.path, name)
        length = int.from_bytes(content[4:8], "big")
        index = marshal.loads(content[8 : 8 + length])
        assert content[:4] == importlib.util.MAGIC_NUMBER
        found[name] = {module: (*facts, content[8 + length :]) for module, facts in index.items()}
    packages, libraries, project = found.values()
    assert "asgiref.sync" in packages
    assert "pocket.naming" in libraries
    assert {"site_settings", "notes"} <= project.keys()
    assert len(packages | libraries | project) == len(packages) + len(libraries) + len(project)
    assert not [name for name in packages | project if ".migrations" in name or name.startswith("six")]
    assert not [name for name in libraries if name.startswith("pocket.deploy")]
    package, source, place, size, code = libraries["pocket.naming"]
    name = marshal.loads(code[place:][:size]).co_filename
    assert (package, source, name) == (False, "pocket/naming.py", "/var/task/pocket/naming.py")


def test_the_zip_begins_with_what_changes_least(built: Built) -> None:
    with zipfile.ZipFile(built.artifact.path) as archive:
        order = [item.filename for item in archive.infolist()]
    packages, library, own = (order.index(name) for name in ("six.py", "pocket/naming.py", "site_settings.py"))
    assert packages < library < own < order.index(naming.STATIC_MANIFEST_FILE)
    assert len(built.artifact.beginnings) == 2


def test_sizes_and_the_largest_packages_are_reported(built: Built) -> None:
    with zipfile.ZipFile(built.artifact.path) as archive:
        assert built.artifact.unzipped == sum(item.file_size for item in archive.infolist())
    assert built.artifact.size == built.artifact.path.stat().st_size
    assert {name for name, _ in built.artifact.packages} == {"django-pocket", "asgiref", "six"}
    sizes = [size for _, size in built.artifact.packages]
    assert sizes == sorted(sizes, reverse=True)
    assert [row[0] for row in built.reporter.tables[0]] == [name for name, _ in built.artifact.packages]
    assert any("pydantic" in note and "Left out" in note for note in built.reporter.notes)


def test_static_files_are_left_to_upload(built: Built) -> None:
    assert built.artifact.static is not None
    assert built.artifact.static.prefix == "static/"


def test_the_same_project_elsewhere_is_the_same_bytes(copy: Project, built: Built) -> None:
    (copy.directory / LAYERS).unlink()
    shutil.rmtree(copy.directory / ".pocket")
    for path in copy.directory.rglob("*"):
        path.chmod(0o700)
        path.chmod(0o755 if path.is_dir() else 0o600)
    again = build(copy, copy.stage("dev"), HERE, Recorder())
    assert again.sha256 == built.artifact.sha256


def test_only_what_changed_is_built_again(copy: Project, built: Built) -> None:
    layers = copy.directory / LAYERS
    before = {path.name for path in layers.iterdir()}
    written = {path: path.stat().st_ino for path in (copy.directory / ARTIFACTS).iterdir()}
    compressed = {path: path.stat().st_ino for path in (copy.directory / CACHE).glob("*.zip")}
    assert build(copy, copy.stage("dev"), HERE, Recorder()).sha256 == built.artifact.sha256
    assert {path: path.stat().st_ino for path in written} == written
    write(copy.directory, {"notes/__init__.py": "CHANGED = True\n"})
    changed = build(copy, copy.stage("dev"), HERE, Recorder())
    assert changed.sha256 != built.artifact.sha256
    assert read(changed.path, "notes/__init__.py") == b"CHANGED = True\n"
    assert {path.name for path in layers.iterdir()} == before
    assert {path: path.stat().st_ino for path in (copy.directory / CACHE).glob("*.zip")} == compressed
    assert changed.beginnings == built.artifact.beginnings


def test_a_damaged_package_is_installed_again(copy: Project, built: Built) -> None:
    layers, shared = copy.directory / LAYERS, (copy.directory / LAYERS).resolve()
    layers.unlink()
    shutil.copytree(shared, layers)
    shutil.rmtree(copy.directory / CACHE)
    shutil.rmtree(copy.directory / ARTIFACTS)
    for damaged in layers.glob("*/tree/six.py"):
        damaged.chmod(0o600)
        damaged.write_text("raise SystemExit")
    reporter = Recorder()
    assert build(copy, copy.stage("dev"), HERE, reporter).sha256 == built.artifact.sha256
    assert any("six.py has changed" in note for note in reporter.notes)


def test_the_build_folder_is_hidden_from_git(built: Built) -> None:
    assert (built.project.directory / ".pocket" / ".gitignore").read_text() == "*\n"


def test_handlers_that_the_artifact_does_not_hold_are_named_with_their_lines(copy: Project) -> None:
    text = POCKET_TOML + '\n[awscontainer.handlers.job]\ncommand = "notes.jobs.run"\n'
    text = text.replace("lambda_handlers.wsgi_handler", "lambda_handlers.wsgi_handlr")
    write(copy.directory, {"pocket.toml": text})
    project = load(copy.path)
    with pytest.raises(ConfigErrors) as caught:
        build(project, project.stage("dev"), HERE, Recorder())
    lines = [line for line, text in enumerate(project.text.splitlines(), 1) if text.startswith("command")]
    assert [error.line for error in caught.value.errors] == lines
    first, second = (error.message for error in caught.value.errors)
    assert '"web"' in first
    assert "pocket/django/lambda_handlers.py defines no 'wsgi_handlr'" in first
    assert '"job"' in second
    assert "notes/jobs.py and notes/jobs/__init__.py" in second


def test_a_settings_module_that_the_artifact_does_not_hold_is_refused(tmp_path: Path) -> None:
    make(tmp_path)
    write(tmp_path, {"manage.py": MANAGE.replace("site_settings", "elsewhere.settings")})
    project = load(tmp_path / "pocket.toml")
    handlers = {"pocket/django/lambda_handlers.py": entry(tmp_path / "h", "def wsgi_handler(): ...")}
    with pytest.raises(ConfigErrors, match=r"elsewhere\.settings"):
        check_handlers(project, project.stage("dev"), handlers)


def entry(path: Path, text: str) -> Entry:
    path.write_text(text)
    return Entry.of(path)


@pytest.mark.parametrize(
    "text",
    [
        "def run(event, context): ...",
        "async def run(event, context): ...",
        "class run: ...",
        "run = make()",
        "first, (run, last) = make()",
        "run: object = make()",
        "from elsewhere import start as run",
        "from elsewhere import *",
        "import run.away",
        "def __getattr__(name): ...",
        "__all__ = ['run']\ndef __getattr__(name): ...",
        "if True:\n    def run(): ...",
        "try:\n    from fast import run\nexcept ImportError:\n    run = None",
        "with opened() as run: ...",
        "while (run := make()): ...",
    ],
)
def test_a_name_may_be_bound_in_any_way_that_python_has(tmp_path: Path, text: str) -> None:
    assert command_issue("jobs.run", {"jobs.py": entry(tmp_path / "jobs.py", text)}) == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def other():\n    run = 1",
        "run.attribute = 1",
        "[run for run in ()]",
        "print(run)",
        "__all__ = ['go']\ndef __getattr__(name): ...",
    ],
)
def test_a_name_that_the_module_does_not_bind_is_an_issue(tmp_path: Path, text: str) -> None:
    issue = command_issue("app.jobs.run", {"app/jobs.py": entry(tmp_path / "jobs.py", text)})
    assert "app/jobs.py defines no 'run'" in issue


def test_a_handlers_module_that_is_not_python_is_an_issue(tmp_path: Path) -> None:
    assert "not valid Python" in command_issue("jobs.run", {"jobs.py": entry(tmp_path / "jobs.py", "def run(:")})


def test_a_handler_in_an_extension_module_is_accepted(tmp_path: Path) -> None:
    name = "fast.cpython-313-aarch64-linux-gnu.so"
    assert command_issue("fast.run", {name: entry(tmp_path / name, "")}) == ""


def test_an_image_is_refused_until_images_are_built(tmp_path: Path) -> None:
    write(tmp_path, {"Dockerfile": ""})
    project = make(
        tmp_path, POCKET_TOML.replace("[awscontainer]\n", '[awscontainer]\ndockerfile_path = "Dockerfile"\n')
    )
    with pytest.raises(DeployError, match="does not build images yet"):
        build(project, project.stage("dev"), HERE, Recorder())


def test_a_stage_without_functions_has_nothing_to_build(tmp_path: Path) -> None:
    project = make(tmp_path)
    stage = replace(project.stage("dev"), awscontainer=None)
    with pytest.raises(BuildFailed, match="nothing to build"):
        build(project, stage, HERE, Recorder())


def test_an_artifact_over_lambdas_limit_is_refused_with_the_largest_packages() -> None:
    refuse_oversize(262_144_000, [])
    with pytest.raises(BuildFailed, match=r"250\.0 MB\. The largest packages: torch \(190\.7 MB\)"):
        refuse_oversize(262_144_001, [("torch", 200_000_000)])


def test_too_large_a_project_is_refused_before_anything_is_zipped(
    copy: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LIMIT", 1_000_000)
    write(copy.directory, {"notes/data.txt": "new"})
    before = set((copy.directory / ARTIFACTS).iterdir())
    with pytest.raises(BuildFailed, match="django-pocket"):
        build(copy, copy.stage("dev"), HERE, Recorder())
    assert set((copy.directory / ARTIFACTS).iterdir()) == before


def test_without_the_targets_python_bytecode_is_left_out_with_a_note(
    copy: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pocket.deploy.build.bytecode.find_interpreter", lambda python: None)
    reporter = Recorder()
    bare = build(copy, copy.stage("plain"), HERE, reporter)
    assert not [name for name in names(bare.path) if name.endswith(".pyc")]
    assert "uv python install" in reporter.notes[0]
    assert bare.static is None
    assert naming.STATIC_MANIFEST_FILE not in names(bare.path)


def test_a_manifest_that_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    for value in ({1, 2}, float("nan"), (1, 2)):
        broken = Manifest("tiny", "eu-central-1", "0", {}, DjangoTables(settings={"X": value}))
        with pytest.raises(BuildFailed, match="manifest"):
            write_manifest(broken, tmp_path / "manifest.json")
    assert not list(tmp_path.iterdir())


def test_files_of_the_project_override_packages_with_a_note(tmp_path: Path) -> None:
    write(tmp_path, {"packages/x.py": "1", "packages/same.py": "1", "project/x.py": "2", "project/same.py": "1"})
    reporter = Recorder()
    merged = merge([scan(tmp_path / "packages"), scan(tmp_path / "project")], reporter)
    assert merged["x.py"].source == tmp_path / "project" / "x.py"
    assert reporter.notes == ["Different files with the same name, of which the later is used: x.py."]


def test_a_damaged_build_folder_is_named(copy: Project) -> None:
    whole = list((copy.directory / LAYERS).iterdir())
    (copy.directory / LAYERS).unlink()
    for layer in whole:
        (copy.directory / LAYERS / layer.name).mkdir(parents=True)
    with pytest.raises(BuildFailed, match=r"layer\.json") as caught:
        build(copy, copy.stage("dev"), HERE, Recorder())
    assert "Remove" in caught.value.hint


def test_packages_for_lambda_and_for_this_machine_are_kept_apart(copy: Project, built: Built) -> None:
    before = {path.name for path in (copy.directory / LAYERS).iterdir()}
    there = build(copy, copy.stage("dev"), Target(region="eu-central-1"), Recorder())
    assert {path.name for path in (copy.directory / LAYERS).iterdir()} > before
    assert names(there.path) == names(built.artifact.path), "all of it is pure Python"


def test_only_its_owner_can_read_the_build_folder(copy: Project, built: Built) -> None:
    (copy.directory / "notes" / "__init__.py").chmod(0o600)
    (copy.directory / ".pocket" / "build").chmod(0o755)
    artifact_path = build(copy, copy.stage("dev"), HERE, Recorder()).path
    assert (copy.directory / ".pocket" / "build").stat().st_mode & 0o777 == 0o700
    assert (copy.directory / ".pocket" / "build" / "source" / "notes" / "__init__.py").stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(artifact_path) as archive:
        assert archive.getinfo("notes/__init__.py").external_attr >> 16 & 0o777 == 0o644


def test_what_a_killed_build_left_is_removed(copy: Project, built: Built) -> None:
    folder = copy.directory / ".pocket" / "build"
    write(folder, {"layers/0123.4711.part/tree/x.py": "", "artifacts/0123.zip.4711.part": ""})
    build(copy, copy.stage("dev"), HERE, Recorder())
    assert not list(folder.rglob("*.part"))


def test_no_more_than_two_zips_are_kept(copy: Project, built: Built) -> None:
    for number in range(3):
        write(copy.directory, {"notes/__init__.py": f"NUMBER = {number}\n"})
        last = build(copy, copy.stage("dev"), HERE, Recorder()).path
    kept = list((copy.directory / ARTIFACTS).glob("*.zip"))
    assert len(kept) == 2
    assert last in kept


def test_a_django_that_pocket_does_not_support_is_refused() -> None:
    with pytest.raises(
        BuildFailed, match=r"resolve to Django 5\.1\.15; Pocket supports Django 5\.2 and later"
    ) as caught:
        refuse_old_django("5.1.15")
    assert caught.value.hint == 'Raise the requirement: "django>=5.2".'
    for version in ("5.2rc1", "6.0.1", "10.0", None):
        refuse_old_django(version)


def test_a_project_that_resolves_to_an_older_django_is_refused(copy: Project, built: Built) -> None:
    requirements = copy.directory / "requirements.txt"
    requirements.write_text(requirements.read_text() + wheel(copy.directory, "django", "5.1.15"))
    with pytest.raises(BuildFailed, match=r"Django 5\.1\.15"):
        build(copy, copy.stage("dev"), HERE, Recorder())


def test_packages_without_a_wheel_for_lambda_are_named_before_they_are_built(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.txt": f"{wheel(tmp_path, 'django_pocket')}docopt==0.6.2\nsix\nmarkupsafe\n"})
    architecture = lambda_platform("3.13", "arm64")
    wanted = resolve(tmp_path, tmp_path / "requirements.txt", architecture)
    assert wheels.lacking(wanted.packages, architecture) == ["docopt 0.6.2"]


def test_a_rehearsal_names_packages_that_lambda_would_refuse(copy: Project, built: Built) -> None:
    requirements = copy.directory / "requirements.txt"
    requirements.write_text(requirements.read_text() + "docopt==0.6.2\n")
    reporter = Recorder()
    build(copy, copy.stage("dev"), HERE, reporter)
    (note,) = (note for note in reporter.notes if note.startswith("No wheel"))
    assert f"Python {PYTHON} on Lambda arm64, only source: docopt 0.6.2." in note
    again = Recorder()
    build(copy, copy.stage("dev"), HERE, again)
    assert not [note for note in again.notes if note.startswith("No wheel")]


def test_leftovers_of_builds_can_be_discarded_and_links_are_not_followed(
    copy: Project, built: Built, tmp_path: Path
) -> None:
    assert artifact.discard(tmp_path / "never-built", Recorder()) == 0
    folder = copy.directory / ".pocket" / "build"
    zipped = (copy.directory / ARTIFACTS / built.artifact.path.name).stat().st_size
    assert artifact.discard(copy.directory, Recorder()) >= zipped
    assert [path.name for path in folder.iterdir()] == ["lock"]
    assert not (copy.directory / CACHE).exists()
    assert any((built.project.directory / LAYERS).iterdir())
    assert artifact.discard(copy.directory, Recorder()) == 0
