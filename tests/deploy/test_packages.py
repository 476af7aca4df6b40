import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from tiny_project import PYTHON, REPOSITORY, wheel, write
from uv import find_uv_bin

from pocket import naming
from pocket.deploy.build import bytecode, installed, libraries
from pocket.deploy.build.packages import Layer, install
from pocket.deploy.build.platforms import Platform, lambda_platform
from pocket.deploy.build.requirements import resolve
from pocket.errors import BuildFailed

HOST = Platform(PYTHON, None, "this machine")
ARM = lambda_platform(PYTHON, "arm64")
BUILD_SYSTEM = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'


def installed_layers(
    folder: Path, requirements: str, platform: Platform, interpreter: str | None = None
) -> list[Layer]:
    stand_in = wheel(folder, "django_pocket")
    write(folder, {"requirements.txt": stand_in + requirements})
    return install(resolve(folder, folder / "requirements.txt", platform), platform, interpreter, folder / "layers")


def library(folder: Path, text: str) -> str:
    """The requirement of a small library, edited in place, that lies in `folder`."""
    project = f'[project]\nname = "shelf"\nversion = "1"\n[project.scripts]\nshelf = "shelf:main"\n{BUILD_SYSTEM}'
    write(folder, {"shelf/pyproject.toml": project, "shelf/shelf/__init__.py": text})
    return "-e ./shelf\n"


def test_machine_code_is_that_of_the_target_and_not_of_this_machine(tmp_path: Path) -> None:
    (binary, _) = installed_layers(tmp_path, "markupsafe==3.0.3\n", ARM)
    (name,) = (name for name in binary.files if name.endswith(".so"))
    assert "aarch64" in name
    machine = binary.files[name].source.read_bytes()[18:20]
    assert int.from_bytes(machine, "little") == 183, "EM_AARCH64 in the ELF header"


def test_a_pure_python_source_distribution_is_built_for_another_platform(tmp_path: Path) -> None:
    (remote, _) = installed_layers(tmp_path, "docopt==0.6.2\n", ARM)
    assert "docopt.py" in remote.files


def test_a_package_without_a_wheel_for_the_target_is_named_with_a_way_out(tmp_path: Path) -> None:
    project = '[project]\nname = "site"\nversion = "1"\nrequires-python = ">=3.11"\n'
    dependencies = 'dependencies = ["pywin32==311", "django-pocket"]\n'
    sources = '[tool.uv.sources]\ndjango-pocket = { path = "django_pocket-1-py3-none-any.whl" }\n'
    wheel(tmp_path, "django_pocket")
    write(tmp_path, {"pyproject.toml": project + dependencies + sources})
    subprocess.run([find_uv_bin(), "lock", "-q"], cwd=tmp_path, check=True)
    wanted = resolve(tmp_path, tmp_path / "uv.lock", ARM)
    with pytest.raises(BuildFailed, match=f"pywin32 has no wheel for Python {PYTHON} on Lambda arm64") as caught:
        install(wanted, ARM, None, tmp_path / "layers")
    assert "architecture" in caught.value.hint
    assert not list((tmp_path / "layers").glob("*")), "nothing half installed stays"


def test_a_package_without_a_wheel_is_found_while_requirements_are_resolved(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="pywin32"):
        installed_layers(tmp_path, "pywin32==311\n", ARM)


def test_a_package_that_was_compiled_here_is_not_sent_to_lambda(tmp_path: Path) -> None:
    setup = (
        "from setuptools import Extension, setup\n"
        "setup(name='fast', version='1', ext_modules=[Extension('fast', ['fast.c'])], py_modules=[])\n"
    )
    code = "#include <Python.h>\nPyMODINIT_FUNC PyInit_fast(void) { return NULL; }\n"
    system = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    write(tmp_path, {"fast/setup.py": setup, "fast/fast.c": code, "fast/pyproject.toml": system})
    with pytest.raises(BuildFailed, match=r"fast has no wheel .* compiled for this machine"):
        installed_layers(tmp_path, "./fast\n", lambda_platform(PYTHON, "x86_64"))


def test_a_layer_carries_no_scripts_and_no_trace_of_this_machine(tmp_path: Path) -> None:
    layers = installed_layers(tmp_path, library(tmp_path, "def main(): ...\n"), HOST)
    files = {name: entry for layer in layers for name, entry in layer.files.items()}
    assert "shelf/__init__.py" in files
    assert not [name for name in files if name.startswith("bin/") or name.endswith((".pth", "direct_url.json"))]
    texts = [entry.source.read_bytes() for entry in files.values()]
    assert not [text for text in texts if str(tmp_path).encode() in text or str(REPOSITORY).encode() in text]
    record = files["shelf-1.dist-info/RECORD"].source.read_text()
    assert "shelf/__init__.py" in record
    assert "bin/shelf" not in record


SIX = {
    "sha256": "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274",
    "sha512": "2796b93aaac73193faeb5c93a85d23c2ae9fc4a7e57df88dc34b704a36fa62cd"
    "0b1fb5d1a74b961a23eff2467be94eb14f5f10874dfa733dc4ab59715280bbf3",
}


@pytest.mark.parametrize(
    ("kind", "length", "place"),
    [("sha256", 64, "-r"), ("sha384", 96, "-r"), ("sha512", 128, "-r"), ("sha512", 128, "-c")],
)
def test_a_package_whose_hash_is_another_is_not_packed(tmp_path: Path, kind: str, length: int, place: str) -> None:
    write(tmp_path, {"pinned.txt": "six==1.17.0\n"})
    requirement = f"{place} pinned.txt\nsix\n"
    (before, _) = installed_layers(tmp_path, requirement, HOST)
    assert "six.py" in before.files
    write(tmp_path, {"pinned.txt": f"six==1.17.0 --hash={kind}:{'0' * length}\n"})
    with pytest.raises(BuildFailed, match=r"six.*1\.17\.0") as caught:
        installed_layers(tmp_path, requirement, HOST)
    assert "hash" in caught.value.hint
    if kind in SIX:
        write(tmp_path, {"pinned.txt": f"six==1.17.0 --hash={kind}:{SIX[kind]}\n"})
        assert "six.py" in installed_layers(tmp_path, requirement, HOST)[0].files


def test_a_library_is_built_from_a_copy_without_what_earlier_builds_left(tmp_path: Path) -> None:
    project = '[project]\nname = "shelf"\nversion = "1"\n[tool.setuptools]\npackages = ["shelf"]\n'
    system = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    left = {"build/lib/shelf/old.py": "", "shelf.egg-info/SOURCES.txt": "shelf/old.py\n", ".venv/pyvenv.cfg": ""}
    write(
        tmp_path,
        {"shelf/pyproject.toml": project + system, "shelf/shelf/new.py": "", **{f"shelf/{k}": left[k] for k in left}},
    )
    write(tmp_path, {"common/shared.py": "SHARED = 1\n"})
    (tmp_path / "shelf" / "shelf" / "shared.py").symlink_to("../../common/shared.py")
    (tmp_path / "shelf" / "shelf" / "again.py").symlink_to("new.py")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "shelf").rglob("*")}
    layers = installed_layers(tmp_path, "./shelf\n", HOST)
    files = next(layer.files for layer in layers if "shelf" in layer.sizes)
    assert {name for name in files if name.startswith("shelf/")} == {
        "shelf/again.py",
        "shelf/new.py",
        "shelf/shared.py",
    }
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "shelf").rglob("*")} == before


def test_a_copied_library_has_no_hidden_folders(tmp_path: Path) -> None:
    write(tmp_path, {"shelf/pyproject.toml": "", "shelf/shelf/.cache/a": "", "shelf/.e2e/b": "", "shelf/.flags": ""})
    with libraries.copied(tmp_path / "shelf") as place:
        assert {path.name for path in place.rglob("*") if path.is_file()} == {"pyproject.toml", ".flags"}


def test_a_library_takes_its_version_and_what_it_ignores_from_git(tmp_path: Path) -> None:
    project = '[project]\nname = "shelf"\ndynamic = ["version"]\n[tool.hatch.version]\nsource = "vcs"\n'
    options = '[tool.hatch.version.raw-options]\nroot = ".."\nlocal_scheme = "no-local-version"\n'
    system = '[build-system]\nrequires = ["hatchling", "hatch-vcs"]\nbuild-backend = "hatchling.build"\n'
    write(tmp_path, {"tree/.gitignore": "*.secret\n", "tree/shelf/pyproject.toml": project + options + system})
    write(tmp_path, {"tree/shelf/shelf/__init__.py": "", "tree/shelf/shelf/a.secret": ""})
    tree = tmp_path / "tree"
    me = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "-q"], ["add", "."], [*me, "commit", "-qm", "x"], ["tag", "v3.4"]):
        subprocess.run(["git", *command], cwd=tree, check=True)
    layers = installed_layers(tmp_path, "./tree/shelf\n", HOST)
    files = next(layer.files for layer in layers if "shelf" in layer.sizes)
    assert "shelf/__init__.py" in files
    assert "shelf/a.secret" not in files
    assert any(name.startswith(("shelf-3.4", "shelf-3.5")) for name in files)
    assert not subprocess.run(["git", "status", "--porcelain"], cwd=tree, capture_output=True, check=True).stdout


def test_a_newer_python_than_the_running_one_needs_no_lock(tmp_path: Path) -> None:
    newer = lambda_platform("3.14", "arm64")
    build = f'[project]\nname = "shelf"\nversion = "1"\nrequires-python = ">=3.12"\n{BUILD_SYSTEM}'
    write(tmp_path, {"shelf/pyproject.toml": build, "shelf/shelf/__init__.py": ""})
    wheel(tmp_path, "django_pocket")
    project = (
        '[project]\nname = "site"\nversion = "1"\ndependencies = ["django-pocket", "shelf", "markupsafe==3.0.3"]\n'
    )
    sources = (
        '[tool.uv.sources]\ndjango-pocket = { path = "django_pocket-1-py3-none-any.whl" }\nshelf = { path = "shelf" }\n'
    )
    write(tmp_path, {"pyproject.toml": project + sources})
    layers = install(resolve(tmp_path, tmp_path / "pyproject.toml", newer), newer, None, tmp_path / "layers")
    files = {name for layer in layers for name in layer.files}
    assert "shelf/__init__.py" in files
    assert any("cpython-314" in name for name in files)


def test_an_edited_library_is_seen_and_nothing_else_is_installed_again(tmp_path: Path) -> None:
    requirement = library(tmp_path, "ANSWER = 1\n") + "six==1.17.0\n"
    first = installed_layers(tmp_path, requirement, HOST)
    before = {path.name: path.stat().st_ino for path in (tmp_path / "layers").iterdir()}
    library(tmp_path, "ANSWER = 2\n")
    second = installed_layers(tmp_path, requirement, HOST)
    after = {path.name: path.stat().st_ino for path in (tmp_path / "layers").iterdir()}

    def answer(layers: list[Layer]) -> str:
        return next(layer.files["shelf/__init__.py"].source.read_text() for layer in layers if "shelf" in layer.sizes)

    assert (answer(first), answer(second)) == ("ANSWER = 1\n", "ANSWER = 2\n")
    assert len(before) == 3
    assert before.items() < after.items()
    assert len(after) == 4


def test_layers_that_are_out_of_use_take_bounded_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocket.deploy.build.packages._KEPT_BYTES", 250_000)
    layers = tmp_path / "layers"
    for number, name in enumerate(["oldest", "older", "old"]):
        write(layers / name / "tree", {"x": "x" * 100_000})
        os.utime(layers / name, (number, number))
    installed_layers(tmp_path, "six==1.17.0\n", HOST)
    kept = {path.name for path in layers.iterdir()}
    assert {"old", "older"} < kept
    assert "oldest" not in kept
    assert len(kept) == 4, "the two in use stay, whatever their size"


def test_a_local_wheel_is_installed(tmp_path: Path) -> None:
    layers = installed_layers(tmp_path, wheel(tmp_path, "kept"), ARM)
    assert any("kept.py" in layer.files for layer in layers)


def test_a_library_that_does_not_build_shows_its_builders_output(tmp_path: Path) -> None:
    requirement = library(tmp_path, "")
    (tmp_path / "shelf" / "shelf" / "__init__.py").unlink()
    (tmp_path / "shelf" / "shelf").rmdir()
    with pytest.raises(BuildFailed, match="shelf") as caught:
        installed_layers(tmp_path, requirement, ARM)
    assert "has no wheel" not in str(caught.value)


def test_each_distributions_size_counts_its_bytecode(tmp_path: Path) -> None:
    (plain, _) = installed_layers(tmp_path, "six==1.17.0\n", HOST)
    (compiled, _) = installed_layers(tmp_path, "six==1.17.0\n", HOST, sys.executable)
    (pyc,) = (name for name in compiled.files if name.endswith(".pyc"))
    assert compiled.sizes["six"] - plain.sizes["six"] == compiled.files[pyc].size
    assert plain.sizes["six"] == sum(entry.size for entry in plain.files.values())


def test_bytecode_is_read_without_its_source_and_names_lambdas_folder(tmp_path: Path) -> None:
    write(tmp_path, {"a/module.py": "def fail():\n    raise ValueError\n", "a/broken.py": "def ("})
    assert bytecode.compile_tree(sys.executable, tmp_path) == ["a/broken.py"]
    (pyc,) = tmp_path.rglob("*.pyc")
    assert int.from_bytes(pyc.read_bytes()[4:8], "little") == 0b01, "unchecked-hash (PEP 552)"
    code = "import marshal, sys; print(marshal.loads(open(sys.argv[1], 'rb').read()[16:]).co_filename)"
    output = subprocess.run([sys.executable, "-c", code, pyc], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "/var/task/a/module.py"


def test_an_interpreter_has_the_wanted_version() -> None:
    assert bytecode.find_interpreter(naming.running_python()) == sys.executable
    assert bytecode.find_interpreter("3.6") is None


def test_lambdas_older_linux_gets_older_wheels() -> None:
    assert lambda_platform("3.11", "x86_64").uv == "x86_64-manylinux2014"
    assert lambda_platform("3.13", "arm64").uv == "aarch64-manylinux_2_34"


def test_the_tags_of_a_wheel_are_read_from_what_was_installed(tmp_path: Path) -> None:
    tags = "Wheel-Version: 1.0\nTag: cp313-cp313-manylinux_2_17_x86_64\nTag: cp313-cp313-manylinux2014_x86_64\n"
    write(tmp_path, {"Fast_Thing-1.0.dist-info/WHEEL": tags})
    found = installed.wheel_tags(tmp_path)
    assert found == {"fast-thing": ["cp313-cp313-manylinux_2_17_x86_64", "cp313-cp313-manylinux2014_x86_64"]}


class _Locked(SimpleHTTPRequestHandler):
    """A folder of wheels that only `deployer` with the password `hunter2` may read."""

    def do_GET(self) -> None:
        if self.headers.get("Authorization") == f"Basic {b64encode(b'deployer:hunter2').decode()}":
            super().do_GET()
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", "Basic realm=wheels")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815 - the name that the base class asks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def private_index(tmp_path: Path) -> Iterator[str]:
    """The host of an index that has one package, `kept`, and asks for a password."""
    (tmp_path / "index" / "simple" / "kept").mkdir(parents=True)
    wheel(tmp_path / "index" / "simple" / "kept", "kept")
    handler = partial(_Locked, directory=str(tmp_path / "index"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_private_index_is_used_and_its_password_is_not_stored(
    tmp_path: Path, private_index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INDEX_PASSWORD", "hunter2")
    address = f"http://deployer:${{INDEX_PASSWORD}}@{private_index}/simple"
    layers = installed_layers(tmp_path, f"--extra-index-url {address}\nkept\n", ARM)
    assert any("kept.py" in layer.files for layer in layers)
    written = [path.read_bytes() for path in (tmp_path / "layers").rglob("*") if path.is_file()]
    assert not [text for text in written if b"hunter2" in text]
