"""Every name in the specification and the reference exists, with the documented arguments."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest
from fresh import evaluate, write_settings

PAGE = (Path(__file__).parent.parent / "docs" / "reference" / "python-api.md").read_text()


def documented() -> list[tuple[str, str, str | None]]:
    """Module, name and, for a function, its arguments, from the page's headings."""
    found = []
    module = ""
    for level, heading in re.findall(r"^(##+) (.+)$", PAGE, re.MULTILINE):
        if level == "##":
            module = heading
        elif module.startswith("pocket."):
            match = re.fullmatch(r"`(\w+)(?:\((.*)\))?`", heading)
            assert match is not None, heading
            found.append((module, match[1], match[2]))
    return found


@pytest.mark.parametrize(("module", "name", "arguments"), documented(), ids=str)
def test_documented_name_exists(module: str, name: str, arguments: str | None) -> None:
    imported = importlib.import_module(module)
    if module == "pocket.django.lambda_handlers":
        assert name in imported.__all__
        return
    value = getattr(imported, name)
    if arguments is None:
        return
    given = []
    for parameter in inspect.signature(value).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in given:
            given.append("*")
        given.append(
            parameter.name if parameter.default is parameter.empty else f"{parameter.name}={parameter.default!r}"
        )
    assert ", ".join(given).replace("'", '"') == arguments


def test_reference_has_every_handler() -> None:
    handlers = importlib.import_module("pocket.django.lambda_handlers").__all__
    assert {name for module, name, _ in documented() if module == "pocket.django.lambda_handlers"} == set(handlers)


FASTAPI = {
    *("ModelSchema", "Router", "add_refresh", "cached_query", "combine", "create_app", "current_user", "handle_errors"),
    *("mirrors", "notify", "orm", "require_permission", "require_user", "schema", "setup", "watch"),
}


def test_what_fastapi_beside_django_offers(tmp_path: Path) -> None:
    """The names that a project imports; each is there, and the reference tells of it."""
    import pocket.asgi
    import pocket.fastapi

    assert set(pocket.fastapi.__all__) == set(pocket.fastapi.MODULES) == FASTAPI
    assert pocket.asgi.__all__ == ["make_handler"]
    page = (Path(__file__).parent.parent / "docs" / "reference" / "fastapi.md").read_text()
    names = re.findall(r"^### (\w+)$", page, re.MULTILINE)
    assert set(names) == FASTAPI | {"CachedQuery", "make_handler", "Handler"}
    code = "import pocket.fastapi\nresult = [str(getattr(pocket.fastapi, name)) for name in pocket.fastapi.__all__]"
    environ = write_settings(
        tmp_path, 'SECRET_KEY = "x"\nINSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]\n'
    )
    assert len(evaluate(f"import django; django.setup()\n{code}", tmp_path, environ)) == len(FASTAPI)
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = pocket.fastapi.nothing
