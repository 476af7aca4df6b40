"""One stage: its names, its settings module and the variables of its secrets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pocket import config
from pocket.config.manage_file import settings_module_of
from pocket.manifest import Database, SecretVariable

Read = Callable[..., config.Project]

DJANGO_MANAGE = '''\
#!/usr/bin/env python
"""Django's command-line utility for administrative tasks."""
import os
import sys


def main():
    """Run administrative tasks."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as exc:
        raise ImportError("Couldn't import Django.") from exc
    execute_from_command_line(sys.argv)
'''


BY_ARGUMENTS = """
import os, sys
if "test" in sys.argv:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a.test")
else:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a.b")
"""
CONCLUDED = """
import os, sys
TESTING = len(sys.argv) > 1 and sys.argv[1] == "test"
def main():
    if TESTING:
        os.environ["DJANGO_SETTINGS_MODULE"] = "a.test"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a.b")
"""


def test_names_follow_from_prefix_stage_and_project(read: Read) -> None:
    stage = read("[s3]\n[prd.general]\nproject_name = 'forum'\nobject_prefix = 'acme-'\n[prd.s3]\n").stage("prd")
    assert (stage.project_name, stage.object_prefix, stage.region) == ("forum", "acme-", "ap-northeast-1")
    assert stage.resource_name() == stage.stack_name == stage.pocket_key == stage.bucket_name == "acme-prd-forum"
    assert stage.resource_name("web", "x") == "acme-prd-forum-web-x"
    assert stage.function_name("web") == "acme-prd-forum-web"
    assert stage.queue_name("web", fifo=False) == "acme-prd-forum-web"
    assert stage.queue_name("web", fifo=True) == "acme-prd-forum-web.fifo"
    assert stage.dead_letters_name("web", fifo=True) == "acme-prd-forum-web-dead-letters.fifo"


def test_a_stage_without_tables_has_no_bucket_and_no_secrets(read: Read) -> None:
    stage = read("").stage("dev")
    assert stage.bucket_name is None
    assert stage.awscontainer is None
    assert stage.secret_variables == ()


@pytest.mark.parametrize(
    ("source", "module"),
    [
        (DJANGO_MANAGE, "config.settings"),
        ('import os\nos.environ["DJANGO_SETTINGS_MODULE"] = "a.b"', "a.b"),
        ('from os import environ\nif True:\n    environ.setdefault("DJANGO_SETTINGS_MODULE", "a.b")', "a.b"),
        ('import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", name)', None),
        ('import os\nos.environ.setdefault("OTHER", "a.b")', None),
        (BY_ARGUMENTS, "a.b"),
        (BY_ARGUMENTS.replace(" in sys.argv", " not in sys.argv"), "a.test"),
        (BY_ARGUMENTS.replace('if "test"', "if not len(sys.argv) > 1"), "a.test"),
        (
            'import os, sys\nos.environ["DJANGO_SETTINGS_MODULE"] = "a.test" if sys.argv[1:2] == ["test"] else "a.b"',
            "a.b",
        ),
        (CONCLUDED, "a.b"),
        ("def broken(:", None),
        ("\x00", None),
    ],
)
def test_the_settings_module_is_read_from_manage_py_without_running_it(
    tmp_path: Path, source: str, module: str | None
) -> None:
    (tmp_path / "manage.py").write_text(source)
    assert settings_module_of(tmp_path / "manage.py") == module


def test_the_settings_module_of_envs_comes_first(read: Read, folder: Path) -> None:
    assert read("").stage("dev").settings_module is None
    (folder / "manage.py").write_text(DJANGO_MANAGE)
    project = read("[dev.awscontainer]\nenvs = { DJANGO_SETTINGS_MODULE = 'config.dev' }")
    assert project.stage("dev").settings_module == "config.dev"
    assert project.stage("prd").settings_module == "config.settings"


SECRETS = """\
[awscontainer.secretsmanager]
store = "{store}"
[awscontainer.secretsmanager.pocket_secrets]
SECRET_KEY = {{ type = "password" }}
JWT = {{ type = "rsa_pem_base64", options = {{ pub_base64_environ_suffix = "_PUBLIC" }} }}
[awscontainer.secretsmanager.secrets]
BARE = "name"
BARE_KEY = "name#a#b"
ARN = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:x-AbCdEf"
ARN_KEY = "arn:aws-cn:secretsmanager:ap-northeast-1:123456789012:secret:x-AbCdEf#url"
PARAMETER = "arn:aws:ssm:ap-northeast-1:123456789012:parameter/a/b"
"""
ARNS = (
    SecretVariable("ARN", "secretsmanager", "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:x-AbCdEf", None),
    SecretVariable(
        "ARN_KEY", "secretsmanager", "arn:aws-cn:secretsmanager:ap-northeast-1:123456789012:secret:x-AbCdEf", "url"
    ),
    SecretVariable("PARAMETER", "ssm", "arn:aws:ssm:ap-northeast-1:123456789012:parameter/a/b", None),
)


def test_generated_values_share_a_secret_and_bare_names_are_in_its_store(read: Read) -> None:
    stage = read(SECRETS.format(store="secretsmanager")).stage("dev")
    assert stage.generated_variables == (
        SecretVariable("SECRET_KEY", "secretsmanager", "pocket-dev-board", "SECRET_KEY"),
        SecretVariable("JWT_PEM_BASE64", "secretsmanager", "pocket-dev-board", "JWT_PEM_BASE64"),
        SecretVariable("JWT_PUBLIC", "secretsmanager", "pocket-dev-board", "JWT_PUBLIC"),
    )
    assert stage.secret_variables == (
        *stage.generated_variables,
        SecretVariable("BARE", "secretsmanager", "name", None),
        SecretVariable("BARE_KEY", "secretsmanager", "name", "a#b"),
        *ARNS,
    )


def test_in_the_parameter_store_each_generated_value_is_a_parameter(read: Read) -> None:
    stage = read(SECRETS.format(store="ssm")).stage("prd")
    assert stage.generated_variables == (
        SecretVariable("SECRET_KEY", "ssm", "/pocket-prd-board/SECRET_KEY", None),
        SecretVariable("JWT_PEM_BASE64", "ssm", "/pocket-prd-board/JWT_PEM_BASE64", None),
        SecretVariable("JWT_PUBLIC", "ssm", "/pocket-prd-board/JWT_PUBLIC", None),
    )
    assert stage.secret_variables == (
        *stage.generated_variables,
        SecretVariable("BARE", "ssm", "name", None),
        SecretVariable("BARE_KEY", "ssm", "name", "a#b"),
        *ARNS,
    )


def test_a_path_as_the_pocket_key_is_not_doubled(read: Read) -> None:
    table = "[awscontainer.secretsmanager]\nstore = 'ssm'\npocket_key_format = '/team/{stage}/'\n"
    stage = read(table + "pocket_secrets.SECRET_KEY.type = 'password'").stage("dev")
    assert stage.generated_variables[0].secret_id == "/team/dev/SECRET_KEY"


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("15m", 900), ("2h", 7200)])
def test_refresh_is_read_as_seconds(read: Read, text: str, seconds: int) -> None:
    stage = read(f"[awscontainer.secretsmanager]\nrefresh = '{text}'").stage("dev")
    assert stage.secretsmanager.refresh_seconds == seconds


def test_a_schedule_splits_its_command_line_as_a_shell_would(read: Read) -> None:
    text = """
    [awscontainer.handlers.management]
    command = "pocket.django.lambda_handlers.management_command_handler"
    schedule = [{ expression = "rate(1 day)", manage = "archive 'old topics' --days=30" }]
    """
    container = read(text).stage("dev").awscontainer
    assert container is not None
    (schedule,) = container.handlers["management"].schedule
    assert schedule.command == "archive"
    assert schedule.arguments == ["old topics", "--days=30"]


def test_a_stage_has_sites_and_a_handler_for_commands(read: Read) -> None:
    project = read("""
    [awscontainer.handlers]
    web = { command = "a.b", apigateway = {} }
    silent = { command = "a.b" }
    url = { command = "a.b", function_url = {} }
    [dev.awscontainer.handlers]
    management = { command = "pocket.django.lambda_handlers.management_command_handler" }
    """)
    assert project.stage("dev").sites == project.stage("prd").sites == ("web", "url")
    assert project.stage("dev").command_handler == "management"
    assert project.stage("prd").command_handler is None


def test_the_database_fills_a_variable(read: Callable[..., config.Project]) -> None:
    table = '[database]\nengine = "postgresql"\nsecret = "{project}/{stage}/url#main"\n[awscontainer.secretsmanager]\n'
    expected = SecretVariable("DATABASE_URL", "secretsmanager", "board/dev/url", "main")
    assert read(table).stage("dev").secret_variables == (expected,)
    named = read(table + 'store = "ssm"\npocket_secrets.MAIN_DB.type = "database_url"\nplaceholders.MAIN_DB = "x"')
    assert named.stage("dev").secret_variables == (SecretVariable("MAIN_DB", "ssm", "board/dev/url", "main", "x"),)
    assert named.stage("dev").generated_variables == ()
    found = config.build_manifest(named).stages["dev"].database
    assert found == Database("postgresql", "MAIN_DB")
    assert read("").stage("dev").database_variable is None
