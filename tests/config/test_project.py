"""`pocket.config.load`: a whole file, its merged stages, and all of its issues at once."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pocket import config
from pocket.config.project import loads
from pocket.errors import ConfigError, ConfigErrors

Read = Callable[..., config.Project]
Refused = Callable[..., list[ConfigError]]

EXAMPLE = Path(__file__).parents[2] / "examples" / "board" / "pocket.toml"

BOARD = """\
[general]
region = "ap-northeast-1"
stages = ["local", "dev", "prd"]
s3_fallback_bucket_name = "board-uploads"

[general.django_fallback.storages]
default = { store = "filesystem" }

[s3]
public_dirs = ["static"]

[awscontainer]
python_version = "3.13"
envs = { DEBUG = "false", DJANGO_SETTINGS_MODULE = "board.settings" }

[awscontainer.handlers.web]
command = "pocket.django.lambda_handlers.wsgi_handler"
apigateway = {}

[awscontainer.handlers.management]
command = "pocket.django.lambda_handlers.management_command_handler"
timeout = 600
schedule = [{ expression = "cron(0 3 * * ? *)", manage = "archive_topics --days '30'" }]

[awscontainer.handlers.sqsmanagement]
command = "pocket.django.lambda_handlers.sqs_management_command_handler"
timeout = 600
sqs = {}

[awscontainer.secretsmanager]
refresh = "15m"

[awscontainer.secretsmanager.pocket_secrets]
SECRET_KEY = { type = "password", options = { length = 50 } }
JWT = { type = "rsa_pem_base64" }

[awscontainer.secretsmanager.secrets]
DATABASE_URL = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:board-AbCdEf#url"

[awscontainer.django.storages]
default = { store = "s3", location = "media" }
staticfiles = { store = "s3", location = "static", static = true, manifest = true }

[awscontainer.django.caches]
default = { store = "database", location = "cache" }

[awscontainer.django.settings]
DEFAULT_FROM_EMAIL = "board@example.com"
CORS_ALLOWED_ORIGINS = ["https://example.com"]

[local.awscontainer.django]
storages.default = { store = "filesystem" }

[dev.awscontainer.handlers.web]
memory_size = 1024

[dev.awscontainer.django.settings]
CORS_ALLOWED_ORIGINS = ["https://dev.example.com"]

[prd.general]
region = "us-east-1"

[prd.awscontainer.secretsmanager.secrets]
DATABASE_URL = "board-prd#url"
"""


def test_all_planted_issues_are_reported_at_once_with_their_lines(refused: Refused, folder: Path) -> None:
    planted = (
        BOARD.replace("memory_size = 1024", "memory_sise = 1024")
        .replace("[prd.general]", "[prod.general]")
        .replace("timeout = 600\nsqs", 'timeout = "600"\nsqs')
        .replace("cron(0 3 * * ? *)", "cron(0 3 * * * *)")
        .replace('DEBUG = "false"', "AWS_REGION = 'x'")
        .replace('{ type = "rsa_pem_base64" }', '{ type = "rsa" }')
        .replace("static = true, manifest = true", "manifest = true")
        .replace('store = "database", location = "cache"', 'store = "efs"')
        .replace('public_dirs = ["static"]', 'public_dirs = ["static", "/media"]')
        .replace('CORS_ALLOWED_ORIGINS = ["https://dev.example.com"]', "STARTED = 2026-01-01")
    )
    lines = planted.splitlines()

    found = refused(planted, head="")

    assert [(issue.line, issue.key) for issue in found] == [
        (10, "s3.public_dirs[1]"),
        (14, "awscontainer.envs.AWS_REGION"),
        (23, "awscontainer.handlers.management.schedule[0].expression"),
        (27, "awscontainer.handlers.sqsmanagement.timeout"),
        (35, "awscontainer.secretsmanager.pocket_secrets.JWT.type"),
        (42, "awscontainer.django.storages.staticfiles.manifest"),
        (45, "awscontainer.django.caches.default.store"),
        (55, "dev.awscontainer.handlers.web.memory_sise"),
        (58, "dev.awscontainer.django.settings.STARTED"),
        (60, "prod"),
    ]
    for issue in found:
        assert issue.file == folder / "pocket.toml"
        assert issue.key.rsplit(".")[-1].split("[")[0] in lines[(issue.line or 0) - 1]
    assert found[7].hint == 'Did you mean "memory_size"?'
    assert found[9].hint == 'Did you mean "prd"?'


def test_a_whole_file_is_read(read: Read, folder: Path) -> None:
    project = read(BOARD, head="")
    assert project.path == folder / "pocket.toml"
    assert project.directory == folder
    assert list(project.stages) == ["local", "dev", "prd"]
    assert project.general.project_name == "board"
    local, dev, prd = project.stages.values()
    assert local.awscontainer is not None
    assert dev.awscontainer is not None
    assert prd.awscontainer is not None
    assert dev.awscontainer.handlers["web"].memory_size == 1024
    assert dev.awscontainer.handlers["web"].command == prd.awscontainer.handlers["web"].command
    assert prd.awscontainer.handlers["web"].memory_size == 512
    assert (dev.region, prd.region) == ("ap-northeast-1", "us-east-1")
    assert local.awscontainer.django.storages["default"].store == "filesystem"
    assert dev.awscontainer.django.settings == {
        "DEFAULT_FROM_EMAIL": "board@example.com",
        "CORS_ALLOWED_ORIGINS": ["https://dev.example.com"],
    }


def test_a_storage_of_another_store_keeps_the_common_keys(read: Read) -> None:
    container = read(BOARD, head="").stage("local").awscontainer
    assert container is not None
    assert container.django.storages["default"].location == "media"


def test_the_project_takes_the_folders_name_unless_it_has_one(read: Read) -> None:
    assert read("").general.project_name == "board"
    assert read('project_name = "forum"\n').general.project_name == "forum"


def test_a_directory_name_that_is_not_valid_has_a_hint_with_one_that_is(tmp_path: Path) -> None:
    path = tmp_path / "My Site_2" / "pocket.toml"
    path.parent.mkdir()
    path.write_text('# x\n[general]\nregion = "eu-west-1"\nstages = ["dev"]\n')
    with pytest.raises(ConfigErrors) as caught:
        config.load(path)
    (issue,) = caught.value.errors
    assert (issue.line, issue.key) == (2, "general.project_name")
    assert "'My Site_2'" in issue.message
    assert issue.hint == 'Add project_name = "my-site-2" to [general].'


def test_the_error_for_an_unknown_stage_lists_the_declared_ones(read: Read) -> None:
    project = read("")
    with pytest.raises(ConfigError) as caught:
        project.stage("pdr")
    assert "dev, prd" in caught.value.message
    assert caught.value.hint == 'Did you mean "prd"?'
    with pytest.raises(ConfigError) as caught:
        project.stage("xyz")
    assert "dev, prd" in caught.value.message
    assert caught.value.hint == "Use one of them, or add it to stages in [general]."


def test_another_room_can_make_an_error_about_a_key(read: Read) -> None:
    project = read(BOARD, head="")
    own = project.error("dev", ("awscontainer", "handlers", "web", "memory_size"), "No.", "Hint.")
    assert (own.file, own.line, own.key) == (project.path, 55, "dev.awscontainer.handlers.web.memory_size")
    common = project.error("dev", ("awscontainer", "handlers", "web", "apigateway", "domain"), "No.")
    assert (common.line, common.key) == (18, "awscontainer.handlers.web.apigateway.domain")
    assert common.message == "No."


@pytest.mark.parametrize(
    ("text", "issues"),
    [
        ("", [(1, "general", "required")]),
        ("x = 1\n", [(1, "general", "required")]),
        ("general = 1\n", [(1, "general", "Expected a table.")]),
        ("[general]\n", [(1, "general.region", "required"), (1, "general.stages", "required")]),
        ('[general]\nregion = "tokyo"\nstages = ["dev"]', [(2, "general.region", "AWS region")]),
        (
            '[general]\nregion = "eu-west-1"\nstages = ["dev"]\ns3_fallback_bucket_name = "x_y"',
            [(4, "general.s3_fallback_bucket_name", "the name of an S3 bucket: lowercase")],
        ),
        (
            '[general]\nregion = "eu-west-1"\nstages = ["dev", [], {}]',
            [(3, "general.stages[1]", "string"), (3, "general.stages[2]", "string")],
        ),
        ('[general]\nregion = "eu-west-1"\nstages = []', [(3, "general.stages", "at least 1 item")]),
        ('[general]\nregion = "eu-west-1"\nstages = "dev"', [(3, "general.stages", "Expected a list")]),
        (
            '[general]\nregion = "eu-west-1"\nstages = ["dev",\n"Prd"]',
            [(4, "general.stages[1]", "the name of a stage")],
        ),
        ('[general]\nregion = "eu-west-1"\nstages = ["dev",\n"s3"]', [(4, "general.stages[1]", "name of a table")]),
        ('[general]\nregion = "eu-west-1"\nstages = ["dev",\n"dev"]', [(4, "general.stages[1]", "declared twice")]),
    ],
)
def test_general_has_rules_of_its_own(refused: Refused, text: str, issues: list[tuple[int, str, str]]) -> None:
    found = refused(text, head="")
    assert [(issue.line, issue.key) for issue in found] == [(line, key) for line, key, _ in issues]
    for issue, (_, _, words) in zip(found, issues, strict=True):
        assert words in issue.message


@pytest.mark.parametrize(
    ("text", "line", "key", "hint"),
    [
        ("[s4]", 4, "s4", 'Did you mean "s3"?'),
        ("[awscontaner]", 4, "awscontaner", 'Did you mean "awscontainer"?'),
        ("[dev.s4]", 4, "dev.s4", 'Did you mean "s3"?'),
        (
            "[dev]\nx = 1",
            5,
            "dev.x",
            "Expected one of: alarms, awscontainer, cloudfront, database, general, s3, ses, vpc.",
        ),
        (
            "[qqq.s3]",
            4,
            "qqq",
            "Expected one of: alarms, awscontainer, cloudfront, database, dev, general, prd, previews, s3, ses, vpc.",
        ),
        ("regoin = 'x'", 4, "general.regoin", 'Did you mean "region"?'),
        ("[s3]\npublic_dir = []", 5, "s3.public_dir", 'Did you mean "public_dirs"?'),
        ("[prd.s3]\npublic_dir = []", 5, "prd.s3.public_dir", 'Did you mean "public_dirs"?'),
        ("[awscontainer.handlers.web]\ncommand = 'a.b'\nsqs.fifos = true", 6,
         "awscontainer.handlers.web.sqs.fifos", 'Did you mean "fifo"?'),
        ("[awscontainer.handlers.web]\ncommand = 'a.b'\nfunction_url.x = 1", 6,
         "awscontainer.handlers.web.function_url.x", ""),
        ("[awscontainer.secretsmanager]\npocket_secret = {}", 5,
         "awscontainer.secretsmanager.pocket_secret", 'Did you mean "pocket_secrets"?'),
        ("[awscontainer.django]\nstorage = {}", 5, "awscontainer.django.storage", 'Did you mean "storages"?'),
        ("[general.django_fallback]\ncahces = {}", 5, "general.django_fallback.cahces", 'Did you mean "caches"?'),
        ("[dev.general]\nstages = []", 5, "dev.general.stages",
         "A stage can override region, account, tags, project_name, object_prefix."),
        ("[dev.general]\nregio = 'x'", 5, "dev.general.regio",
         "A stage can override region, account, tags, project_name, object_prefix."),
    ],
)  # fmt: skip
def test_an_unknown_key_is_reported_once_with_the_nearest_known_one(
    refused: Refused, text: str, line: int, key: str, hint: str
) -> None:
    (issue,) = refused(text)
    assert (issue.line, issue.key, issue.hint) == (line, key, hint)


def test_a_top_level_key_of_general_has_a_hint_with_its_table(refused: Refused) -> None:
    (issue,) = refused('[general]\nregion = "eu-west-1"\nstages = ["dev"]\n', head='project_name = "x"\n')
    assert (issue.line, issue.key) == (1, "project_name")
    assert "[general]" in issue.hint


def test_a_stage_that_is_not_a_table_is_an_issue(refused: Refused) -> None:
    (issue,) = refused('[general]\nregion = "eu-west-1"\nstages = ["dev"]\n', head="dev = 1\n")
    assert (issue.line, issue.key, issue.message) == (1, "dev", "Expected a table.")


def test_a_stage_that_is_not_a_table_does_not_repeat_the_common_issues(refused: Refused) -> None:
    found = refused('[general]\nregion = "eu-west-1"\nstages = ["dev", "prd"]\n[s3]\nx = 1', head="dev = 1\n")
    assert [(issue.line, issue.key) for issue in found] == [(1, "dev"), (6, "s3.x")]


def test_a_stage_may_complete_a_common_table_and_a_stage_that_does_not_is_named(read: Read, refused: Refused) -> None:
    table = "[awscontainer.handlers.web]\ntimeout = 10\n[dev.awscontainer.handlers.web]\ncommand = 'a.b'\n"
    (issue,) = refused(table)
    assert (issue.line, issue.key) == (4, "awscontainer.handlers.web.command")
    assert "(in stage prd)" in issue.message
    read(table + "[prd.awscontainer.handlers.web]\ncommand = 'a.c'\n")


def test_an_issue_of_a_stage_has_the_line_of_the_stages_own_value(refused: Refused) -> None:
    table = "[awscontainer.handlers.web]\ncommand = 'a.b'\ntimeout = 10\n[prd.awscontainer.handlers.web]\n"
    (issue,) = refused(table + "timeout = 'long'")
    assert (issue.line, issue.key) == (8, "prd.awscontainer.handlers.web.timeout")
    assert issue.message == 'Expected a whole number, found "long".'


def test_a_common_issue_and_a_stages_own_are_both_reported(refused: Refused) -> None:
    table = "[awscontainer.handlers.web]\ncommand = 'a.b'\ntimeout = 0\n[prd.awscontainer.handlers.web]\ntimeout = 901"
    assert [(issue.line, issue.key) for issue in refused(table)] == [
        (6, "awscontainer.handlers.web.timeout"),
        (8, "prd.awscontainer.handlers.web.timeout"),
    ]


def test_issues_in_general_do_not_hide_those_of_the_tables(refused: Refused) -> None:
    text = '[general]\nregion = 1\nstages = ["dev", "Prd"]\n[s3]\nx = 1\n[dev.s3]\ny = 1\n'
    assert [issue.key for issue in refused(text, head="")] == [
        "general.region",
        "general.stages[1]",
        "s3.x",
        "dev.s3.y",
    ]
    text = "[s3]\nx = 1\n"
    assert [issue.key for issue in refused(text, head="")] == ["general", "s3.x"]


def test_all_issues_are_printed_each_on_its_line(refused: Refused, folder: Path) -> None:
    errors = ConfigErrors(refused("[s3]\na = 1\nb = 2"))
    assert [line.split(": ")[:2] for line in str(errors).splitlines() if ": s3." in line] == [
        [f"{folder / 'pocket.toml'}:5", "s3.a"],
        [f"{folder / 'pocket.toml'}:6", "s3.b"],
    ]


@pytest.mark.parametrize("name", ["web-1", "web_1", "w"])
def test_valid_names_of_handlers(read: Read, name: str) -> None:
    read(f"[awscontainer.handlers.{name}]\ncommand = 'a.b'")


@pytest.mark.parametrize("name", ["Web", "1web", '"w b"', '""', '"web.1"'])
def test_invalid_names_of_handlers_are_issues_at_the_name(refused: Refused, name: str) -> None:
    (issue,) = refused(f"[awscontainer.handlers.{name}]\ncommand = 'a.b'")
    assert issue.line == 4
    assert "the name of a handler" in issue.message


def test_a_key_that_looks_like_pydantics_marker_is_an_ordinary_key(refused: Refused) -> None:
    assert [(issue.line, issue.message) for issue in refused('"[key]" = 1')] == [(4, "Unknown key.")]
    (issue,) = refused('[awscontainer.envs]\n"[key]" = "x"')
    assert (issue.line, issue.key) == (5, 'awscontainer.envs."[key]"')
    assert 'found "[key]"' in issue.message
    (issue,) = refused('[awscontainer.django.storages]\n"[key]" = 1')
    assert (issue.line, issue.key) == (5, 'awscontainer.django.storages."[key]"')


def test_a_stages_own_general_that_is_not_a_table_is_an_issue(refused: Refused) -> None:
    (issue,) = refused("[dev]\ngeneral = 1")
    assert (issue.line, issue.key) == (5, "dev.general")
    assert issue.message.startswith("Expected a table")


EARLIER = """\
[general]
region = "ap-southeast-1"
project_name = "board"
stages = ["dev", "feature-a", "prd"]

[s3]
public_dirs = ["static"]
bucket_name_format = "{prefix}{project}"
[prd.s3]
bucket_name_format = "{prefix}{stage}-{project}"

[awscontainer]
platform = "linux/amd64"

[awscontainer.handlers.wsgi]
command = "pocket.django.lambda_handlers.wsgi_handler"
[awscontainer.handlers.management]
command = "pocket.django.lambda_handlers.management_command_handler"
timeout = 600

[dev.awscontainer.handlers.wsgi]
apigateway = {}

[awscontainer.secretsmanager]
pocket_key_format = "{prefix}{project}"
[awscontainer.secretsmanager.pocket_secrets]
SECRET_KEY = { type = "password", options = { length = 50 } }
DJANGO_SUPERUSER_PASSWORD = { type = "password", options = { length = 16 } }

[awscontainer.django.storages]
default = { store = "s3", location = "media" }
staticfiles = { store = "s3", location = "static", static = true, manifest = true }
"""


def test_a_file_of_the_formats_own_time_is_accepted_as_it_is(read: Read) -> None:
    stages = read(EARLIER, head="").stages
    assert [stage.bucket_name for stage in stages.values()] == [
        "pocket-board-dev",
        "pocket-board-feature-a",
        "pocket-prd-board",
    ]
    assert [stage.pocket_key for stage in stages.values()] == [f"pocket-board-{name}" for name in stages]
    dev = stages["feature-a"].awscontainer
    assert dev is not None
    assert dev.architecture == "x86_64"
    assert dev.secretsmanager.pocket_secrets["DJANGO_SUPERUSER_PASSWORD"].options.length == 16
    assert stages["feature-a"].function_name("wsgi") == "pocket-feature-a-board-wsgi"


@pytest.mark.parametrize("name", ["dev-", "-dev", "a--b", "1-a", "Dev-a", "a_b"])
def test_hyphens_of_a_stage_are_single_and_between_letters(refused: Refused, name: str) -> None:
    (issue,) = refused("", head=f'[general]\nregion = "eu-west-1"\nstages = ["{name}"]\n')
    assert "the name of a stage" in issue.message


def test_a_stages_own_format_stays_as_it_is_and_every_name_holds_for_one_stage(read: Read) -> None:
    stages = read('[s3]\nbucket_name_format = "a"\n[dev.s3]\nbucket_name_format = "my-files"').stages
    assert [stage.bucket_name for stage in stages.values()] == ["my-files", "a-prd"]


def test_two_stages_must_not_share_a_function(refused: Refused) -> None:
    text = '[dev.awscontainer.handlers.b-web]\ncommand = "a.b"\n[dev-b.awscontainer.handlers.web]\ncommand = "a.b"\n'
    head = '[general]\nregion = "eu-west-1"\nproject_name = "b"\nstages = ["dev", "dev-b"]\n'
    (issue,) = refused(text, head=head)
    assert 'The stages dev and dev-b would share the function "pocket-dev-b-b-web"' in issue.message


def test_two_stages_must_not_share_a_stack(read: Read, refused: Refused) -> None:
    head = '[general]\nregion = "eu-west-1"\nstages = ["dev", "adev"]\nobject_prefix = ""\n'
    text = '[dev.general]\nobject_prefix = "a"\n'
    (issue,) = refused(text, head=head)
    assert "The stages dev and adev would share the stack" in issue.message
    read(text + '[adev.general]\nregion = "us-east-1"\n', head=head)


def test_a_list_item_without_a_required_key_does_not_affect_its_neighbour(refused: Refused) -> None:
    table = "[awscontainer.handlers.web]\ncommand = 'a.b'\nschedule = [\n{},\n{ expression = 'rate(1 day)' }]"
    assert [(issue.line, issue.key) for issue in refused(table)] == [
        (7, "awscontainer.handlers.web.schedule[0].expression"),
    ]


def misspelt() -> Iterator[tuple[str, str]]:
    """The example's file with an `x` behind the name of one key or table, for each, and that name."""
    lines = EXAMPLE.read_text().splitlines()
    for number, line in enumerate(lines):
        name = r"[A-Za-z_]+(?=\]+)" if line.startswith("[") else r"(?<![\w\"'.])[A-Za-z_]+(?=\s*=)"
        for found in re.finditer(name, line) if not line.startswith("#") else ():
            changed = f"{line[: found.end()]}x{line[found.end() :]}"
            yield "\n".join([*lines[:number], changed, *lines[number + 1 :]]), f"{found[0]}x"


def test_a_misspelt_key_is_one_error_that_nothing_follows_from() -> None:
    several = []
    for text, name in misspelt():
        try:
            loads(text, EXAMPLE)
        except ConfigErrors as error:
            if len(error.errors) > 1 or name not in str(error):
                several.append((name, str(error)))
    # What else the file has of `general`, and of the handler `web`, whose name is free, lacks what is required.
    assert [name for name, _ in several] == ["generalx", "webx"], several


def test_a_misspelt_key_hides_no_error_that_it_cannot_cause() -> None:
    text = EXAMPLE.read_text().replace("apigateway = {}\n", "", 1).replace("timeout = 600", "timeoutx = 600", 1)
    with pytest.raises(ConfigErrors) as caught:
        loads(text, EXAMPLE)
    assert [error.key for error in caught.value.errors] == ["cloudfront", "awscontainer.handlers.management.timeoutx"]
