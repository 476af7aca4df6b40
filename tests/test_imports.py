"""The table of rooms: which room may import which, in imports and in strings."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "pocket"

PARTS = {
    "doctor.report": ("doctor/report/",),
    "app": (
        "django/apps.py",
        "django/checks/api.py",
        "django/checks/registration.py",
        "django/checks/report.py",
        "django/management/",
    ),
}
"""Rooms inside of another room's folder: the report is read without Django, the app composes what the others offer."""

ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "naming": {"errors"},
    "manifest": {"errors"},
    "bundle": set(),
    "definitions": set(),
    "probe": set(),
    "check_issues": {"errors"},
    "isolation": {"errors"},
    "uv_program": {"errors"},
    "work_folder": set(),
    "lambda_http": {"errors"},
    "doctor.report": {"errors", "work_folder"},
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
        "check_issues",
        "runtime",
        "lambda_http",
        "asgi",
    },
    "fastapi": {"errors", "naming", "manifest", "runtime", "lambda_http", "asgi", "django"},
    "doctor": {"errors", "naming", "probe", "doctor.report", "django", "fastapi"},
    "jobs": {"errors", "naming", "runtime", "django"},
    "app": {"errors", "check_issues", "runtime", "django", "fastapi", "doctor", "doctor.report"},
    "deploy": {
        "errors",
        "naming",
        "check_issues",
        "isolation",
        "uv_program",
        "work_folder",
        "manifest",
        "bundle",
        "definitions",
        "probe",
        "config",
        "doctor.report",
    },
    "local": {"errors", "naming", "isolation", "uv_program", "work_folder", "config"},
    "scaffold": {"errors", "naming", "config"},
    "cli": {
        "errors",
        "naming",
        "check_issues",
        "work_folder",
        "config",
        "deploy",
        "local",
        "scaffold",
        "doctor.report",
    },
    "__main__": {"cli"},
}
ALLOWED_IN_FUNCTIONS = {"django": {"config"}, "runtime": set()}
FOLDERS_OF_DEPLOY = ("target", "reporting", "aws", "build", "template", "stacks", "gates", "releases", "operate")
"""From the ground: each imports only those before it."""

THIRD_PARTY_ROOMS = {
    "boto3": {"deploy"},
    "botocore": {"deploy"},
    "django": {"django", "fastapi", "jobs", "doctor", "app"},
    "asgiref": {"django", "fastapi"},
    "fastapi": {"fastapi"},
    "starlette": {"fastapi"},
    "pydantic": {"config", "fastapi"},
}
ANOTHER_PROCESS = {
    "deploy/build/static.py": {"pocket.django.collectstatic"},
    "deploy/gates/system_checks.py": {"pocket.django.checks.report"},
    "deploy/operate/doctor.py": {"pocket.doctor"},
    "deploy/releases/plan.py": {"pocket.django.schema_changes.report"},
    "deploy/operate/migration.py": {"pocket.django.schema_changes.here"},
}
"""What a module runs as `python -m NAME`, in the project's own Python: `deploy` itself never imports Django."""
HANDLER_PATHS = re.compile(r"pocket\.(django|fastapi)\.lambda_handlers\.\w+")
"""The handlers' paths, which `naming` spells for `pocket.toml` and for Lambda's runtime: it imports none of them."""
WORDS = {
    "doctor/report/advice.py": {"pocket.config"},  # the name of an import that a report lists
    "doctor/serving.py": {"pocket.config"},  # whether the project's settings imported it
    "django/checks/caches.py": {"pocket.fastapi.cached_query"},  # a name that the project's source is searched for
    "django/orm/notifying.py": {"pocket.fastapi", "pocket.fastapi.refresh"},  # the API's logger, a signature's salt
    "django/orm/relations.py": {"pocket.fastapi"},  # the API's logger
    "naming.py": {"pocket.manifest.json", "pocket.django.databases.iam"},  # a file, and an ENGINE that Django imports
    "runtime/loggers.py": {"pocket.fastapi"},  # a logger
}
"""Strings that only look like a module's name."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    place = path.relative_to(PACKAGE).as_posix()
    for room, parts in PARTS.items():
        if place.startswith(parts):
            return room
    return place.partition("/")[0].removesuffix(".py")


def target_of(name: str) -> str:
    """The room of the longest beginning of the dotted `name` that is a module; empty where only `pocket` is one."""
    parts = name.split(".")[1:]
    while parts:
        place = PACKAGE.joinpath(*parts)
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return room_of(file)
        parts.pop()
    return ""


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


def strings(path: Path) -> Iterator[str]:
    """Each string of `path`, docstrings excluded, that is or begins with a dotted name below `pocket`."""
    tree = ast.parse(path.read_text())
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            name = re.match(r"pocket(\.\w+)+(?=\.?$)", node.value)
            if name:
                yield name[0]


def allowed_in(room: str, *, lazy: bool) -> set[str]:
    return ALLOWED[room] | {room} | (ALLOWED_IN_FUNCTIONS.get(room, set()) if lazy else set())


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_room_imports_only_what_the_table_allows(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        assert not list(imports(path))
        return
    for name, lazy in imports(path):
        parts = name.split(".")
        if parts[0] == "pocket":
            assert target_of(name) in allowed_in(room, lazy=lazy), f"{path.relative_to(PACKAGE)} imports {name}"
        elif parts[0] in THIRD_PARTY_ROOMS:
            assert room in THIRD_PARTY_ROOMS[parts[0]], f"{path.relative_to(PACKAGE)} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_room_names_only_modules_that_the_table_allows(path: Path) -> None:
    place = path.relative_to(PACKAGE).as_posix()
    listed = ANOTHER_PROCESS.get(place, set()) | WORDS.get(place, set())
    for name in strings(path):
        if name in listed or (place == "naming.py" and HANDLER_PATHS.fullmatch(name)):
            continue
        assert target_of(name) in {"", *allowed_in(room_of(path), lazy=True)}, f"{place} names {name}"


def test_every_listed_string_is_used() -> None:
    for place, names in [*ANOTHER_PROCESS.items(), *WORDS.items()]:
        assert names <= set(strings(PACKAGE / place)), place


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
