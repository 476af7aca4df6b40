import json
import subprocess
from pathlib import Path

import pytest
from tiny_project import REPOSITORY, wheel, write
from uv import find_uv_bin

from pocket.config.tables.awscontainer import AwsContainer
from pocket.deploy.build import platforms, requirements, uv
from pocket.deploy.build.requirements import locate, needless, parents, resolve
from pocket.errors import BuildFailed

LAMBDA = platforms.lambda_platform("3.13", "arm64")
POCKET = f"django-pocket @ {REPOSITORY.as_uri()}"


def lock(folder: Path) -> None:
    subprocess.run([find_uv_bin(), "lock", "-q"], cwd=folder, check=True)


def names(found: requirements.Requirements) -> set[str]:
    return {package.name for package in found.packages}


def pyproject(name: str, *dependencies: str, extra: str = "") -> str:
    return (
        f'[project]\nname = "{name}"\nversion = "1"\nrequires-python = ">=3.11"\n'
        f"dependencies = {json.dumps(dependencies)}\n{extra}"
    )


LOCAL_POCKET = f'[tool.uv.sources]\ndjango-pocket = {{ path = "{REPOSITORY}", editable = true }}\n'


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (["uv.lock", "requirements.txt", "pyproject.toml"], "uv.lock"),
        (["requirements.txt", "pyproject.toml"], "requirements.txt"),
        (["pyproject.toml"], "pyproject.toml"),
    ],
)
def test_the_most_exact_file_decides(tmp_path: Path, present: list[str], expected: str) -> None:
    write(tmp_path, dict.fromkeys(present, ""))
    assert locate(tmp_path, None) == tmp_path / expected


def test_the_project_may_name_the_file(tmp_path: Path) -> None:
    write(tmp_path, {"uv.lock": "", "requirements/production.txt": ""})
    assert locate(tmp_path, "requirements/production.txt") == tmp_path / "requirements" / "production.txt"
    with pytest.raises(BuildFailed, match=r"requirements/prod\.txt"):
        locate(tmp_path, "requirements/prod.txt")


def test_a_project_without_any_file_gets_a_hint_how_to_create_one(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r"no uv\.lock, requirements\.txt or pyproject\.toml") as caught:
        locate(tmp_path, None)
    assert "uv init" in caught.value.hint


def test_a_member_of_a_workspace_is_built_from_the_workspaces_lock(tmp_path: Path) -> None:
    build_system = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    sources = LOCAL_POCKET + "notes-library = { workspace = true }\n"
    write(
        tmp_path,
        {
            "pyproject.toml": pyproject("root", extra='[tool.uv.workspace]\nmembers = ["site", "library"]\n'),
            "site/pyproject.toml": pyproject("site-of-notes", "notes-library", "django-pocket", extra=sources),
            "library/pyproject.toml": pyproject("notes-library", extra=build_system),
            "library/notes_library/__init__.py": "",
            "stranger/pyproject.toml": pyproject("stranger"),
        },
    )
    lock(tmp_path)
    assert locate(tmp_path / "site", None) == tmp_path / "uv.lock"
    assert locate(tmp_path / "stranger", None) == tmp_path / "stranger" / "pyproject.toml"
    found = resolve(tmp_path / "site", tmp_path / "uv.lock", LAMBDA)
    local = {package.name: package.local for package in found.packages if package.local}
    assert local == {"notes-library": tmp_path / "library", "django-pocket": REPOSITORY}
    assert all("editable" not in package.block for package in found.packages)


def test_a_lock_out_of_date_is_refused_with_uvs_error(tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": pyproject("site", "django-pocket", extra=LOCAL_POCKET)})
    lock(tmp_path)
    write(tmp_path, {"pyproject.toml": pyproject("site", "django-pocket", "six", extra=LOCAL_POCKET)})
    with pytest.raises(BuildFailed, match="needs to be updated") as caught:
        resolve(tmp_path, tmp_path / "uv.lock", LAMBDA)
    assert "uv lock" in str(caught.value)


def test_development_groups_and_the_project_itself_are_not_installed(tmp_path: Path) -> None:
    group = f'[dependency-groups]\ndev = ["six"]\n{LOCAL_POCKET}'
    write(tmp_path, {"pyproject.toml": pyproject("site", "django-pocket", extra=group)})
    lock(tmp_path)
    assert names(resolve(tmp_path, tmp_path / "uv.lock", LAMBDA)) == {"django-pocket"}


@pytest.mark.parametrize("file", ["requirements.txt", "pyproject.toml"])
def test_without_pocket_nothing_is_built(tmp_path: Path, file: str) -> None:
    write(tmp_path, {"requirements.txt": "six\n", "pyproject.toml": pyproject("site", "six")})
    with pytest.raises(BuildFailed, match="does not include django-pocket") as caught:
        resolve(tmp_path, tmp_path / file, LAMBDA)
    assert "uv add django-pocket" in caught.value.hint


def test_a_requirement_that_nothing_satisfies_is_refused_with_uvs_error(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.txt": f"{POCKET}\nsix==0.0.999\n"})
    with pytest.raises(BuildFailed, match=r"six==0\.0\.999"):
        resolve(tmp_path, tmp_path / "requirements.txt", LAMBDA)


def test_the_credentials_of_an_index_show_in_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    index = "--index-url http://deployer:hunter2@127.0.0.1:9/simple"
    write(tmp_path, {"requirements.txt": f"{index}\nno-such-package\n"})
    with pytest.raises(BuildFailed) as caught:
        resolve(tmp_path, tmp_path / "requirements.txt", LAMBDA)
    assert "127.0.0.1:9" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert (
        uv.mask_credentials("https://u:p@host/x and https://token@host") == "https://****@host/x and https://****@host"
    )


def test_pydantic_stays_out_where_only_pocket_requires_it(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.txt": f"{POCKET}\n"})
    found = resolve(tmp_path, tmp_path / "requirements.txt", LAMBDA)
    assert names(found) == {"django-pocket"}
    assert {"pydantic", "pydantic-core"} <= set(found.dropped)


@pytest.mark.parametrize("other", ["pydantic", "pydantic-settings"])
def test_pydantic_stays_in_where_the_project_or_another_package_requires_it(tmp_path: Path, other: str) -> None:
    write(tmp_path, {"requirements.txt": f"{POCKET}\n{other}\n"})
    found = resolve(tmp_path, tmp_path / "requirements.txt", LAMBDA)
    assert {"pydantic", "pydantic-core"} <= names(found)
    assert not found.dropped


def test_what_others_share_with_a_needless_package_stays() -> None:
    asking = {
        "django-pocket": {"site"},
        "pydantic": {"django-pocket"},
        "pydantic-core": {"pydantic"},
        "typing-extensions": {"pydantic", "pydantic-core", "psycopg"},
        "psycopg": {"site"},
        "unasked": set(),
    }
    assert needless(asking) == {"pydantic", "pydantic-core"}
    assert needless({**asking, "pydantic": {"django-pocket", "fastapi"}}) == frozenset()
    assert needless({"django-pocket": {"site"}, "boto3": {"django-pocket"}}) == frozenset()


def test_dependents_are_read_from_uvs_comments() -> None:
    text = """./library
    # via site
six==1.17.0 ; python_version < '4' \\
    --hash=sha256:aa
    # via
    #   -r requirements.txt
    #   python-dateutil
psycopg[binary]==3.2
    # via site (pyproject.toml)
remote @ https://example.com/remote.whl
    # via site
"""
    assert parents(text) == {
        "six": {"-r requirements.txt", "python-dateutil"},
        "psycopg": {"site (pyproject.toml)"},
        "remote": {"site"},
    }


CORNERS = {
    "a circle": {"requirements.txt": "-r more.txt\nsix==1.17.0\n", "more.txt": "-r requirements.txt\nidna==3.10\n"},
    "UTF-16": {"requirements.txt": "six==1.17.0\nidna==3.10\n".encode("utf-16")},
    "a byte order mark": {"requirements.txt": b"\xef\xbb\xbfsix==1.17.0\nidna==3.10\n"},
    "quoted names": {"requirements.txt": '-r "more of them.txt"\nsix==1.17.0\n', "more of them.txt": "idna==3.10\n"},
    "escaped names": {"requirements.txt": "-r more\\ of.txt\nsix==1.17.0\n", "more of.txt": "idna==3.10\n"},
    "variables": {"requirements.txt": "six==1.17.0\n-r ${MORE}.txt\n", "more.txt": "idna==3.10\n"},
    "a quoted index": {"requirements.txt": '--index-url "https://pypi.org/simple"\nsix==1.17.0\nidna==3.10\n'},
    "constraints": {"requirements.txt": "-c bounds.txt\nsix\nidna\n", "bounds.txt": "six==1.17.0\nidna==3.10\n"},
}


@pytest.mark.parametrize("corner", CORNERS)
def test_any_file_that_uv_reads_is_a_requirements_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, corner: str
) -> None:
    monkeypatch.setenv("MORE", "more")
    write(tmp_path, {"pocket.txt": wheel(tmp_path, "django_pocket") + "-r requirements.txt\n"})
    for name, content in CORNERS[corner].items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    found = resolve(tmp_path, tmp_path / "pocket.txt", LAMBDA)
    assert {package.line for package in found.packages} == {"", "six==1.17.0", "idna==3.10"}
    assert {"pocket.txt", *CORNERS[corner]} == {file.name for file in (*found.files, *found.constraints)}


def test_a_hash_without_an_exact_version_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.txt": wheel(tmp_path, "django_pocket") + "-r more.txt\n"})
    write(tmp_path, {"more.txt": f"six>=1.17 \\\n  --hash=sha256:{'0' * 64}\n"})
    with pytest.raises(BuildFailed, match=r"more\.txt gives a hash for six>=1\.17") as caught:
        resolve(tmp_path, tmp_path / "requirements.txt", LAMBDA)
    assert "NAME==VERSION" in caught.value.hint


@pytest.mark.parametrize("file", ["uv.lock", "pyproject.toml"])
def test_groups_and_extras_are_installed_where_they_are_named(tmp_path: Path, file: str) -> None:
    extra = (
        '[project.optional-dependencies]\nfaster = ["idna"]\n[dependency-groups]\nlambda = ["six"]\ndev = ["toml"]\n'
    )
    extra += f'[tool.uv]\ndefault-groups = ["dev", "lambda"]\n{LOCAL_POCKET}'
    write(tmp_path, {"pyproject.toml": pyproject("site", "django-pocket", extra=extra)})
    lock(tmp_path)
    container = AwsContainer(handlers={}, extras=["faster"], groups=["lambda"])
    options = requirements.selection(container, tmp_path / file)
    assert names(resolve(tmp_path, tmp_path / file, LAMBDA)) == {"django-pocket"}
    assert names(resolve(tmp_path, tmp_path / file, LAMBDA, options=options)) == {"django-pocket", "idna", "six"}
    with pytest.raises(BuildFailed, match="nonesuch"):
        resolve(tmp_path, tmp_path / file, LAMBDA, options=["--extra", "nonesuch"])


def test_a_requirements_file_has_no_groups(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r'groups = \["lambda"\]: requirements\.txt has no groups'):
        requirements.selection(AwsContainer(handlers={}, groups=["lambda"]), tmp_path / "requirements.txt")
