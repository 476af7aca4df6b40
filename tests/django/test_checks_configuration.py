"""The file, the stage, the handlers, and what the project takes of what the file gives."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from checking import SITE, Site
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning

from pocket import naming
from pocket.django import runtime
from pocket.django.checks import pocket_toml, source_tree, taken
from pocket.django.checks.source_tree import Place
from pocket.manifest import Cache, DjangoTables, Handler, SecretVariable, Stage, Storage
from pocket.runtime.variables import Fetched

FILE = """[general]
region = "eu-west-1"
stages = ["prd"]
project_name = "gallery"

[awscontainer.envs]
TOKEN = "x"

[awscontainer.handlers.web]
command = "pocket.django.lambda_handlers.wsgi_handler"
timeout = 60
apigateway = {}
memory = 512

[awscontainer.secretsmanager.secrets]
TOKEN = "mine"
"""


@pytest.fixture
def with_file(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The project with its pocket.toml instead of a manifest, as on a laptop."""
    Path(os.environ["POCKET_MANIFEST"]).unlink()
    monkeypatch.delenv("POCKET_MANIFEST")
    monkeypatch.setattr("pocket.django.configuration.source._start", lambda: site.folder)
    return site


def test_neither_file_nor_manifest(with_file: Site) -> None:
    assert with_file.found(pocket_toml.missing) == [
        Error(
            "The project's folder and the folders above it have no pocket.toml.",
            hint="Create pocket.toml beside manage.py.",
            obj="pocket.toml",
            id="pocket.E001",
        )
    ]
    assert with_file.found(pocket_toml.file) == []
    with_file.write("pocket.toml", '[general]\nregion = "eu-west-1"\nstages = ["prd"]\nproject_name = "gallery"\n')
    assert with_file.found(pocket_toml.missing) == with_file.found(pocket_toml.file) == []


def test_each_issue_in_the_file_is_a_message_at_its_line(with_file: Site) -> None:
    path = with_file.write("pocket.toml", FILE).resolve()
    found = with_file.found(pocket_toml.file)
    assert [(message.id, message.obj) for message in found] == [
        ("pocket.E006", Place(path, 11)),
        ("pocket.E002", Place(path, 13)),
        ("pocket.E005", Place(path, 16)),
    ]
    assert found[1] == Error(
        "awscontainer.handlers.web.memory: Unknown key.",
        hint='Did you mean "memory_size"?',
        obj="pocket.toml:13",
        id="pocket.E002",
    )
    assert found[2] == Error(
        "awscontainer.secretsmanager.secrets.TOKEN: The variable TOKEN is also declared by awscontainer.envs.TOKEN.",
        hint="Remove one of the two.",
        obj="pocket.toml:16",
        id="pocket.E005",
    )
    assert found[0] == Error(
        "awscontainer.handlers.web.timeout: Behind an API, expected at most 30 seconds, found 60.",
        hint="Shorten the timeout, or move long work to a handler with a queue.",
        obj="pocket.toml:11",
        id="pocket.E006",
    )
    assert with_file.found(pocket_toml.missing) == []


def test_a_file_that_is_not_toml(with_file: Site) -> None:
    with_file.write("pocket.toml", "[general\n")
    assert [(item.id, item.obj) for item in with_file.found(pocket_toml.file)] == [("pocket.E002", "pocket.toml:1")]


def test_a_damaged_manifest(site: Site) -> None:
    site.write(naming.MANIFEST_FILE, "{}")
    assert site.found(pocket_toml.file) == [
        Error(
            "The manifest has format None; expected 1.",
            hint="Use the same version of django-pocket for the `pocket` command and in the project's requirements.",
            obj=naming.MANIFEST_FILE,
            id="pocket.E002",
        )
    ]


def test_a_stage_that_the_file_does_not_have(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_STAGE", "prod")
    assert site.found(pocket_toml.file) == [
        Error(
            "POCKET_STAGE is 'prod'; expected a stage of pocket.toml.",
            hint="The stages are: prd.",
            obj=naming.MANIFEST_FILE,
            id="pocket.E003",
        )
    ]
    monkeypatch.setenv("POCKET_STAGE", "prd")
    assert site.found(pocket_toml.file) == []


def deployed(site: Site, command: str, *, address: bool = False) -> list[Any]:
    site.deploy(Stage(stack_name="s", handlers={"jobs": Handler(command, 30, address=address)}))
    return site.found(pocket_toml.handlers)


def leads_nowhere(command: str, why: str) -> Error:
    return Error(
        f"The handler 'jobs' cannot be imported: {why}.",
        hint=f'Correct command = "{command}" in [awscontainer.handlers.jobs]. It must be the dotted path of a'
        " function that takes an event and a context.",
        obj=command,
        id="pocket.E004",
    )


def test_handlers_that_do_not_exist(site: Site) -> None:
    site.write("jobs_of_site/__init__.py", "raise RuntimeError('not now')\n")
    site.write("work_of_site.py", "def run(event, context):\n    other = 1\n")
    site.write("unreadable_of_site.py", "def run(\n")
    missing = "nothing_of_site.handler"
    assert deployed(site, missing) == [leads_nowhere(missing, "module 'nothing_of_site' does not exist")]
    missing = "nothing_of_site.jobs.handler"
    assert deployed(site, missing) == [leads_nowhere(missing, "module 'nothing_of_site' does not exist")]
    missing = "work_of_site.other"
    assert deployed(site, missing) == [leads_nowhere(missing, "module 'work_of_site' has no 'other'")]
    broken = "jobs_of_site.work.run"
    why = "importing the package of 'jobs_of_site.work' raises RuntimeError: not now"
    assert deployed(site, broken) == [leads_nowhere(broken, why)]
    broken = "unreadable_of_site.run"
    why = "module 'unreadable_of_site' is not valid Python of this version"
    assert deployed(site, broken) == [leads_nowhere(broken, why)]


@pytest.mark.parametrize(
    "text",
    [
        "def run(event, context): ...",
        "class run: ...",
        "run = print",
        "run: object = print",
        "from os import path as run",
        "from os import *",
        "import os as run",
        "try:\n    import nothing\nexcept ImportError:\n    run = None",
        "if True:\n    pass\nelse:\n    def run(): ...",
        "with open('x') as run: ...",
        "first, run = 1, 2",
        "def __getattr__(name): ...",
    ],
)
def test_handlers_that_lead_somewhere(site: Site, text: str) -> None:
    site.write("ways_of_site.py", f"raise SystemExit('a check imports no application')\n{text}\n")
    assert deployed(site, "ways_of_site.run", address=True) == []


def test_callables_that_pocket_starts_are_imported(site: Site) -> None:
    site.write(
        "callables_of_site.py",
        "async def wait(event, context): ...\ndef run(event, context): ...\nNUMBER = 3\ndef narrow(event): ...\n"
        "def generate(event, context): yield\n",
    )
    site.write("raising_of_site.py", "def run(event, context): ...\nraise ValueError('not now')\n")
    assert deployed(site, "callables_of_site.run") == []
    assert deployed(site, "callables_of_site.wait") == []
    for name, why in (
        ("callables_of_site.NUMBER", "it is int, which is not callable"),
        ("callables_of_site.narrow", "its signature is (event), but Lambda calls it with an event and a context"),
        ("callables_of_site.generate", "it is a generator, whose code would not run"),
        ("raising_of_site.run", "its module raises ValueError: not now"),
    ):
        assert deployed(site, name) == [leads_nowhere(name, why)]


def test_pockets_own_handlers_are_not_checked(site: Site) -> None:
    assert deployed(site, naming.SQS_MANAGEMENT_HANDLER) == []


def unread(name: str) -> CheckWarning:
    return CheckWarning(
        f"The secret {name} is declared, but nothing reads it.",
        hint="Read it from the environment after set_envs(), or remove it from [awscontainer.secretsmanager]: each cold"
        " start fetches it, and the role may read it.",
        obj=name,
        id="pocket.W001",
    )


def with_secrets(site: Site, *names: str, caches: dict[str, Cache] | None = None) -> list[Any]:
    secrets = tuple(SecretVariable(name, "secretsmanager", name.lower()) for name in names)
    site.deploy(Stage(stack_name="s", secrets=secrets, django=DjangoTables(caches=caches or {})))
    return site.found(taken.secrets)


def test_a_secret_that_nothing_reads(site: Site) -> None:
    site.write("settings_of_site.py", 'KEY = os.environ["GALLERY_KEY"]\nOTHER = "GALLERY_TOKENS"\n')
    assert with_secrets(site, "GALLERY_KEY", "GALLERY_TOKEN") == [unread("GALLERY_TOKEN")]
    site.write("gallery/tokens.py", 'token = env.str("GALLERY_TOKEN")\n')
    assert with_secrets(site, "GALLERY_KEY", "GALLERY_TOKEN") == []


@pytest.mark.parametrize(
    "text",
    [
        "DATABASES = {'default': env.db()}",
        "DATABASES = {'default': dj_database_url.config()}",
        "class Settings(BaseSettings): database_url: str",
        "with env.prefixed('DATABASE_'): url = env('URL')",
    ],
)
def test_ways_of_reading_a_variable_without_its_name(site: Site, text: str) -> None:
    site.write("settings_of_site.py", text + "\n")
    assert with_secrets(site, "DATABASE_URL") == []


def test_what_a_library_or_pocket_itself_reads_is_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    library = site.folder.parent / "site-packages"
    (library / "tracker").mkdir(parents=True)
    (library / "tracker" / "__init__.py").write_text('import os\nDSN = os.environ.get("GALLERY_TRACKER")\n')
    assert with_secrets(site, "GALLERY_TRACKER") == [unread("GALLERY_TRACKER")]
    monkeypatch.syspath_prepend(str(library))
    assert with_secrets(site, "GALLERY_TRACKER") == []
    assert with_secrets(site, "REDIS_URL", caches={"default": Cache("redis")}) == []


def untaken(name: str, table: str, what: str, helper: str) -> CheckWarning:
    return CheckWarning(
        f"{name} of [awscontainer.django.{table}] has no effect: {what} in the settings.",
        hint=f"Use {helper} at the end of the settings module, or remove the entry from pocket.toml.",
        obj=name,
        id="pocket.W002",
    )


def with_tables(site: Site, **tables: Any) -> None:
    site.deploy(Stage(stack_name="s", bucket_name="b", django=DjangoTables(**tables)))


def test_a_setting_that_does_not_arrive(site: Site) -> None:
    with_tables(site, settings={"TIME_ZONE": "Asia/Tokyo", "GALLERY": {"rows": [1, 2]}})
    what = "TIME_ZONE has another value"
    first = untaken("TIME_ZONE", "settings", what, "get_django_settings()")
    second = untaken("GALLERY", "settings", "GALLERY has another value", "get_django_settings()")
    assert site.found(taken.settings) == [second, first]
    assert site.found(taken.settings, TIME_ZONE="Asia/Tokyo", GALLERY={"rows": [1, 2]}) == []
    site.write(
        "settings_of_site.py", 'given = get_django_settings()\nZONE = given["TIME_ZONE"]\nX = given.pop("GALLERY")\n'
    )
    assert site.found(taken.settings) == [], "the project picks them out"


def test_storages_and_caches_that_do_not_arrive(site: Site) -> None:
    with_tables(
        site,
        storages={"pictures": Storage(store="s3", location="pictures")},
        caches={"default": Cache("dummy")},
    )
    assert site.found(taken.settings) == [
        untaken("pictures", "storages", "STORAGES['pictures'] is something else", "get_storages()"),
        untaken("default", "caches", "CACHES['default'] is something else", "get_caches()"),
    ]
    from pocket.django.utils import get_caches, get_storages

    assert site.found(taken.settings, STORAGES=get_storages(), CACHES=get_caches()) == []


def test_without_a_stage_its_checks_find_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.deploy(Stage(stack_name="s", handlers={"x": Handler("nowhere.x", 30)}, secrets=SITE.secrets))
    monkeypatch.delenv("POCKET_STAGE")
    for check in (pocket_toml.file, pocket_toml.missing, pocket_toml.handlers, taken.secrets, taken.settings):
        assert site.found(check) == []


def test_places_are_relative_to_the_projects_folder(site: Site) -> None:
    inside, outside = Place(site.folder / "a" / "b.py", 3), Place(Path("/srv/b.py"), 4)
    assert (inside, outside) == ("a/b.py:3", "/srv/b.py:4")
    assert (inside.file, inside.line) == (site.folder / "a" / "b.py", 3)


def test_settings_that_never_call_set_envs(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = (SecretVariable("SECRET_KEY", "secretsmanager", "mine"), SecretVariable("TOKEN", "secretsmanager", "own"))
    assert site.found(pocket_toml.taken) == [], "the stage has no secrets"
    site.deploy(Stage(stack_name="s", handlers=SITE.handlers, secrets=secrets))
    (found,) = site.found(pocket_toml.taken)
    assert (found.id, found.msg.endswith("the stage's secrets: SECRET_KEY, TOKEN.")) == ("pocket.E008", True)
    monkeypatch.setitem(runtime._registered, "prd", Fetched({}, {}, 0.0))
    assert site.found(pocket_toml.taken) == []


def test_management_commands_of_pocket_need_its_app(site: Site) -> None:
    apps = {"INSTALLED_APPS": ["django.contrib.contenttypes"]}
    assert site.found(pocket_toml.installed, **apps) == [], "the stage runs none"
    site.deploy(Stage(stack_name="s", handlers={"jobs": Handler(naming.MANAGEMENT_HANDLER, 30)}))
    assert [item.id for item in site.found(pocket_toml.installed, **apps)] == ["pocket.E009"]
    assert site.found(pocket_toml.installed) == []


@pytest.mark.parametrize("name", ["DJANGO_SUPERUSER_PASSWORD", "PGPASSWORD", "AWS_SESSION_TOKEN", "HTTPS_PROXY"])
def test_a_secret_that_django_or_a_driver_reads_by_itself(site: Site, name: str) -> None:
    secrets = (SecretVariable(name, "secretsmanager", "mine"),)
    site.deploy(Stage(stack_name="s", handlers=SITE.handlers, secrets=secrets))
    assert site.found(taken.secrets) == []


def test_in_an_artifact_packages_are_not_the_projects_source(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"django": ["Django"], "six": ["six"], "lib": ["lib"]}
    monkeypatch.setattr(source_tree, "packages_distributions", lambda: installed)
    monkeypatch.setattr(source_tree, "sys", SimpleNamespace(path=[], modules=sys.modules))
    for name in ("django/tasks/base.py", "six.py", "lib/code.py", "pocket/x.py"):
        site.write(name, "import os\nfrom django.tasks import task\nos.environ['LIBRARY_KEY']\n")
    site.write("shop/views.py", "OWN = 1\n")
    assert [path.relative_to(source_tree.directory()).as_posix() for path in source_tree.files()] == ["shop/views.py"]
    found = {path.relative_to(source_tree.directory()).as_posix() for path in source_tree.packages()}
    assert found == {"six.py", "lib/code.py"}
    secrets = (SecretVariable("LIBRARY_KEY", "secretsmanager", "mine"), SecretVariable("MINE", "secretsmanager", "m"))
    site.deploy(Stage(stack_name="s", handlers=SITE.handlers, secrets=secrets))
    assert [item.obj for item in site.found(taken.secrets)] == ["MINE"]
