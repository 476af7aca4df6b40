"""What a Django project has, read from its source without running it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pocket.config import manage_file
from pocket.config.name_formats import slug
from pocket.errors import ConfigError
from pocket.scaffold import tree
from pocket.scaffold.variables import Required

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SKIPPED = {"node_modules", "site-packages", "tests", "docs"}
_PRODUCTION = ("production", "prod", "prd")
_API_CALLS = {"FastAPI", "create_app"}


@dataclass(frozen=True)
class Survey:
    """The facts that decide what `pocket init` writes.

    `settings_module` is the dotted path of the module that functions use, in the file `settings`; `other_settings` says
    that `manage.py` uses another. `bound` maps each name that the module, and those that it imports with a star, bind
    outside of functions to its values, in source order. `modules` are the trees of all these modules. `api` is the
    FastAPI application as `module:attribute`.
    """

    directory: Path
    settings_module: str
    settings: Path
    other_settings: bool
    bound: Mapping[str, Sequence[ast.expr]]
    api: str | None
    has_home: bool
    modules: Sequence[ast.Module] = ()

    @property
    def project_name(self) -> str:
        """The directory's name in the form that names of resources have."""
        return slug(self.directory.name) or "project"

    @property
    def secret_key(self) -> str:
        """The environment variable that the settings read SECRET_KEY from; SECRET_KEY if they read none."""
        return next(self._secret_keys(), "SECRET_KEY")

    @property
    def reads_secret_key(self) -> bool:
        """Whether the settings read SECRET_KEY from the environment."""
        return any(self._secret_keys())

    @property
    def has_static_files(self) -> bool:
        """Whether the project has `django.contrib.staticfiles`."""
        return "STATIC_URL" in self.bound or "django.contrib.staticfiles" in set(self._strings("INSTALLED_APPS"))

    @property
    def has_another_database(self) -> bool:
        """Whether the settings name a server that is not PostgreSQL; SQLite is a laptop's."""
        return any(re.search("mysql|mariadb|oracle|mssql", text) for text in self._strings("DATABASES"))

    @property
    def prints_mail(self) -> bool:
        """Whether the settings have Django's console backend for mail, which check mail.E001 refuses."""
        return any(
            text == "django.core.mail.backends.console.EmailBackend"
            for name in ("MAILERS", "EMAIL_BACKEND")
            for text in self._strings(name)
        )

    @property
    def python(self) -> str | None:
        """The minor version of the project's Python, by `.python-version` or a virtual environment in the folder."""
        for name in (".python-version", ".venv/pyvenv.cfg", "venv/pyvenv.cfg"):
            file = self.directory / name
            pattern = r"(?m)^(?:version(?:_info)? *= *)?(?:cpython-)?(3\.\d+)"
            if file.is_file() and (found := re.search(pattern, tree.text(file))):
                return found[1]
        return None

    @property
    def requirements(self) -> str | None:
        """The file to install from, relative to the folder, if it is not one that Pocket finds by itself."""
        if any((self.directory / name).is_file() for name in ("uv.lock", "requirements.txt", "pyproject.toml")):
            return None
        names = [f"requirements/{name}.txt" for name in (*_PRODUCTION, "base")]
        return next((name for name in names if (self.directory / name).is_file()), None)

    @property
    def required(self) -> Required:
        """The variables without which the settings do not start, other than those of SECRET_KEY and the database."""
        names = ["STORAGES", *([] if self.has_another_database else ["DATABASES"])]
        replaced = [value for name in names for value in self.bound.get(name, ())]
        return Required(self.modules, replaced, {self.secret_key, "DATABASE_URL", "DJANGO_SETTINGS_MODULE"})

    def _secret_keys(self) -> Iterator[str]:
        yield from filter(None, map(_variable_in, self.bound.get("SECRET_KEY", ())))

    def _strings(self, name: str) -> Iterator[str]:
        nodes = (node for value in self.bound.get(name, ()) for node in ast.walk(value))
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def survey(directory: Path) -> Survey:
    """The facts about the project in `directory`.

    Raises ConfigError if it has no manage.py with a settings module, or if that module is not below the directory.
    """
    manage = directory / "manage.py"
    if not manage.is_file():
        raise ConfigError(
            f"There is no manage.py in {directory}.",
            "Run pocket init in the folder of a Django project. To create one: django-admin startproject config .",
        )
    of_manage = manage_file.settings_module_of(manage)
    if of_manage is None:
        raise ConfigError(
            "manage.py does not set DJANGO_SETTINGS_MODULE.",
            'Add os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings") to its main().',
            file=manage,
        )
    module = _deployed(directory, of_manage)
    path = _path_of(directory, module)
    if path is None:
        raise ConfigError(
            f'manage.py names the settings module "{module}", which is not in {directory}.',
            "Correct DJANGO_SETTINGS_MODULE in manage.py.",
            file=manage,
        )
    bound: dict[str, list[ast.expr]] = {}
    for name, value in _bound(directory, module, path, frozenset()):
        bound.setdefault(name, []).append(value)
    return Survey(
        directory=directory,
        settings_module=module,
        settings=path,
        other_settings=module != of_manage,
        bound=bound,
        api=_api(directory),
        has_home=_has_home(directory, bound.get("ROOT_URLCONF", ())),
        modules=tuple(_modules(directory, module, path, set())),
    )


def _variable_in(value: ast.expr) -> str | None:
    """The environment variable that an expression reads, such as `env("X")`, `config("X")` or `os.environ["X"]`."""
    match value:
        case ast.Call(func=ast.Name() | ast.Attribute(), args=[ast.Constant(value=str(name)), *_]):
            return name if re.fullmatch(r"[A-Z][A-Z0-9_]+", name) else None
        case ast.Subscript(value=ast.Attribute(attr="environ"), slice=ast.Constant(value=str(name))):
            return name
    return None


def _deployed(directory: Path, of_manage: str) -> str:
    """The module for the stages: that of `wsgi.py` if it differs, else a sibling with a name of production's."""
    package, _, _ = of_manage.partition(".")
    for place in (directory / package / "wsgi.py", directory / "config" / "wsgi.py", directory / "wsgi.py"):
        found = manage_file.settings_module_of(place) if place.is_file() else None
        if found and found != of_manage and _path_of(directory, found) is not None:
            return found
    siblings = (f"{of_manage.rpartition('.')[0]}.{name}" for name in _PRODUCTION)
    return next((module for module in siblings if _path_of(directory, module) is not None), of_manage)


def _path_of(directory: Path, module: str) -> Path | None:
    base = directory.joinpath(*module.split("."))
    candidates = (base.with_name(f"{base.name}.py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _bound(directory: Path, module: str, path: Path, seen: frozenset[Path]) -> Iterator[tuple[str, ast.expr]]:
    """Each assignment outside of functions, in the order in which the modules run; conditions are not evaluated."""
    parsed = tree.parse(path)
    for node in tree.statements(parsed) if parsed is not None and path not in seen else ():
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                yield name, value
            case ast.ImportFrom():
                for imported, there in _stars(directory, module, path, node):
                    yield from _bound(directory, imported, there, seen | {path})


def _modules(directory: Path, module: str, path: Path, seen: set[Path]) -> Iterator[ast.Module]:
    """The trees of the module and of those that it imports with a star, each once."""
    parsed = tree.parse(path)
    if parsed is None or path in seen:
        return
    seen.add(path)
    yield parsed
    for node in tree.statements(parsed):
        for name, there in _stars(directory, module, path, node):
            yield from _modules(directory, name, there, seen)


def _stars(directory: Path, module: str, path: Path, node: ast.stmt) -> Iterator[tuple[str, Path]]:
    """The module of the project, with its file, from which a statement of `module` imports with a star."""
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        imported = _imported(node, module if path.name == "__init__.py" else module.rpartition(".")[0])
        if (there := _path_of(directory, imported)) is not None:
            yield imported, there


def _imported(node: ast.ImportFrom, package: str) -> str:
    if node.level == 0:
        return node.module or ""
    parts = package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _api(directory: Path) -> str | None:
    """The first `NAME = FastAPI(...)` or `create_app(...)` at a module's top level, as `module:NAME`."""
    for path in sorted(directory.rglob("*.py")):
        parts = path.relative_to(directory).parts
        if any(part.startswith(".") or part in _SKIPPED for part in parts) or "pyvenv.cfg" in parts:
            continue
        if b"fastapi" not in path.read_bytes():
            continue
        parsed = tree.parse(path)
        for node in parsed.body if parsed is not None else ():
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=function)):
                    called = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
                    if called in _API_CALLS:
                        return f"{tree.dotted(parts)}:{name}"
    return None


def _has_home(directory: Path, urls: Sequence[ast.expr]) -> bool:
    """Whether the root URLconf has a pattern for `/`; true where that cannot be read."""
    name = urls[-1].value if urls and isinstance(urls[-1], ast.Constant) else None
    path = _path_of(directory, name) if isinstance(name, str) else None
    parsed = tree.parse(path) if path is not None else None
    if parsed is None:
        return True
    calls = [node for node in ast.walk(parsed) if isinstance(node, ast.Call) and node.args]
    routes = [
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id in {"path", "re_path", "url"}
        and isinstance(call.args[0], ast.Constant)
    ]
    return not routes or any(route in {"", "^", "^$", r"^\Z"} for route in routes)
