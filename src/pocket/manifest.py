"""The manifest: what a deployed function must know of every stage, without secrets, as JSON.

`config` builds it, `deploy` bakes it into the artifact, the run time reads it. Deploy-only facts (memory, IAM,
generated secrets' types) are not in it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pocket.errors import ManifestError

FORMAT = 1
"""The version of the layout below; a run time reads its own only."""


@dataclass(frozen=True)
class Storage:
    """One entry of a `storages` table; `store` is `"s3"` or `"filesystem"`."""

    store: str
    location: str | None = None
    static: bool = False
    manifest: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Cache:
    """One entry of a `caches` table; `store` is one of the names in `pocket.toml`'s reference."""

    store: str
    location: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DjangoTables:
    """What `settings.py` takes: the three tables under `awscontainer.django` or `general.django_fallback`."""

    storages: Mapping[str, Storage] = field(default_factory=dict)
    caches: Mapping[str, Cache] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Handler:
    """One Lambda function of a stage, as the run time sees it; `timeout` in seconds."""

    command: str
    timeout: int
    address: bool = False
    queue: bool = False
    fifo: bool = False


@dataclass(frozen=True)
class SecretVariable:
    """An environment variable that is filled from a secret.

    `service` is `"secretsmanager"` or `"ssm"`; `secret_id` a name or ARN there; `key` picks one value of a JSON
    object, None takes the whole value.
    """

    name: str
    service: str
    secret_id: str
    key: str | None = None


@dataclass(frozen=True)
class Stage:
    """One stage; `secret_refresh` in seconds, None where secrets are read once an environment.

    `project_name` and `region` are None where the stage has no other than the project's.
    """

    stack_name: str
    bucket_name: str | None = None
    django: DjangoTables = field(default_factory=DjangoTables)
    handlers: Mapping[str, Handler] = field(default_factory=dict)
    secrets: tuple[SecretVariable, ...] = ()
    secret_refresh: int | None = None
    project_name: str | None = None
    region: str | None = None

    def secret_ids(self, service: str) -> tuple[str, ...]:
        """The secrets of `service` to read, each once, in the file's order: the run time reads them, the role may."""
        return tuple(dict.fromkeys(item.secret_id for item in self.secrets if item.service == service))


@dataclass(frozen=True)
class Manifest:
    """All stages of a project; `writer` is the version of the Pocket that wrote it."""

    project_name: str
    region: str
    writer: str
    stages: Mapping[str, Stage]
    fallback: DjangoTables = field(default_factory=DjangoTables)
    fallback_bucket_name: str | None = None

    def to_json(self) -> str:
        """The manifest as JSON text, keys sorted, so that equal manifests are equal bytes."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """The manifest that `to_json` wrote.

        Raises ManifestError for text of another format version or none at all.
        """
        try:
            data = json.loads(text)
        except ValueError as error:
            raise ManifestError(f"The manifest is not JSON: {error}.", "Deploy again to write a new one.") from error
        found = data.get("format") if isinstance(data, dict) else None
        if found != FORMAT:
            raise ManifestError(
                f"The manifest has format {found!r}, this library reads format {FORMAT}.",
                "Use the same version of django-pocket for the `pocket` command and in the project's requirements.",
            )
        try:
            return cls(
                project_name=data["project_name"],
                region=data["region"],
                writer=data["writer"],
                stages={name: _stage(value) for name, value in data["stages"].items()},
                fallback=_tables(data["fallback"]),
                fallback_bucket_name=data["fallback_bucket_name"],
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ManifestError(
                f"The manifest is damaged: {error!r}.",
                "Deploy again; nothing but `pocket` should write this file.",
            ) from error


def _stage(data: dict[str, Any]) -> Stage:
    return Stage(
        **{
            **data,
            "django": _tables(data["django"]),
            "handlers": {name: Handler(**value) for name, value in data["handlers"].items()},
            "secrets": tuple(SecretVariable(**value) for value in data["secrets"]),
        }
    )


def _tables(data: dict[str, Any]) -> DjangoTables:
    return DjangoTables(
        storages={name: Storage(**value) for name, value in data["storages"].items()},
        caches={name: Cache(**value) for name, value in data["caches"].items()},
        settings=data["settings"],
    )
