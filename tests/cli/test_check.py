"""`pocket check` as a user runs it: its layers in order, one list, three formats, Django's exit status."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
import typer
from board import EXAMPLE, REPOSITORY, environment
from deploying import SMALL, project

from pocket.cli import check
from pocket.deploy.gates.system_checks import Selection
from pocket.deploy.target import Target
from pocket.errors import PlanRefused

FAULTY = REPOSITORY / "tests" / "projects" / "faulty"
LEFT_OUT = shutil.ignore_patterns(".pocket", ".venv", "db.sqlite3", "__pycache__", "media")
STAGES = ["local", "dev", "prd"]


def pocket_check(folder: Path, *args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pocket", "check", *args],
        cwd=folder,
        env={**environment(), **environ},
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )


def add(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def messages(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done.stdout)["messages"]
    return found


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with the `.env` of a new developer, who has DEBUG on and a SQLite file.

    Its lock names this repository as two folders above it.
    """
    repository = tmp_path_factory.mktemp("repository")
    (repository / "pyproject.toml").symlink_to(REPOSITORY / "pyproject.toml")
    folder = repository / "examples" / "board"
    shutil.copytree(EXAMPLE, folder, ignore=LEFT_OUT)
    shutil.copy(folder / ".env.example", folder / ".env")
    return folder


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("projects") / "faulty"
    shutil.copytree(FAULTY, folder, ignore=LEFT_OUT)
    return folder


@pytest.fixture(scope="module")
def of_faulty(faulty: Path) -> subprocess.CompletedProcess[str]:
    """The command's JSON output for the faulty project."""
    return pocket_check(faulty, "--deploy", "--format", "json")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A project with a sound file and settings that every test may spoil."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    management = (
        '[awscontainer.handlers.management]\ncommand = "pocket.django.lambda_handlers.management_command_handler"\n'
    )
    general = '[general]\nregion = "eu-west-1"\nstages = ["dev", "prd"]\n'
    (folder / "pocket.toml").write_text(f"{general}{management}[awscontainer]\n")
    (folder / "requirements.txt").write_text("django-pocket\n")
    (folder / "manage.py").write_text('import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiny_settings")\n')
    settings = 'SECRET_KEY = "x"\nINSTALLED_APPS = ["django.contrib.contenttypes", "pocket.django"]\n'
    (folder / "tiny_settings.py").write_text(settings)
    return folder


@pytest.mark.parametrize("options", [(), ("--deploy", "--database", "default")])
def test_the_example_has_no_issues(board: Path, options: tuple[str, ...]) -> None:
    done = pocket_check(board, *options, "--fail-level", "INFO", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["stages"] == STAGES
    assert [item for item in messages(done) if not item["silenced"]] == []
    assert not any(item["id"].startswith("pocket.") for item in messages(done)), "also none that is silenced"


@pytest.mark.parametrize("stage", STAGES)
def test_the_example_has_no_issues_in_djangos_own_check(board: Path, stage: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--tag", "pocket"],
        cwd=board,
        env={**environment(), "POCKET_STAGE": stage, "POCKET_PLACEHOLDER_SECRETS": "1"},
        text=True,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "System check identified no issues (0 silenced).\n"), done.stderr


def planted() -> list[str]:
    """The ids beside the planted issues in the project's files."""
    files = [path for path in FAULTY.rglob("*") if path.suffix in {".py", ".toml"}]
    return [found for path in files for found in re.findall(r"# (pocket\.[EW]\d{3})$", path.read_text(), re.MULTILINE)]


def test_exactly_the_thirty_planted_issues_are_found(of_faulty: subprocess.CompletedProcess[str]) -> None:
    assert of_faulty.returncode == 1
    found = [item["id"] for item in messages(of_faulty) if not item["silenced"]]
    expected = set(planted())
    assert len(expected) == 30
    assert sorted(found) == sorted(expected)


def test_every_message_has_a_hint(of_faulty: subprocess.CompletedProcess[str]) -> None:
    listed = [item for item in messages(of_faulty) if item["id"].startswith("pocket.")]
    assert len(listed) == 30
    assert [item["id"] for item in listed if not item["hint"] or not (item["object"] or item["file"])] == []


def test_the_layers_come_in_their_order(of_faulty: subprocess.CompletedProcess[str]) -> None:
    layers = [item["layer"] for item in messages(of_faulty)]
    assert layers == sorted(layers, reverse=True), "the project, then its API"
    assert set(layers) == {"project", "fastapi"}


EARLY = """
from django.apps import AppConfig
from django.templatetags.static import static

class Early(AppConfig):
    name = "early"

    def ready(self):
        static("early.css")
"""
STATIC_IN_S3 = """
[s3]
public_dirs = ["static"]
[awscontainer.django.storages]
staticfiles = { store = "s3", location = "static", static = true, manifest = true }
"""


@pytest.mark.parametrize("command", ["check", "doctor"])
def test_an_app_may_request_a_static_files_url_while_it_starts(tiny: Path, command: str) -> None:
    add(tiny / "pocket.toml", STATIC_IN_S3)
    (tiny / "early" / "static").mkdir(parents=True)
    (tiny / "early" / "static" / "early.css").touch()
    (tiny / "early" / "__init__.py").write_text(EARLY)
    added = 'ROOT_URLCONF = "early.urls"\nSTATIC_URL = "static/"\n'
    added += 'INSTALLED_APPS += ["django.contrib.staticfiles", "early.Early"]\n'
    taken = "from pocket.django.utils import get_storages\nSTORAGES = get_storages()\n"
    add(tiny / "tiny_settings.py", added + taken)
    (tiny / "early" / "urls.py").write_text("urlpatterns = []\n")
    if command == "check":
        done = pocket_check(tiny, "--stage", "dev", "--format", "json")
        assert [item["id"] for item in messages(done)] == [], done.stdout
        return
    done = subprocess.run(
        [sys.executable, "-m", "pocket", "doctor", "--stage", "dev", "--format", "json"],
        cwd=tiny,
        env=environment(),
        text=True,
        capture_output=True,
        check=False,
    )
    assert json.loads(done.stdout)["stopped"] == "", done.stderr


SEARCH = """
import os
from pathlib import Path
for folder in Path(__file__).resolve().parents:
    if (folder / ".env").is_file():
        os.environ.update(line.split("=", 1) for line in (folder / ".env").read_text().split())
        break
TOKEN = os.environ["TOKEN"]
"""
"""As python-dotenv and python-decouple do it."""


@pytest.mark.parametrize("place", [".env", "../.env"])
def test_an_env_file_of_the_laptop_does_not_reach_the_project(tiny: Path, place: str) -> None:
    (tiny / place).write_text("TOKEN=of-the-laptop")
    add(tiny / "tiny_settings.py", SEARCH)
    done = pocket_check(tiny, "--stage", "dev", "--format", "json")
    assert [item["id"] for item in messages(done)] == ["pocket.E007"], done.stderr
    assert "'TOKEN'" in messages(done)[0]["message"]


def test_an_editable_install_does_not_lead_back_to_the_project(tiny: Path, tmp_path: Path) -> None:
    (tiny / ".env").write_text("TOKEN=of-the-laptop")
    (tiny / "src").mkdir()
    (tiny / "tiny_settings.py").rename(tiny / "src" / "tiny_settings.py")
    add(tiny / "src" / "tiny_settings.py", SEARCH)
    done = pocket_check(tiny, "--stage", "dev", "--format", "json", PYTHONPATH=str(tiny / "src"))
    assert [(item["id"], item["file"]) for item in messages(done)] == [("pocket.E007", "src/tiny_settings.py")]


def test_nothing_of_the_project_needs_to_be_written(tiny: Path) -> None:
    (tiny / ".pocket").touch()
    before = {path: path.stat().st_mtime_ns for path in [tiny, *tiny.rglob("*")]}
    done = pocket_check(tiny, "--stage", "dev", "--tag", "models")
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_mtime_ns for path in [tiny, *tiny.rglob("*")]} == before


def test_nothing_is_left_in_the_project(faulty: Path, of_faulty: object) -> None:
    assert not (faulty / ".pocket").exists()
    assert not (faulty / "shop.log").exists(), "the project's log was opened in the copy"


def test_without_deploy_only_general_issues_are_found(faulty: Path) -> None:
    found = messages(pocket_check(faulty, "--format", "json"))
    assert {(item["id"], item["layer"]) for item in found} == {
        ("pocket.E010", "project"),
        ("pocket.E060", "fastapi"),
        ("pocket.E061", "fastapi"),
        ("pocket.W062", "fastapi"),
        ("pocket.W063", "fastapi"),
    }


def test_places_are_relative_to_the_working_directory(
    faulty: Path, of_faulty: subprocess.CompletedProcess[str]
) -> None:
    by_id = {item["id"]: item for item in messages(of_faulty)}
    clock, field = by_id["pocket.W072"], by_id["pocket.E010"]
    assert (clock["object"], clock["file"], clock["line"]) == ("shop/feed.py:10", "shop/feed.py", 10)
    assert (field["object"], field["file"]) == ("shop.Book.cover", "shop/models.py")
    lines = (FAULTY / "config" / "settings.py").read_text().splitlines()
    for item in (by_id[id_] for id_ in ("pocket.E012", "pocket.E030", "pocket.W045", "pocket.W051")):
        assert item["file"] == "config/settings.py"
        assert lines[item["line"] - 1].startswith(item["object"].partition("[")[0])
    unplaced = {id_ for id_, item in by_id.items() if item["file"] is None and id_.startswith("pocket.")}
    assert unplaced == {"pocket.W042"}, "a setting that is nowhere set"
    declared = (FAULTY / "pocket.toml").read_text().splitlines()
    for item in (by_id[id_] for id_ in ("pocket.E004", "pocket.W001")):
        assert item["file"] == "pocket.toml"
        assert declared[item["line"] - 1].endswith(f"# {item['id']}")
    above = messages(pocket_check(faulty / "shop", "--deploy", "--tag", "security", "--format", "json"))
    assert {item["file"] for item in above if item["id"] == "pocket.W072"} == {"feed.py"}
    assert "pocket.E010" not in {item["id"] for item in above}, "only the checks of the tag run"


def test_github_annotates_the_lines(faulty: Path) -> None:
    done = pocket_check(faulty, "--deploy", "--tag", "security", "--format", "github")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    clock = next(line for line in lines if "W072" in line)
    assert clock.startswith("::warning file=shop/feed.py,line=10,title=pocket.W072::shop/feed.py:10: time.time() takes")
    assert "%0ACall it where" in clock
    assert any(line.startswith("::error file=config/settings.py,line=16,title=pocket.E044::DEBUG: ") for line in lines)
    assert not any("security.W018" in line for line in lines), "it is silenced"


def test_text_goes_to_standard_error(faulty: Path) -> None:
    done = pocket_check(faulty, "--deploy", "--tag", "pocket")
    assert done.stdout == ""
    assert done.stderr.startswith("error: pocket.toml:17: config.handlers.jobs: (pocket.E004) ")
    assert "pocket.toml: no issues" not in done.stderr
    assert "\nhint: Make it async_capable" in done.stderr
    assert "\nerror: config/settings.py:16: (pocket.E044) DEBUG is on" in done.stderr
    assert "\nerror: shop/views.py:12: (pocket.E022) shop.views.stock is asynchronous" in done.stderr
    assert "\nwarning: shop/feed.py:10: (pocket.W072) time.time() takes" in done.stderr
    assert done.stderr.endswith("\nChecks found 29 issues in prd (0 silenced).\n")


def test_fail_level_sets_the_level_that_fails(tiny: Path) -> None:
    add(tiny / "tiny_settings.py", "DATA_UPLOAD_MAX_MEMORY_SIZE = None\n")
    for level, status in (("warning", 1), ("ERROR", 0)):
        done = pocket_check(tiny, "--stage", "dev", "--deploy", "--tag", "pocket", "--fail-level", level)
        assert (level, done.returncode) == (level, status)
    assert done.stderr.startswith("pocket.toml: no issues in dev.\nwarning: tiny_settings.py:")


def test_a_message_of_some_stages_names_them(tiny: Path) -> None:
    code = '\nimport os\nDEBUG = os.environ["POCKET_STAGE"] == "dev"\nDATA_UPLOAD_MAX_MEMORY_SIZE = None\n'
    add(tiny / "tiny_settings.py", code)
    found = {
        item["id"]: item for item in messages(pocket_check(tiny, "--deploy", "--tag", "pocket", "--format", "json"))
    }
    assert found["pocket.E044"]["stages"] == ["dev"]
    assert found["pocket.W040"]["stages"] == []


def test_silenced_issues_are_counted_and_do_not_fail(tiny: Path) -> None:
    add(tiny / "tiny_settings.py", 'DEBUG = True\nSILENCED_SYSTEM_CHECKS = ["pocket.E044"]\n')
    done = pocket_check(tiny, "--deploy", "--tag", "pocket")
    assert done.returncode == 0
    assert done.stderr.endswith("Checks found no issues in dev, prd (1 silenced).\n")


def test_issues_in_the_file_come_first_and_end_the_command(tiny: Path) -> None:
    add(tiny / "pocket.toml", 'colour = "red"\n')
    (tiny / "tiny_settings.py").write_text("raise SystemExit('not reached')\n")
    done = pocket_check(tiny, "--format", "json")
    assert done.returncode == 1
    (only,) = messages(done)
    assert (only["id"], only["layer"], only["file"], only["line"]) == ("pocket.E002", "file", "pocket.toml", 7)
    done = pocket_check(tiny)
    assert done.stderr.startswith("error: pocket.toml:7: (pocket.E002) awscontainer.colour: ")


@pytest.mark.parametrize(
    ("args", "text", "id_"),
    [
        (["--stage", "prod"], "", "pocket.E003"),
        ([], '[awscontainer.envs]\nTOKEN = "1"\n[awscontainer.secretsmanager.secrets]\nTOKEN = "a"\n', "pocket.E005"),
        (
            [],
            '[awscontainer.handlers.web]\ncommand = "x.y"\ntimeout = 31\napigateway = {}\n',
            "pocket.E006",
        ),
    ],
)
def test_issues_in_the_file_with_their_own_ids(tiny: Path, args: list[str], text: str, id_: str) -> None:
    add(tiny / "pocket.toml", text)
    assert [item["id"] for item in messages(pocket_check(tiny, *args, "--format", "json"))] == [id_]


def test_no_file_at_all(tmp_path: Path) -> None:
    assert [item["id"] for item in messages(pocket_check(tmp_path, "--format", "json"))] == ["pocket.E001"]


def test_the_issue_of_a_project_that_does_not_start_has_a_line(tiny: Path) -> None:
    (tiny / "tiny_settings.py").write_text("import os\n\nKEY = os.environ['NO_SUCH_VARIABLE']\n")
    done = pocket_check(tiny, "--format", "json")
    (only,) = messages(done)
    assert done.returncode == 1
    assert only == {
        "id": "pocket.E007",
        "level": "error",
        "message": "The project does not start with the stage's settings: KeyError: 'NO_SUCH_VARIABLE'",
        "hint": "Set NO_SUCH_VARIABLE in [awscontainer.envs], declare it as a secret, or give it a default in the"
        " settings. It was loaded with the stage's values and placeholders for its secrets, and without the local .env,"
        " which is not in the artifact.",
        "object": None,
        "file": "tiny_settings.py",
        "line": 3,
        "silenced": False,
        "layer": "project",
        "stages": [],
    }


@pytest.mark.parametrize(
    ("text", "line", "reason", "hint"),
    [
        ("INSTALLED_APPS = [\n    'nowhere',\n]\n", 2, "No module named 'nowhere'", "Correct the name, or add the"),
        ("INSTALLED_APPS = (\n", 1, "SyntaxError: '(' was never closed", "Correct this line."),
        (
            "1 / 0\n",
            1,
            "ZeroDivisionError: division by zero",
            "Correct this line; `pocket doctor --stage dev`",
        ),
        (
            "import os\nraise OSError('Set the THE_KEY environment variable')\n",
            2,
            "Set the THE_KEY environment variable",
            "Set THE_KEY in [awscontainer.envs], declare it as a secret",
        ),
    ],
)
def test_each_reason_for_not_starting_has_a_hint(tiny: Path, text: str, line: int, reason: str, hint: str) -> None:
    (tiny / "tiny_settings.py").write_text(text)
    (only,) = messages(pocket_check(tiny, "--stage", "dev", "--format", "json"))
    assert (only["id"], only["file"], only["line"]) == ("pocket.E007", "tiny_settings.py", line)
    assert only["message"].endswith(reason)
    assert only["hint"].startswith(hint)


SECRETS = """
[awscontainer.secretsmanager.pocket_secrets]
SECRET_KEY = { type = "password" }
[awscontainer.secretsmanager.secrets]
FERNET_KEY = "tiny/fernet"
"""
SET_ENVS = "import os\nfrom pocket.django.runtime import set_envs\nset_envs()\n"


@pytest.mark.parametrize("reading", ["os.environ['SECRET_KEY']", "environ.Env().str('SECRET_KEY')"])
def test_a_secret_that_is_declared_lacks_set_envs(tiny: Path, reading: str) -> None:
    add(tiny / "pocket.toml", SECRETS)
    add(tiny / "tiny_settings.py", f"import environ, os\nSECRET_KEY = {reading}\n")
    (only,) = messages(pocket_check(tiny, "--stage", "dev", "--format", "json"))
    assert only["hint"].startswith(
        "SECRET_KEY is declared as a secret: call set_envs() in the settings before SECRET_KEY is read."
    )


FERNET = """
if len(os.environ["FERNET_KEY"]) != 44:
    raise ValueError(
        "A key has 44 characters"
    )
"""


def test_a_placeholder_of_another_form_is_declared_or_comes_from_the_shell(tiny: Path) -> None:
    add(tiny / "pocket.toml", SECRETS)
    add(tiny / "tiny_settings.py", f"{SET_ENVS}{FERNET}")
    (only,) = messages(pocket_check(tiny, "--stage", "dev", "--format", "json"))
    assert "ValueError: A key has 44 characters" in only["message"]
    assert "[awscontainer.secretsmanager.placeholders]: " in only["hint"]
    value = "k" * 44
    assert messages(pocket_check(tiny, "--stage", "dev", "--format", "json", FERNET_KEY=value)) == []
    add(tiny / "pocket.toml", f'[awscontainer.secretsmanager.placeholders]\nFERNET_KEY = "{value}"\n')
    assert messages(pocket_check(tiny, "--stage", "dev", "--format", "json")) == []


def test_the_hint_names_the_placeholder_that_does_not_fit(tiny: Path) -> None:
    add(tiny / "pocket.toml", SECRETS)
    add(tiny / "tiny_settings.py", f"{SET_ENVS}KEY = int(\n    os.environ['FERNET_KEY'],\n)\n")
    (only,) = messages(pocket_check(tiny, "--stage", "dev", "--format", "json"))
    assert "FERNET_KEY is a placeholder here; " in only["hint"]
    assert '[awscontainer.secretsmanager.placeholders]: FERNET_KEY = "...".' in only["hint"]


def test_every_line_of_an_exception_is_shown(tiny: Path) -> None:
    text = "from pydantic import BaseModel\n\nclass S(BaseModel):\n    one: int\n    two: int\n\nS(one='x')\n"
    add(tiny / "tiny_settings.py", text)
    (only,) = messages(pocket_check(tiny, "--stage", "dev", "--format", "json"))
    assert "ValidationError: 2 validation errors for S\none\n  Input should be a valid integer" in only["message"]
    assert "\ntwo\n  Field required" in only["message"]
    assert only["file"] == "tiny_settings.py"


def test_a_file_that_pocket_left_out_is_named_with_the_way_to_pack_it(tiny: Path) -> None:
    (tiny / "dist").mkdir()
    (tiny / "dist" / "manifest.json").write_text("{}")
    add(
        tiny / "tiny_settings.py",
        '\nfrom pathlib import Path\nPath(Path(__file__).parent, "dist", "manifest.json").read_text()\n',
    )
    (message,) = messages(pocket_check(tiny, "--stage", "dev", "--format", "json"))
    assert message["id"] == "pocket.E007"
    assert 'exclude = ["!dist/manifest.json"]' in message["hint"]


def test_a_circular_import_is_shown_without_the_copys_directory(tiny: Path) -> None:
    (tiny / "one.py").write_text("from two import B\n\nA = 1\n")
    (tiny / "two.py").write_text("from one import A\n\nB = 1\n")
    add(tiny / "tiny_settings.py", "import one\n")
    done = pocket_check(tiny, "--stage", "dev")
    assert "error: two.py:1: (pocket.E007) The project does not start" in done.stderr
    assert "(one.py)\nhint: Break the circular import: `pocket doctor --stage dev` shows it." in done.stderr


def test_a_missing_driver_is_said_with_what_to_install(tiny: Path) -> None:
    raised = "Error loading psycopg2 or psycopg module"
    add(
        tiny / "tiny_settings.py",
        f"from django.core import exceptions\nraise exceptions.ImproperlyConfigured('{raised}')\n",
    )
    (message,) = messages(pocket_check(tiny, "--stage", "dev", "--format", "json"))
    assert message["id"] == "pocket.E007"
    assert message["hint"].startswith("The database's driver is not installed here: install the project's requirements")


def test_a_release_that_cannot_be_reached_hides_no_local_issue(tiny: Path) -> None:
    add(tiny / "tiny_settings.py", "DEBUG = True\n")
    options = ("--stage", "dev", "--deploy", "--tag", "pocket", "--remote")
    done = pocket_check(tiny, *options, AWS_EC2_METADATA_DISABLED="true")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[1].startswith("error: tiny_settings.py:3: (pocket.E044) DEBUG is on in a deployed stage")
    assert lines[3] == "Checks found 1 issue in dev (0 silenced)."
    assert lines[4] == "error: lambda Invoke could not be called: Unable to locate credentials."
    assert lines[5].startswith("hint: ")


def test_no_settings_module_is_known(tiny: Path) -> None:
    (tiny / "manage.py").unlink()
    assert [item["id"] for item in messages(pocket_check(tiny, "--format", "json"))] == ["pocket.E007"]


def test_output_of_the_project_does_not_break_json(tiny: Path) -> None:
    add(tiny / "tiny_settings.py", 'import os\nprint("hello")\nos.system("echo from a child")\n')
    done = pocket_check(tiny, "--format", "json")
    assert (done.returncode, messages(done)) == (0, [])


def test_the_shells_and_the_laptops_secrets_do_not_reach_the_project(tiny: Path) -> None:
    add(tiny / "pocket.toml", '[awscontainer.secretsmanager.secrets]\nDATABASE_URL = "mine"\n')
    (tiny / ".env").write_text("A=1\n")
    code = (
        "\nimport os, pathlib\nfrom pocket.django.runtime import set_envs\nset_envs()\n"
        'assert os.environ["DATABASE_URL"] == "sqlite:///:memory:"\n'
        'assert not pathlib.Path(".env").exists()\n'
    )
    add(tiny / "tiny_settings.py", code)
    done = pocket_check(tiny, DATABASE_URL="postgres://the:real@server/one")
    assert done.returncode == 0, done.stderr


def test_what_a_deploy_would_refuse_is_found(tiny: Path) -> None:
    file, infra = tiny / "pocket.toml", tiny / "infra.yaml"
    add(file, 'resources = "infra.yaml"\nextras = ["reports"]\n')
    add(file, '[[awscontainer.permissions]]\nactions = ["rekognition:DetectLabelz"]\nresources = ["*"]\n')
    add(file, "[prd.awscontainer.django.storages]\nstaticfiles = { store = 'filesystem', static = true }\n")
    (tiny / os.fsdecode(b"caf\xe9.txt")).touch()
    infra.write_text("Resources:\n  News:\n    Type: AWS::SNS::Topic\n    Properties: {TopicNam: news}\n")
    done = pocket_check(tiny, "--format", "json")
    assert done.returncode == 1
    found = [item for item in messages(done) if item["layer"] == "deploy"]
    assert {item["id"] for item in found} == {"pocket.E018"}
    assert [(item["file"], item["line"], item["stages"]) for item in found] == [
        ("pocket.toml", 10, []),
        ("infra.yaml", 4, []),
        ("pocket.toml", None, []),
        ("pocket.toml", None, []),
        ("pocket.toml", None, ["prd"]),
    ]
    assert all(item["hint"] for item in found if item["file"] == "pocket.toml")
    assert "is not UTF-8" in found[2]["message"]
    assert "requirements.txt has no extras" in found[3]["message"]
    assert "not a folder of the artifact" in found[4]["message"]


def test_an_image_is_refused_before_a_deploy(tiny: Path) -> None:
    (tiny / "Dockerfile").touch()
    add(tiny / "pocket.toml", 'dockerfile_path = "Dockerfile"\n')
    text = messages(pocket_check(tiny, "--format", "json"))[0]
    assert (text["line"], text["id"]) == (7, "pocket.E018")
    assert "does not deploy images yet" in text["message"]


def test_a_stage_without_handlers_is_a_warning(tiny: Path) -> None:
    (tiny / "pocket.toml").write_text('[general]\nregion = "eu-west-1"\nstages = ["dev", "prd"]\n')
    done = pocket_check(tiny, "--format", "json")
    warnings = [item for item in messages(done) if item["layer"] == "deploy"]
    assert [(item["id"], item["level"]) for item in warnings] == [("pocket.W019", "warning")] * 2


def test_misuse(tiny: Path) -> None:
    for args, expected in (
        (["--fail-level", "LOUD"], "'LOUD' is not one of DEBUG, INFO, WARNING, ERROR, CRITICAL."),
        (["--format", "xml"], "'xml' is not one of text, json, github."),
        (["--remote"], "--remote and --local need --stage."),
        (["--local"], "--remote and --local need --stage."),
    ):
        done = pocket_check(tiny, *args)
        assert done.returncode == 2
        assert expected in done.stderr
    done = pocket_check(tiny, "--tag", "colour")
    assert (done.returncode, done.stderr.count('There is no system check with the "colour" tag.')) == (1, 1)


def test_a_separate_tool_without_django_has_a_hint(tiny: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [bare_python(tmp_path), "-m", "pocket", "check"],
        cwd=tiny,
        env=environment(),
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: The project's checks are run with the project's own")
    assert "hint: Run the command in the project's environment" in done.stderr


def bare_python(folder: Path) -> str:
    """An interpreter that has the command's own packages and no Django, as `uv tool install` makes one."""
    venv.create(folder / "bare", symlinks=True)
    packages = next((folder / "bare").glob("lib/python*/site-packages"))
    for path in sys.path:
        for item in Path(path).glob("*") if path.endswith("site-packages") else ():
            if not item.name.lower().startswith(("django", "_virtualenv", "distutils")) and item.suffix != ".pth":
                (packages / item.name).symlink_to(item)
    (packages / "pocket").unlink(missing_ok=True)
    (packages / "pocket").symlink_to(REPOSITORY / "src" / "pocket")
    for described in Path(typer.__file__).parent.parent.glob("django_pocket-*"):
        (packages / described.name).symlink_to(described)
    return str(folder / "bare" / "bin" / "python")


def test_paths_in_github_annotations_are_relative_to_the_repository(tiny: Path) -> None:
    (tiny.parent / ".git").mkdir()
    add(tiny / "tiny_settings.py", "1 / 0\n")
    done = pocket_check(tiny, "--stage", "dev", "--format", "github")
    assert done.stdout.startswith("::error file=tiny/tiny_settings.py,line=3,")
    done = pocket_check(tiny, "--stage", "dev", "--format", "github", GITHUB_WORKSPACE=str(tiny))
    assert done.stdout.startswith("::error file=tiny_settings.py,line=3,")


def test_a_stages_own_excludes_apply(tiny: Path) -> None:
    add(tiny / "tiny_settings.py", "import only_here\n")
    (tiny / "only_here.py").touch()
    add(tiny / "pocket.toml", '[prd.awscontainer]\nexclude = ["only_here.py"]\n')
    done = pocket_check(tiny, "--format", "json")
    assert [(item["id"], item["stages"]) for item in messages(done)] == [("pocket.E007", ["prd"])]


def test_a_symbolic_link_belongs_to_its_own_directory(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "shared.toml").write_text((tiny / "pocket.toml").read_text())
    (tiny / "pocket.toml").unlink()
    (tiny / "pocket.toml").symlink_to(tmp_path / "shared.toml")
    done = pocket_check(tiny, "--format", "json")
    assert (done.returncode, messages(done)) == (0, []), done.stderr


def test_a_network_that_reaches_nothing_is_an_issue_of_the_remote_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def examine(*_: Any) -> None:
        raise PlanRefused("The functions call sqs, and do not reach it.", "Create an endpoint.")

    monkeypatch.setattr("pocket.deploy.gates.network.examine", examine)
    monkeypatch.setattr("pocket.deploy.gates.system_checks.run_remotely", lambda *_: [])
    found = project(tmp_path, SMALL)
    unreached: list[Any] = []
    target = Target("eu-central-1")
    issues = list(check._deployed(found, found.stage("dev"), target, Selection(), unreached))
    assert [(layer, stage, item.message) for layer, stage, item in issues] == [
        ("deploy", "dev", "The functions call sqs, and do not reach it.")
    ]
    assert unreached == []
