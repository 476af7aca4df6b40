"""The manifest: the facts about all stages that the artifact carries, as JSON, without secrets.

`config` builds it, `deploy` puts it into the artifact, the run time reads it. Facts for the deploy alone (memory, IAM,
types of generated secrets) are not in it.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, dataclass_transform

from pocket.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Self

FORMAT = 1
"""The version of the layout below; the run time reads no other version."""


_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass_transform(frozen_default=True)
class Record:
    """A frozen record of the fields that a subclass annotates, in their order.

    Behaves as a frozen dataclass. The dataclasses module generates and compiles methods for each class at import, which
    for this module alone takes longer than the rest of Pocket in a cold start.
    """

    _fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls._fields = tuple(cls.__annotations__)

    def __init__(self, *args: Any, **values: Any) -> None:
        given = dict(zip(self._fields, args, strict=False))
        unknown = values.keys() - set(self._fields)
        missing = [
            name for name in self._fields if name not in values and name not in given and not hasattr(self, name)
        ]
        if unknown or missing or len(args) > len(self._fields) or given.keys() & values.keys():
            raise TypeError(
                f"{type(self).__name__} takes {self._fields}; got {len(args)} positional arguments and {[*values]}."
            )
        self.__dict__.update(given, **values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be deleted.")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and _values(other) == _values(self)

    def __hash__(self) -> int:
        return hash(_values(self))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"{type(self).__name__}({fields})"


def _values(record: Record) -> tuple[Any, ...]:
    return tuple(getattr(record, name) for name in record._fields)


class Storage(Record):
    """One entry of a `storages` table; `store` is `"s3"`, `"filesystem"` or `"cloudfront"`."""

    store: str
    location: str | None = None
    static: bool = False
    manifest: bool = False
    options: Mapping[str, Any] = _NOTHING
    signed: bool = False

    @property
    def in_bucket(self) -> bool:
        """Whether the files are in the stage's bucket."""
        return self.store in {"s3", "cloudfront"}


class Cache(Record):
    """One entry of a `caches` table; `store` is one of the names in `pocket.toml`'s reference."""

    store: str
    location: str | None = None
    options: Mapping[str, Any] = _NOTHING


class DjangoTables(Record):
    """The values for `settings.py`: the three tables under `awscontainer.django` or `general.django_fallback`."""

    storages: Mapping[str, Storage] = _NOTHING
    caches: Mapping[str, Cache] = _NOTHING
    settings: Mapping[str, Any] = _NOTHING


class Handler(Record):
    """One Lambda function of a stage; `timeout` in seconds.

    `partial_failures`: whether its queue accepts a response that reports single failed messages. `concurrency`: how
    many environments it has at most, None where only the account limits them. `attempts`: how often a message of its
    queue is tried. `spare`: how many deliveries it may have besides, in which it was not begun. `commands`: those that
    it may run from its queue, None for any.
    """

    command: str
    timeout: int
    address: bool = False
    queue: bool = False
    fifo: bool = False
    partial_failures: bool = True
    concurrency: int | None = None
    attempts: int = 5
    spare: int = 0
    commands: tuple[str, ...] | None = None


class SecretVariable(Record):
    """An environment variable that is filled from a secret.

    `service` is `"secretsmanager"` or `"ssm"`; `secret_id` a name or ARN there; `key` picks one value of a JSON
    object, None takes the whole value. `placeholder` replaces it where secrets are not read, if pocket.toml has one.
    """

    name: str
    service: str
    secret_id: str
    key: str | None = None
    placeholder: str | None = None


class Api(Record):
    """The FastAPI application of a stage: `app` as `module:attribute`, `prefix` of its paths in Django's site."""

    app: str
    prefix: str = "/api"


class Database(Record):
    """The database of a stage; `variable` is the environment variable that holds its URL.

    `host`, `port` and `name` complete a secret that has only a user and a password. `application_user` has rights on
    the data alone, where another user migrates.
    """

    engine: str
    variable: str
    host: str | None = None
    port: int = 5432
    name: str | None = None
    application_user: str | None = None

    def url_in(self, text: str) -> tuple[str, tuple[str, ...]]:
        """The URL in the text of a secret, and the keys that a secret with a JSON object lacks.

        A secret is a URL, or an object as RDS keeps it:
        https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
        """
        if not text.lstrip().startswith("{"):
            return text, ()
        from urllib.parse import quote

        try:
            found = json.loads(text)
        except ValueError:
            found = {}
        values = {
            "username": found.get("username"),
            "password": found.get("password"),
            "host": self.host or found.get("host"),
            "dbname": self.name or found.get("dbname"),
        }
        missing = tuple(key for key, value in values.items() if not isinstance(value, str) or not value)
        if missing:
            return "", missing
        port = self.port if self.host else found.get("port", self.port)
        user, password, host, name = (quote(str(value), safe="") for value in values.values())
        return f"postgres://{user}:{password}@{host}:{port}/{name}", ()


class Mail(Record):
    """Mail through SES: the sender, the region if it is not the stage's, and the configuration set."""

    from_email: str
    region: str | None = None
    configuration_set: str | None = None


class Stage(Record):
    """One stage; `secret_refresh` in seconds, None where each environment reads the secrets once.

    `project_name` and `region` are None where they are the project's. `public_dirs` are the prefixes of the bucket's
    public objects. `cdn` is the handler behind the stage's CloudFront distribution, None without one.
    `tasks` are Django's queues of tasks, each with its handlers and the lowest priority of their tasks.
    """

    stack_name: str
    bucket_name: str | None = None
    public_dirs: tuple[str, ...] = ()
    django: DjangoTables = DjangoTables()
    handlers: Mapping[str, Handler] = _NOTHING
    secrets: tuple[SecretVariable, ...] = ()
    secret_refresh: int | None = None
    project_name: str | None = None
    region: str | None = None
    api: Api | None = None
    database: Database | None = None
    cdn: str | None = None
    tasks: Mapping[str, Mapping[str, int]] = _NOTHING
    mail: Mail | None = None

    def secret_ids(self, service: str) -> tuple[str, ...]:
        """The ids of the stage's secrets in `service`, without duplicates, in the order of pocket.toml."""
        return tuple(dict.fromkeys(item.secret_id for item in self.secrets if item.service == service))

    def without_secrets(self, names: Collection[str]) -> Stage:
        """The stage without the secrets of these variables."""
        left = tuple(item for item in self.secrets if item.name not in names)
        if len(left) == len(self.secrets):
            return self
        return Stage(**{**{name: getattr(self, name) for name in self._fields}, "secrets": left})


class Manifest(Record):
    """All stages of a project; `writer` is the version of Pocket that wrote the manifest.

    `fallback_tasks` is how tasks run without a stage: `"immediate"`, `"thread"` or `"memory"`.
    """

    project_name: str
    region: str
    writer: str
    stages: Mapping[str, Stage]
    fallback: DjangoTables = DjangoTables()
    fallback_bucket_name: str | None = None
    fallback_tasks: str = "immediate"

    def to_json(self) -> str:
        """The manifest as JSON text with sorted keys, so that equal manifests give equal bytes."""
        return json.dumps({"format": FORMAT, **_plain(self)}, sort_keys=True, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The manifest that `to_json` wrote; raises ManifestError for any other text and any other format version."""
        try:
            data = json.loads(text)
        except ValueError as error:
            raise ManifestError(f"The manifest is not JSON: {error}.", "Deploy again to write a new one.") from error
        found = data.get("format") if isinstance(data, dict) else None
        if found != FORMAT:
            raise ManifestError(
                f"The manifest has format {found!r}; expected {FORMAT}.",
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
                fallback_tasks=data["fallback_tasks"],
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ManifestError(
                f"The manifest is damaged: {error!r}.",
                "Deploy again, and do not edit this file.",
            ) from error


def _plain(value: Any) -> Any:
    """The value in the types that JSON has."""
    if isinstance(value, Record):
        return {name: _plain(getattr(value, name)) for name in value._fields}
    if isinstance(value, dict | MappingProxyType):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _stage(data: dict[str, Any]) -> Stage:
    return Stage(
        **{
            **data,
            "public_dirs": tuple(data["public_dirs"]),
            "django": _tables(data["django"]),
            "handlers": {name: _handler(value) for name, value in data["handlers"].items()},
            "secrets": tuple(SecretVariable(**value) for value in data["secrets"]),
            "api": Api(**data["api"]) if data.get("api") else None,
            "database": Database(**data["database"]) if data.get("database") else None,
            "mail": Mail(**data["mail"]) if data.get("mail") else None,
        }
    )


def _handler(data: dict[str, Any]) -> Handler:
    commands = data["commands"]
    return Handler(**{**data, "commands": None if commands is None else tuple(commands)})


def _tables(data: dict[str, Any]) -> DjangoTables:
    return DjangoTables(
        storages={name: Storage(**value) for name, value in data["storages"].items()},
        caches={name: Cache(**value) for name, value in data["caches"].items()},
        settings=data["settings"],
    )
