"""Modules imported from a bundle are the same as without a bundle."""

from __future__ import annotations

import py_compile
from pathlib import Path

import pytest
from fresh import evaluate, run

from pocket import bundle
from pocket.naming import MODULES_FILES

FILES = {
    "board/__init__.py": "from board.views import page\nimport importlib.resources as r\n",
    "board/views.py": "from . import texts\ndef page():\n    return texts.TITLE\ndef fail():\n    raise ValueError\n",
    "board/texts.py": "TITLE = 'a title'\n",
    "board/data/__init__.py": "Y = 2\n",
    "plain.py": "X = 1\n",
}
LOOK = """
import importlib, importlib.resources, importlib.util, inspect, pkgutil, sys, traceback
def look(name):
    module = importlib.import_module(name)
    spec = module.__spec__
    return {
        "name": module.__name__, "file": module.__file__, "package": module.__package__,
        "path": list(getattr(module, "__path__", [])), "cached": spec.cached, "origin": spec.origin,
        "located": spec.has_location, "parent": spec.parent, "source": inspect.getsource(module),
        "code": spec.loader.get_code(name).co_filename, "is_package": spec.loader.is_package(name),
    }
import board.views
try:
    board.views.fail()
except ValueError as error:
    trace = traceback.format_exception(error)
result = {
    "modules": [look(name) for name in ("board", "board.views", "board.texts", "board.data", "plain")],
    "page": board.page(),
    "trace": trace[-2:],
    "below": sorted(item.name for item in pkgutil.iter_modules(board.__path__)),
    "resource": importlib.resources.files("board.data").joinpath("text.txt").read_text(),
    "missing": importlib.util.find_spec("board.nothing") is None,
}
"""


def write(directory: Path) -> dict[str, bytes]:
    """Writes the modules below `directory`; returns their bytecode by path."""
    found = {}
    for name, text in FILES.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        compiled = py_compile.compile(str(path), doraise=True, dfile=f"/var/task/{name}")
        found[name] = Path(compiled).read_bytes()
    (directory / "board" / "data" / "text.txt").write_text("data")
    return found


def test_modules_are_the_same_as_without_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "bundle").write_bytes(bundle.encode(write(tmp_path)))
    install = f"""
import sys
from pocket.bundle import install
assert install({str(tmp_path / "bundle")!r}, {str(tmp_path)!r})
"""
    check = "\nassert type(sys.modules['board.texts'].__spec__.loader).__name__ == '_Loader'\n"
    found = evaluate(f"{install}{LOOK}{check}", tmp_path)
    assert found == evaluate(LOOK, tmp_path)
    assert found["page"] == "a title"


def test_equal_modules_give_equal_bytes(tmp_path: Path) -> None:
    modules = write(tmp_path)
    assert bundle.encode(modules) == bundle.encode(dict(reversed(modules.items())))


def test_bytecode_of_two_python_versions_is_refused() -> None:
    with pytest.raises(ValueError, match="got 2 versions"):
        bundle.encode({"a.py": b"one\n" + bytes(20), "b.py": b"two\n" + bytes(20)})
    with pytest.raises(ValueError, match="got 0 versions"):
        bundle.encode({})


@pytest.mark.parametrize("content", [None, b"", b"\0" * 8, b"PK\3\4 something else"])
def test_unreadable_bundle_is_not_installed(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bundle"
    if content is not None:
        path.write_bytes(content)
    assert not bundle.install(str(path), str(tmp_path))


def test_bundle_of_another_python_is_not_installed(tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    path.write_bytes(bundle.encode({"a.py": b"odd\n" + bytes(20)}))
    assert not bundle.install(str(path), str(tmp_path))


def test_handler_imports_from_the_artifacts_bundles(tmp_path: Path) -> None:
    modules = write(tmp_path)
    packages = {name: pyc for name, pyc in modules.items() if name.startswith("board/data")}
    bundled = dict(zip(MODULES_FILES, (packages, {"plain.py": modules["plain.py"]}, modules), strict=True))
    for name, chosen in bundled.items():
        (tmp_path / name).write_bytes(bundle.encode(chosen))
    used = "[board.__spec__, data.__spec__, plain.__spec__]"
    (tmp_path / "settings.py").write_text(
        f"import board, plain\nfrom board import data\nSECRET_KEY = 'x'\nUSED = {used}\n"
    )
    code = """
from pocket.django.lambda_handlers import management_command_handler
from django.conf import settings
assert {type(spec.loader).__name__ for spec in settings.USED} == {"_Loader"}
"""
    environ = {"LAMBDA_TASK_ROOT": str(tmp_path), "DJANGO_SETTINGS_MODULE": "settings"}
    done = run(code, tmp_path, environ)
    assert done.returncode == 0, done.stderr
