"""The manifest of a file: what the run time needs, without what only the deploy needs."""

from collections.abc import Callable
from importlib.metadata import version

from pocket import config
from pocket.manifest import Cache, DjangoTables, Handler, Manifest, SecretVariable, Stage, Storage

Read = Callable[..., config.Project]

TEXT = """
[general]
region = "ap-northeast-1"
stages = ["dev", "prd"]
s3_fallback_bucket_name = "uploads"
[general.django_fallback]
storages.default = { store = "s3", location = "media", options = { a = 1 } }
caches.default = { store = "dummy" }
settings.DEBUG = true
[s3]
[awscontainer]
envs = { HIDDEN = "value" }
permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"
[awscontainer.handlers.web]
command = "a.web"
memory_size = 2048
apigateway = {}
[awscontainer.handlers.url]
command = "a.url"
timeout = 100
function_url = {}
[awscontainer.handlers.queue]
command = "a.queue"
sqs = { fifo = true }
[awscontainer.secretsmanager]
pocket_secrets.KEY = { type = "password", options = { length = 99 } }
secrets.URL = "own#url"
[awscontainer.django]
storages.default = { store = "s3", location = "media" }
storages.staticfiles = { store = "s3", location = "static", static = true, manifest = true, options = { b = [2] } }
caches.default = { store = "database", location = "cache", options = { c = 3 } }
settings = { X = { y = "z" } }
[prd.general]
region = "us-east-1"
project_name = "forum"
[prd.awscontainer.secretsmanager]
refresh = "15m"
[prd.awscontainer.django.settings]
X = { y = "prd" }
"""


def stage(name: str, project: str, setting: str) -> Stage:
    return Stage(
        stack_name=f"pocket-{name}-{project}",
        bucket_name=f"pocket-{name}-{project}",
        django=DjangoTables(
            storages={
                "default": Storage("s3", "media"),
                "staticfiles": Storage("s3", "static", static=True, manifest=True, options={"b": [2]}),
            },
            caches={"default": Cache("database", "cache", {"c": 3})},
            settings={"X": {"y": setting}},
        ),
        handlers={
            "web": Handler("a.web", 30, address=True),
            "url": Handler("a.url", 100, address=True),
            "queue": Handler("a.queue", 30, queue=True, fifo=True, concurrency=2),
        },
        secrets=(
            SecretVariable("KEY", "secretsmanager", f"pocket-{name}-{project}", "KEY"),
            SecretVariable("URL", "secretsmanager", "own", "url"),
        ),
        secret_refresh=900 if name == "prd" else None,
        project_name="forum" if name == "prd" else None,
        region="us-east-1" if name == "prd" else None,
    )


def test_the_manifest_holds_every_stage_and_the_fallback(read: Read) -> None:
    assert config.build_manifest(read(TEXT, head="")) == Manifest(
        project_name="board",
        region="ap-northeast-1",
        writer=version("django-pocket"),
        stages={"dev": stage("dev", "board", "z"), "prd": stage("prd", "forum", "prd")},
        fallback=DjangoTables(
            storages={"default": Storage("s3", "media", options={"a": 1})},
            caches={"default": Cache("dummy")},
            settings={"DEBUG": True},
        ),
        fallback_bucket_name="uploads",
    )


def test_what_only_the_deploy_needs_is_not_in_it(read: Read) -> None:
    text = config.build_manifest(read(TEXT, head="")).to_json()
    for word in ("HIDDEN", "value", "2048", "99", "password", "boundary"):
        assert word not in text


def test_a_stage_without_a_container_has_its_stack_and_nothing_else(read: Read) -> None:
    assert config.build_manifest(read("")).stages["dev"] == Stage(stack_name="pocket-dev-board")
