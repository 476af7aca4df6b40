import sys
from pathlib import Path

import pytest
from tiny_project import Recorder, write

from pocket.deploy.build import archive, bytecode, trimming, unread
from pocket.deploy.build.packages import Layer

PACKAGE = {"shop/__init__.py": "", "shop/cart/__init__.py": "", "shop/cart/tests/__init__.py": ""}
TESTS = {**PACKAGE, "shop/cart/tests/test_cart.py": "", "shop/cart/tests/data.json": "", "shop/cart/tests/urls.py": ""}


def layer(folder: Path, files: dict[str, str], owner: str = "shop") -> Layer:
    write(folder, files)
    found = archive.scan(folder)
    mentions = unread.mentions({name: entry.source for name, entry in found.items()})
    return Layer(found, dict.fromkeys(found, owner), frozenset(mentions))


def kept(folder: Path, files: dict[str, str], own: dict[str, str] | None = None, *exclude: str) -> set[str]:
    packages = layer(folder / "packages", files)
    write(folder / "own", own or {})
    (found,) = trimming.trim([packages], archive.scan(folder / "own"), exclude, Recorder())
    return set(found.files)


@pytest.mark.parametrize(
    ("out", "stays"),
    [
        ("locale/de/django.po", "locale/de/django.mo"),
        ("static/app.js.map", "static/app.js"),
        ("fast.c", "fast.so"),
        ("include/fast.h", "fast.so"),
        ("static/theme.scss", "static/theme.css"),
    ],
)
def test_what_functions_do_not_read_stays_out_of_packages(tmp_path: Path, out: str, stays: str) -> None:
    files = {"shop/__init__.py": "", f"shop/{out}": "x", f"shop/{stays}": "x"}
    assert kept(tmp_path, files) == {"shop/__init__.py", f"shop/{stays}"}


@pytest.mark.parametrize(
    "files",
    [
        {"shop/locale/de/django.po": ""},
        {"shop/regions.map": ""},
        {"shop/decl.h": "", "shop/ffi.py": "ffi.cdef((folder / 'decl.h').read_text())"},
        {"shop/theme.scss": "", "shop/styles.py": 'SOURCE = "theme.scss"'},
    ],
)
def test_what_may_be_read_stays(tmp_path: Path, files: dict[str, str]) -> None:
    assert kept(tmp_path, files) == set(files)


def test_styles_stay_where_something_compiles_them(tmp_path: Path) -> None:
    styles = layer(tmp_path / "a", {"shop/theme.scss": ""})
    compiler = layer(tmp_path / "b", {"sass.py": ""}, owner="libsass")
    assert "shop/theme.scss" in trimming.trim([styles, compiler], {}, (), Recorder())[0].files


def test_what_imports_something_else_keeps_no_tests(tmp_path: Path) -> None:
    others = {"shop/x.py": "from .cart import (\n    items,\n)\nfrom .cart import tests_of_stock\n"}
    others |= {"shop/conftest.py": "FOLDER = 'tests'", "shop/y.py": '"""What tests find."""\n'}
    assert kept(tmp_path, {**TESTS, **others}) == {"shop/__init__.py", "shop/cart/__init__.py", *others}


def test_tests_of_packages_stay_out(tmp_path: Path) -> None:
    assert kept(tmp_path, {**TESTS, "tests/test_stray.py": "", "shop/tests.py": ""}) == {
        *("shop/__init__.py", "shop/cart/__init__.py", "tests/test_stray.py", "shop/tests.py"),
    }


@pytest.mark.parametrize(
    ("own", "theirs"),
    [
        ({"settings.py": 'INSTALLED_APPS = ["shop.cart.tests"]'}, {}),
        ({"app/urls.py": "from shop.cart.tests import urls"}, {}),
        ({"app/urls.py": "import os, shop.cart.tests.urls as urls"}, {}),
        ({}, {"shop/x.py": "from .cart.tests.urls import y"}),
        ({}, {"shop/cart/x.py": "from . import (\n    tests,\n)"}),
        ({}, {"shop/cart/sub/x.py": "    from ..tests import urls"}),
        ({}, {"shop/x.py": "DATA = Path(__file__).parent / 'cart' / 'tests' / 'data.json'"}),
        ({}, {"shop-1.dist-info/entry_points.txt": "[x]\ny = shop.cart.tests.urls:z"}),
    ],
)
def test_tests_that_something_imports_stay(tmp_path: Path, own: dict[str, str], theirs: dict[str, str]) -> None:
    assert kept(tmp_path, {**TESTS, **theirs}, own) == {*TESTS, *theirs}


def test_exclude_reaches_packages_and_brings_back(tmp_path: Path) -> None:
    files = {"boto3/__init__.py": "", "shop/docs/__init__.py": "", "shop/docs/a.rst": "", "shop/data/big.json": ""}
    files |= {"shop/de.po": "", "shop/de.mo": ""}
    assert kept(tmp_path, files, {}, "boto3", "docs", "shop/data/*", "!*.po") == {
        *("shop/docs/__init__.py", "shop/de.po", "shop/de.mo"),
    }, "a name alone leaves modules inside of packages alone"
    assert "shop/docs/__init__.py" not in kept(tmp_path, files, {}, "shop/docs/")


def test_bytecode_goes_with_its_module_and_the_amount_is_noted(tmp_path: Path) -> None:
    write(tmp_path, {**TESTS, "shop/cart/tests/test_cart.py": "x = 1\n" * 30_000})
    assert bytecode.compile_tree(sys.executable, tmp_path) == []
    reporter = Recorder()
    (found,) = trimming.trim([layer(tmp_path, {})], {}, (), reporter)
    assert not [name for name in found.files if "tests/" in name]
    assert f"shop/__pycache__/__init__.{sys.implementation.cache_tag}.pyc" in found.files
    assert reporter.notes[0].startswith("Left out of packages, not read by functions: 0.")
    assert "(tests 0." in reporter.notes[0]
