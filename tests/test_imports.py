"""The table of rooms: which room may import which."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "pocket"

ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "naming": {"errors"},
    "manifest": {"errors"},
    "bundle": set(),
    "definitions": set(),
    "probe": set(),
    "check_ids": {"errors"},
    "isolation": {"errors"},
    "work_folder": set(),
    "lambda_http": {"errors"},
    "diagnosis": {"errors", "work_folder"},
    "config": {"errors", "naming", "manifest"},
    "runtime": {"errors", "naming", "manifest", "lambda_http"},
    "asgi": {"errors", "naming", "manifest", "lambda_http", "runtime"},
    "django": {
        "errors",
        "naming",
        "manifest",
        "bundle",
        "definitions",
        "probe",
        "check_ids",
        "runtime",
        "lambda_http",
        "asgi",
        "diagnosis",
    },
    "fastapi": {"errors", "naming", "manifest", "runtime", "lambda_http", "asgi", "django"},
    "deploy": {
        "errors",
        "naming",
        "isolation",
        "work_folder",
        "manifest",
        "bundle",
        "definitions",
        "probe",
        "config",
        "diagnosis",
    },
    "local": {"errors", "naming", "isolation", "work_folder", "config"},
    "cli": {"errors", "naming", "check_ids", "config", "deploy", "local", "diagnosis"},
    "__main__": {"cli"},
}
ALLOWED_IN_FUNCTIONS = {"django": {"config"}, "runtime": set()}
FOLDERS_OF_DEPLOY = ("target", "reporting", "aws", "build", "template", "stacks", "gates", "releases", "operate")
"""From the ground: each imports only those before it."""

THIRD_PARTY_ROOMS = {
    "boto3": {"deploy"},
    "botocore": {"deploy"},
    "django": {"django", "fastapi"},
    "asgiref": {"django", "fastapi"},
    "fastapi": {"fastapi"},
    "starlette": {"fastapi"},
    "pydantic": {"config", "fastapi"},
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Each absolute module name that `path` imports, and whether it does so inside a function or for types only."""
    tree = ast.parse(path.read_text())
    lazy: set[ast.AST] = set()
    for node in ast.walk(tree):
        typing_only = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        if typing_only or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lazy.update(ast.walk(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node in lazy
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node in lazy


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_room_imports_only_what_the_table_allows(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        assert not list(imports(path))
        return
    for name, lazy in imports(path):
        parts = name.split(".")
        if parts[0] == "pocket":
            target = parts[1]
            allowed = ALLOWED[room] | {room} | (ALLOWED_IN_FUNCTIONS.get(room, set()) if lazy else set())
            assert target in allowed, f"{path.relative_to(PACKAGE)} imports {name}"
        elif parts[0] in THIRD_PARTY_ROOMS:
            assert room in THIRD_PARTY_ROOMS[parts[0]], f"{path.relative_to(PACKAGE)} imports {name}"


def test_table_has_every_room() -> None:
    rooms = {room_of(path) for path in modules()} - {"__init__"}
    assert rooms <= ALLOWED.keys()


def test_a_folder_of_deploy_imports_only_the_folders_below_it() -> None:
    places = {name: place for place, name in enumerate(FOLDERS_OF_DEPLOY)}
    for path in (PACKAGE / "deploy").rglob("*.py"):
        own = path.relative_to(PACKAGE / "deploy").parts[0].removesuffix(".py")
        for name, _ in imports(path):
            if name.startswith("pocket.deploy."):
                folder = name.split(".")[2]
                assert folder == own or places[folder] < places[own], f"{path.relative_to(PACKAGE)} imports {name}"


def test_no_modules_of_deploy_import_each_other_in_a_circle() -> None:
    dotted = {path: ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in modules()}
    names = {path: name.removesuffix(".__init__") for path, name in dotted.items()}
    known = {name for name in names.values() if name.startswith("pocket.deploy.")}
    needed = {
        name: {found for imported, _ in imports(path) for found in (imported, imported.rpartition(".")[0])} & known
        for path, name in names.items()
        if name in known
    }
    TopologicalSorter(needed).prepare()
