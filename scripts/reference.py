"""Writes the reference pages that come from the code: `python scripts/reference.py`; a test holds them up to date."""

from __future__ import annotations

import ast
import json
import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

import pocket.fastapi
from pocket import naming
from pocket.cli.app import app
from pocket.config import load
from pocket.deploy.template.deployer import deployer_policy

REPOSITORY = Path(__file__).parent.parent
DOCS = REPOSITORY / "docs" / "reference"


def command_page() -> str:
    """The page of the `pocket` command: each subcommand's help as a terminal of 80 columns shows it."""
    group = typer.main.get_command(app)
    lines = ["# The `pocket` command", "", "Written by `scripts/reference.py` from the command's own help.", ""]
    context = typer.Context(group, info_name="pocket", terminal_width=80)
    lines += helps(group, context, "pocket")
    lines += [
        "## Exit status",
        "",
        "| Status | Means |",
        "|---|---|",
        "| 0 | Done; also `pocket local` ended by Ctrl-C |",
        "| 1 | Failed: the message says what, the hint what to do |",
        "| 2 | Misused: an unknown option, a missing argument; of `pocket plan`: there are changes |",
        "| 130 | Interrupted before it was done |",
        "",
        "`pocket manage` exits with the status of the management command.",
        "",
        "Values go to standard output, everything else to standard error.",
    ]
    return "\n".join(lines) + "\n"


def helps(group: Any, context: typer.Context, path: str) -> list[str]:
    """A section for each command of the group, those of its groups included."""
    lines = []
    for name, command in group.commands.items():
        inner = typer.Context(command, info_name=name, parent=context, terminal_width=80)
        if hasattr(command, "commands"):
            lines += helps(command, inner, f"{path} {name}")
        else:
            lines += [f"## {path} {name}", "", "```text", command.get_help(inner).rstrip(), "```", ""]
    return lines


def handler_table() -> str:
    """Pocket's own handlers as a table: what each one does and which keys it takes."""
    rows = ["| `command` | Does | Takes |", "|---|---|---|"]
    for command, kind in naming.HANDLERS.items():
        takes = " or ".join(f"`{front}`" for front in sorted(kind.fronts))
        rows.append(f"| `{command}` | {kind.summary} | {takes} |")
    return "\n".join(rows)


def room_table() -> str:
    """The rooms below `src/pocket`: what each one does, by its docstring, and what it may import, by the test."""
    table = runpy.run_path(str(REPOSITORY / "tests" / "test_imports.py"))
    rows = ["| Room | Does | Imports |", "|---|---|---|"]
    for room, others in table["ALLOWED"].items():
        source = REPOSITORY / "src" / "pocket" / table["PARTS"].get(room, [room])[0]
        file = source / "__init__.py" if source.is_dir() else source.with_suffix(".py")
        does = (ast.get_docstring(ast.parse(file.read_text())) or "").split("\n\n")[0].replace("\n", " ")
        rows.append(f"| `{room}` | {does} | {', '.join(f'`{other}`' for other in sorted(others)) or 'nothing'} |")
    return "\n".join(rows)


def deployer_policy_of_the_example() -> str:
    """The policy that `pocket permissions` prints for the example's stage `dev`, with a boundary."""
    stage = load(REPOSITORY / "examples" / "board" / "pocket.toml").stage("dev")
    if stage.awscontainer is None:
        raise SystemExit("The example has no [awscontainer].")
    container = stage.awscontainer.model_copy(
        update={"permissions_boundary": f"arn:aws:iam::123456789012:policy/{stage.stack_name}-boundary"}
    )
    policy = deployer_policy(replace(stage, awscontainer=container))
    return f"```json\n{json.dumps(policy, indent=2)}\n```"


def names_page() -> str:
    """The page of `pocket.fastapi` and `pocket.asgi`: each public name with its signature and its docstring."""
    lines = [
        "# FastAPI in Python",
        "",
        "What a project imports from `pocket.fastapi` and `pocket.asgi`; written by `scripts/reference.py` from",
        "signatures and docstrings. The guide is [FastAPI beside Django](../guides/fastapi.md).",
        "",
        "## pocket.fastapi",
        "",
    ]
    for name in pocket.fastapi.__all__:
        module = pocket.fastapi.MODULES[name]
        lines += described(module, name)
        if name == "cached_query":
            lines += described(module, "CachedQuery")
    lines += ["## pocket.asgi", "", *described("pocket.asgi.handler", "make_handler")]
    return "\n".join([*lines, *described("pocket.asgi.handler", "Handler")]).rstrip() + "\n"


def described(module: str, name: str) -> list[str]:
    """A section for a function, or for a class with its public methods, as the module's source has them."""
    tree = ast.parse((REPOSITORY / "src" / f"{module.replace('.', '/')}.py").read_text())
    found = next(node for node in tree.body if getattr(node, "name", None) == name)
    methods = [node for node in getattr(found, "body", ()) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    if not isinstance(found, ast.ClassDef):
        return [f"### {name}", "", *signed(found, name)]
    bases = ", ".join(base for base in map(ast.unparse, found.bases) if not base.startswith("_"))
    lines = [f"### {name}", "", "```python", f"class {name}({bases})" if bases else f"class {name}", "```", ""]
    lines += [ast.get_docstring(found) or "", ""]
    for method in methods:
        if method.name == "__call__" or not method.name.startswith("_"):
            lines += signed(method, f"{name}.{method.name}")
    return lines


def signed(function: Any, name: str) -> list[str]:
    """The signature of a function and its docstring."""
    begin = "await " if isinstance(function, ast.AsyncFunctionDef) else ""
    arguments = ast.unparse(function.args).removeprefix("self, ").removeprefix("self")
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return ["```python", f"{begin}{name}({arguments}){returns}", "```", "", ast.get_docstring(function) or "", ""]


def with_section(page: Path, name: str, text: str) -> str:
    """The page with `text` between its comments `NAME` and `/NAME`, which a person leaves in place."""
    begin, end = f"<!-- {name}: written by scripts/reference.py -->\n", f"<!-- /{name} -->"
    before, found, rest = page.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{page.name} has no section between {begin.strip()!r} and {end!r}.")
    return f"{before}{begin}{text}\n{end}{after}"


def pages() -> dict[Path, str]:
    """Each generated page's path and what it must hold."""
    file_page = DOCS / "pocket-toml.md"
    deployer_page = DOCS / "deployer-permissions.md"
    map_page = REPOSITORY / "docs" / "contributing" / "architecture.md"
    return {
        DOCS / "cli.md": command_page(),
        DOCS / "fastapi.md": names_page(),
        file_page: with_section(file_page, "handlers", handler_table()),
        deployer_page: with_section(deployer_page, "policy", deployer_policy_of_the_example()),
        map_page: with_section(map_page, "rooms", room_table()),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
