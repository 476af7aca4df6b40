"""Every row of the specification's tables, in a new process, with a stage's manifest and without a stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aws_double import AWSDouble
from fresh import READ, evaluate, run, write_manifest, write_settings

from pocket import naming
from pocket.config import build_manifest, load
from pocket.manifest import Cache, DjangoTables, Handler, SecretVariable, Stage, Storage

DEFAULT_STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
DEFAULT_CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
TABLES = DjangoTables(
    storages={"default": Storage("filesystem", "/srv/media")},
    caches={"default": Cache("dummy")},
    settings={"DEFAULT_FROM_EMAIL": '"Dev" <test@example.com>', "CORS_ALLOWED_ORIGINS": ["https://dev.example.com"]},
)
FALLBACK = """
[general]
region = "eu-west-1"
stages = ["dev"]
project_name = "board"

[general.django_fallback.storages.default]
store = "filesystem"
location = "/srv/local"

[general.django_fallback.caches.other]
store = "dummy"

[general.django_fallback.settings]
CORS_ALLOWED_ORIGINS = ["http://localhost:5173", "http://localhost:4173"]

[dev.awscontainer.django.settings]
DEFAULT_FROM_EMAIL = '"Dev" <test@example.com>'
"""
BARE = '[general]\nregion = "eu-west-1"\nstages = ["dev"]\nproject_name = "board"\n'


def settings(directory: Path, *names: str, environ: dict[str, str] | None = None) -> dict[str, Any]:
    found = ", ".join(f'"{name}": getattr(settings, "{name}", None)' for name in names)
    result: dict[str, Any] = evaluate(
        f"{READ}json.loads(json.dumps({{{found}}}, default=repr))",
        directory,
        {**write_settings(directory), **(environ or {})},
    )
    return result


def test_with_a_stage_the_values_are_the_stages(tmp_path: Path) -> None:
    write_manifest(tmp_path, Stage(stack_name="s", django=TABLES))
    found = settings(
        tmp_path, "STORAGES", "CACHES", "DEFAULT_FROM_EMAIL", "CORS_ALLOWED_ORIGINS", environ={"POCKET_STAGE": "dev"}
    )
    assert found == {
        "STORAGES": {
            **DEFAULT_STORAGES,
            "default": {
                "BACKEND": "django.core.files.storage.FileSystemStorage",
                "OPTIONS": {"location": "/srv/media"},
            },
        },
        "CACHES": {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}},
        "DEFAULT_FROM_EMAIL": '"Dev" <test@example.com>',
        "CORS_ALLOWED_ORIGINS": ["https://dev.example.com"],
    }


def test_without_a_stage_the_values_are_the_fallbacks(tmp_path: Path) -> None:
    (tmp_path / "pocket.toml").write_text(FALLBACK)
    found = settings(tmp_path, "STORAGES", "CACHES", "CORS_ALLOWED_ORIGINS")
    assert found == {
        "STORAGES": {
            **DEFAULT_STORAGES,
            "default": {
                "BACKEND": "django.core.files.storage.FileSystemStorage",
                "OPTIONS": {"location": "/srv/local"},
            },
        },
        "CACHES": {**DEFAULT_CACHES, "other": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}},
        "CORS_ALLOWED_ORIGINS": ["http://localhost:5173", "http://localhost:4173"],
    }


def test_stage_without_a_manifest_is_read_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "pocket.toml").write_text(FALLBACK)
    found = settings(tmp_path, "DEFAULT_FROM_EMAIL", "CACHES", environ={"POCKET_STAGE": "dev", "POCKET_HOSTS": ""})
    assert found == {"DEFAULT_FROM_EMAIL": '"Dev" <test@example.com>', "CACHES": DEFAULT_CACHES}


@pytest.mark.parametrize("stage", [{}, {"POCKET_STAGE": "dev"}])
def test_nothing_configured_gives_the_defaults_exactly(tmp_path: Path, stage: dict[str, str]) -> None:
    if stage:
        write_manifest(tmp_path, Stage(stack_name="s"))
    else:
        (tmp_path / "pocket.toml").write_text(BARE)
    found = settings(tmp_path, "STORAGES", "CACHES", environ=stage)
    assert found == {"STORAGES": DEFAULT_STORAGES, "CACHES": DEFAULT_CACHES}
    code = "from pocket.django.runtime import get_django_settings\nresult = get_django_settings()"
    assert evaluate(code, tmp_path, stage) == {}


STORES = """
[general]
region = "eu-west-1"
stages = ["dev"]
project_name = "board"
s3_fallback_bucket_name = "own-bucket"

[s3]

[general.django_fallback.storages]
default = { store = "s3", location = "media" }
staticfiles = { store = "filesystem", static = true, manifest = true }

[general.django_fallback.caches]
default = { store = "redis", location = "redis://cache" }

[awscontainer.django.storages]
default = { store = "filesystem", location = "/tmp/media", options = { base_url = "/media/" } }
staticfiles = { store = "s3", location = "static", static = true, manifest = true }

[awscontainer.django.caches]
default = { store = "database", location = "cache_table" }
other = { store = "filesystem", location = "/tmp/cache", options = { MAX_ENTRIES = 5 } }
"""


@pytest.mark.parametrize("baked", [True, False])
def test_every_store_of_the_file_is_a_backend_with_a_stage(tmp_path: Path, baked: bool) -> None:
    write_file(tmp_path, STORES, baked=baked)
    found = settings(tmp_path, "STORAGES", "CACHES", environ={"POCKET_STAGE": "dev", "POCKET_HOSTS": ""})
    static = found["STORAGES"]["staticfiles"]
    assert static["BACKEND"] == "storages.backends.s3.S3ManifestStaticStorage"
    assert (static["OPTIONS"]["bucket_name"], static["OPTIONS"]["location"]) == ("pocket-dev-board", "static")
    assert found["STORAGES"]["default"] == {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": "/tmp/media", "base_url": "/media/"},
    }
    assert found["CACHES"] == {
        "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache_table"},
        "other": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": "/tmp/cache",
            "OPTIONS": {"MAX_ENTRIES": 5},
        },
    }


@pytest.mark.parametrize("baked", [True, False])
def test_every_store_of_the_file_is_a_backend_without_a_stage(tmp_path: Path, baked: bool) -> None:
    write_file(tmp_path, STORES, baked=baked)
    found = settings(tmp_path, "STORAGES", "CACHES")
    media = found["STORAGES"]["default"]
    assert media["BACKEND"] == "storages.backends.s3.S3Storage"
    assert (media["OPTIONS"]["bucket_name"], media["OPTIONS"]["location"]) == ("own-bucket", "media")
    assert found["STORAGES"]["staticfiles"] == {
        "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    }
    assert found["CACHES"] == {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://cache"}
    }


def write_file(directory: Path, text: str, *, baked: bool) -> None:
    """Writes pocket.toml, or only its manifest, as a deploy does."""
    path = directory / "pocket.toml"
    path.write_text(text)
    if baked:
        (directory / naming.MANIFEST_FILE).write_text(build_manifest(load(path)).to_json())
        path.unlink()


def test_the_file_is_found_from_the_settings_modules_folder(tmp_path: Path) -> None:
    (tmp_path / "pocket.toml").write_text(FALLBACK)
    (tmp_path / "elsewhere").mkdir()
    environ = {**write_settings(tmp_path), "PYTHONPATH": str(tmp_path)}
    assert len(evaluate(f"{READ}settings.CORS_ALLOWED_ORIGINS", tmp_path / "elsewhere", environ)) == 2


def test_helpers_read_no_setting(tmp_path: Path) -> None:
    write_manifest(tmp_path, Stage(stack_name="s", django=TABLES))
    code = """
from pocket.django.runtime import get_django_settings, set_envs
from pocket.django.utils import get_caches, get_storages
get_storages(); get_caches(); set_envs(); get_django_settings()
from django.conf import settings
result = settings.configured
"""
    assert evaluate(code, tmp_path, {"POCKET_STAGE": "dev"}) is False


def test_changing_a_result_does_not_change_the_next(tmp_path: Path) -> None:
    write_manifest(tmp_path, Stage(stack_name="s"))
    code = """
from pocket.django.utils import get_caches, get_storages
get_storages()["default"]["BACKEND"] = "x"; get_caches()["default"]["BACKEND"] = "x"
result = [get_storages(), get_caches()]
"""
    assert evaluate(code, tmp_path, {"POCKET_STAGE": "dev"}) == [DEFAULT_STORAGES, DEFAULT_CACHES]


def test_without_a_stage_set_envs_reads_no_file_and_makes_no_call(tmp_path: Path, aws: AWSDouble) -> None:
    code = """
import os, sys
before = dict(os.environ)
opened = []
from pocket.django.runtime import set_envs
sys.addaudithook(lambda name, arguments: opened.append(name) if name in ("open", "socket.connect") else None)
set_envs()
result = [opened, dict(os.environ) == before]
"""
    assert evaluate(code, tmp_path, aws.environ) == [[], True]
    assert aws.calls == []


@pytest.mark.parametrize(
    ("environ", "files", "words"),
    [
        ({"POCKET_STAGE": "prd"}, "manifest", ["prd", "dev"]),
        ({}, "", ["pocket.toml"]),
        ({"POCKET_STAGE": "dev"}, "damaged", ["not JSON"]),
        ({}, "s3", ["s3_fallback_bucket_name"]),
    ],
)
def test_errors_are_improperly_configured_and_have_a_hint(
    tmp_path: Path, environ: dict[str, str], files: str, words: list[str]
) -> None:
    if files == "manifest":
        write_manifest(tmp_path, Stage(stack_name="s"))
    elif files == "damaged":
        (tmp_path / "pocket.manifest.json").write_text("{")
    elif files == "s3":
        table = '[general.django_fallback.storages.default]\nstore = "s3"\nlocation = "media"\n'
        (tmp_path / "pocket.toml").write_text(BARE + table)
    done = run(READ + "1", tmp_path, {**write_settings(tmp_path), **environ})
    assert done.returncode == 1
    last = done.stderr[done.stderr.rindex("\npocket.django.configuration.errors.") :]
    assert all(word in last for word in words), last


STAGE = Stage(
    stack_name="pocket-dev-board",
    handlers={
        "web": Handler("pocket.django.lambda_handlers.wsgi_handler", 30, address=True),
        "sqsmanagement": Handler("pocket.django.lambda_handlers.sqs_management_command_handler", 900, queue=True),
    },
    secrets=(
        SecretVariable("SECRET_KEY", "secretsmanager", "pocket-dev-board", "SECRET_KEY"),
        SecretVariable("RSA_PEM_BASE64", "secretsmanager", "pocket-dev-board", "RSA_PEM_BASE64"),
        SecretVariable("RSA_PUB_BASE64", "secretsmanager", "pocket-dev-board", "RSA_PUB_BASE64"),
        SecretVariable("DATABASE_URL", "secretsmanager", "mine"),
        SecretVariable("DEBUG", "ssm", "/board/debug"),
    ),
)
NAMES = [
    *("SECRET_KEY", "RSA_PEM_BASE64", "RSA_PUB_BASE64", "DATABASE_URL", "DEBUG"),
    *("POCKET_PROJECT_NAME", "POCKET_REGION", "POCKET_HOSTS", "POCKET_WEB_HOST", "POCKET_WEB_ENDPOINT"),
    *("POCKET_SQSMANAGEMENT_QUEUEURL", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"),
]


def fill(aws: AWSDouble) -> None:
    aws.put("pocket-dev-board", {"SECRET_KEY": "k" * 50, "RSA_PEM_BASE64": "cGVt", "RSA_PUB_BASE64": "cHVi"})
    aws.put("mine", "postgres://u:p@h/d")
    aws.parameters["/board/debug"] = "False"
    aws.outputs = {
        "WebHost": "abc.execute-api.eu-west-1.amazonaws.com",
        "WebEndpoint": "https://abc.execute-api.eu-west-1.amazonaws.com",
        "SqsmanagementQueueUrl": "https://sqs.eu-west-1.amazonaws.com/1/q",
    }


@pytest.mark.parametrize("injected", [True, False])
def test_set_envs_sets_everything_once(tmp_path: Path, aws: AWSDouble, injected: bool) -> None:
    fill(aws)
    write_manifest(tmp_path, STAGE)
    environ = {**aws.environ, "POCKET_STAGE": "dev", "ALLOWED_HOSTS": "www.example.com"}
    if injected:
        host = aws.outputs["WebHost"]
        environ |= {"POCKET_HOSTS": host, "POCKET_WEB_HOST": host, "POCKET_WEB_ENDPOINT": f"https://{host}"}
        environ["POCKET_SQSMANAGEMENT_QUEUEURL"] = aws.outputs["SqsmanagementQueueUrl"]
    code = f"""
import os
from pocket.django.runtime import set_envs
set_envs(); set_envs()
result = {{name: os.environ[name] for name in {NAMES}}}
"""
    host = "abc.execute-api.eu-west-1.amazonaws.com"
    assert evaluate(code, tmp_path, environ) == {
        "SECRET_KEY": "k" * 50,
        "RSA_PEM_BASE64": "cGVt",
        "RSA_PUB_BASE64": "cHVi",
        "DATABASE_URL": "postgres://u:p@h/d",
        "DEBUG": "False",
        "POCKET_PROJECT_NAME": "board",
        "POCKET_REGION": "eu-west-1",
        "POCKET_HOSTS": host,
        "POCKET_WEB_HOST": host,
        "POCKET_WEB_ENDPOINT": f"https://{host}",
        "POCKET_SQSMANAGEMENT_QUEUEURL": "https://sqs.eu-west-1.amazonaws.com/1/q",
        "ALLOWED_HOSTS": f"www.example.com,{host}",
        "CSRF_TRUSTED_ORIGINS": f"https://{host}",
    }
    expected = ["BatchGetSecretValue", "GetParameters", *([] if injected else ["DescribeStacks"])]
    assert sorted(aws.operations) == sorted(expected)


def test_failed_call_sets_nothing_lists_the_variables_and_is_retried(tmp_path: Path, aws: AWSDouble) -> None:
    fill(aws)
    aws.failures.append((400, "AccessDeniedException"))
    aws.put("late", "x")
    write_manifest(tmp_path, STAGE)
    code = """
import os
from pocket.django.runtime import set_envs
from pocket.errors import SecretUnavailable
before = dict(os.environ)
try:
    set_envs()
except SecretUnavailable as error:
    failed = [list(error.names), str(error)]
unchanged = dict(os.environ) == before
set_envs()
result = [failed, unchanged, os.environ["SECRET_KEY"]]
"""
    (names, message), unchanged, key = evaluate(
        code, tmp_path, {**aws.environ, "POCKET_STAGE": "dev", "POCKET_HOSTS": ""}
    )
    assert unchanged
    assert key == "k" * 50
    assert names in (["SECRET_KEY", "RSA_PEM_BASE64", "RSA_PUB_BASE64", "DATABASE_URL"], ["DEBUG"])
    assert all(name in message for name in names)
    assert "postgres://" not in message


SECRETS = """
[general]
region = "eu-west-1"
stages = ["dev"]
project_name = "board"

[awscontainer.handlers.web]
command = "pocket.django.lambda_handlers.wsgi_handler"
function_url = {}

[awscontainer.secretsmanager.pocket_secrets]
SECRET_KEY = { type = "password", options = { length = 50 } }
RSA = { type = "rsa_pem_base64" }

[awscontainer.secretsmanager.secrets]
DATABASE_URL = "mine"
"""


@pytest.mark.parametrize("baked", [True, False])
def test_the_files_secrets_and_hosts_are_registered(tmp_path: Path, aws: AWSDouble, baked: bool) -> None:
    fill(aws)
    write_file(tmp_path, SECRETS, baked=baked)
    environ = {**aws.environ, "POCKET_STAGE": "dev", **write_settings(tmp_path)}
    names = ["SECRET_KEY", "RSA_PEM_BASE64", "RSA_PUB_BASE64", "DATABASE_URL", "POCKET_WEB_ENDPOINT", "ALLOWED_HOSTS"]
    host = "abc.execute-api.eu-west-1.amazonaws.com"
    assert evaluate(f"{READ}[os.environ[name] for name in {names}] + [settings.ALLOWED_HOSTS]", tmp_path, environ) == [
        "k" * 50,
        *("cGVt", "cHVi", "postgres://u:p@h/d"),
        *(f"https://{host}", host, [host]),
    ]
    assert aws.operations == ["DescribeStacks", "BatchGetSecretValue"]


def test_with_the_store_ssm_every_generated_value_is_a_parameter(tmp_path: Path, aws: AWSDouble) -> None:
    store = "[awscontainer.secretsmanager.pocket_secrets]"
    text = SECRETS.replace(store, f'[awscontainer.secretsmanager]\nstore = "ssm"\n\n{store}')
    write_file(tmp_path, text.replace('"mine"', '"/mine"'), baked=True)
    names = ["SECRET_KEY", "RSA_PEM_BASE64", "RSA_PUB_BASE64"]
    aws.parameters = {"/mine": "postgres://", **{f"/pocket-dev-board/{name}": name.lower() for name in names}}
    environ = {**aws.environ, "POCKET_STAGE": "dev", "POCKET_HOSTS": ""}
    code = (
        f"import os\nfrom pocket.django.runtime import set_envs\nset_envs()\nresult = [os.environ[n] for n in {names}]"
    )
    assert evaluate(code, tmp_path, environ) == [name.lower() for name in names]
    assert aws.operations == ["GetParameters"]


CALL = f"""
{READ}None
import contextlib, io
from pocket.django.utils import pocket_call_command
def call(**options):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return pocket_call_command("diffsettings", kwargs={{"output": "unified"}}, **options)
    except Exception as error:
        return [type(error).__name__, str(error)]
result = [call(), call(force_direct=True), call(force_sqs=True), call(force_direct=True, force_sqs=True),
          call(queue_key="other")]
"""


def test_with_a_stage_a_command_goes_through_its_queue(tmp_path: Path, aws: AWSDouble) -> None:
    fill(aws)
    write_manifest(tmp_path, STAGE)
    environ = {**aws.environ, "POCKET_STAGE": "dev", **write_settings(tmp_path)}
    either, direct, forced, both, other = evaluate(CALL, tmp_path, environ)
    assert [either, forced] == ["message-4", "message-5"]
    assert "+ STATIC_URL" in direct
    assert direct == other
    assert both[0] == "ValueError"
    sent = [payload for operation, payload in aws.calls if operation == "SendMessage"]
    body = '{"command": "diffsettings", "args": [], "kwargs": {"output": "unified"}}'
    assert sent == [{"QueueUrl": aws.outputs["SqsmanagementQueueUrl"], "MessageBody": body}] * 2


def test_without_a_stage_a_command_runs_in_this_process(tmp_path: Path, aws: AWSDouble) -> None:
    (tmp_path / "pocket.toml").write_text(BARE)
    either, direct, forced, both, other = evaluate(CALL, tmp_path, {**aws.environ, **write_settings(tmp_path)})
    assert "+ STATIC_URL" in either
    assert either == direct == other
    assert forced[0] == "CommandFailed"
    assert "[awscontainer.handlers.sqsmanagement]" in forced[1]
    assert both[0] == "ValueError"
    assert aws.calls == []


def test_placeholders_make_no_call(tmp_path: Path, aws: AWSDouble) -> None:
    write_manifest(tmp_path, STAGE)
    environ = {**aws.environ, "POCKET_STAGE": "dev", "POCKET_PLACEHOLDER_SECRETS": "1"}
    found = evaluate(
        f"{READ}[os.environ['DATABASE_URL'], len(settings.SECRET_KEY)]",
        tmp_path,
        {**environ, **write_settings(tmp_path)},
    )
    assert found[0] == "sqlite:///:memory:"
    assert found[1] >= 50
    assert aws.calls == []


COMPLETE = """
import environ, os
from pathlib import Path
from pocket.django.runtime import set_envs, get_django_settings
from pocket.django.utils import get_caches, get_storages
BASE_DIR = Path(__file__).resolve().parent
STORAGES = get_storages()
CACHES = get_caches()
environ.Env.read_env(BASE_DIR / ".env")
env = environ.Env(SECRET_KEY=str, DEBUG=(bool, False), ALLOWED_HOSTS=(list, []))
set_envs()
SECRET_KEY = env.str("SECRET_KEY")
DEBUG = env.bool("DEBUG")
TRAP = bool(os.environ.get("DEBUG"))
DATABASES = {"default": env.db()}
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
vars().update(get_django_settings())
"""


def test_the_complete_example_without_a_stage_reads_the_env_file(tmp_path: Path, aws: AWSDouble) -> None:
    (tmp_path / "pocket.toml").write_text(FALLBACK)
    (tmp_path / ".env").write_text("SECRET_KEY=own\nDEBUG=True\nDATABASE_URL=sqlite:///own.sqlite3\n")
    environ = {**aws.environ, **write_settings(tmp_path, COMPLETE)}
    found = "[settings.SECRET_KEY, settings.DEBUG, settings.DATABASES['default']['NAME'], settings.ALLOWED_HOSTS,"
    found = evaluate(f"{READ}{found} settings.CORS_ALLOWED_ORIGINS[0]]", tmp_path, environ)
    assert found == ["own", True, "own.sqlite3", [], "http://localhost:5173"]
    assert aws.calls == []


def test_the_complete_example_with_django_environ_gives_typed_settings(tmp_path: Path, aws: AWSDouble) -> None:
    fill(aws)
    write_manifest(tmp_path, STAGE)
    (tmp_path / ".env").touch()
    environ = {**aws.environ, "POCKET_STAGE": "dev", **write_settings(tmp_path, COMPLETE)}
    found = evaluate(
        f"{READ}[settings.DEBUG, settings.TRAP, settings.ALLOWED_HOSTS, settings.DATABASES['default']['NAME']]",
        tmp_path,
        environ,
    )
    assert found == [False, True, ["abc.execute-api.eu-west-1.amazonaws.com"], "d"]
