"""A stage's database, as its operator reaches it: the URL that the functions have, and its parts for PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from pocket import naming, work_folder
from pocket.config.manifest_builder import build_database
from pocket.deploy.aws.session import Clients
from pocket.deploy.operate import stage_secrets
from pocket.deploy.stacks import aurora, secret_holders
from pocket.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.config import StageConfig
    from pocket.config.tables.database import IamAccess
    from pocket.deploy.target import Target

_SCHEMES = {"postgres", "postgresql", "pgsql", "postgis"}
_VARIABLES = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "channel_binding": "PGCHANNELBINDING",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "options": "PGOPTIONS",
}
"""libpq's variables for what a URL's query may have; all else in it is for Django."""


@dataclass(frozen=True)
class Access:
    """How PostgreSQL's programs reach a database."""

    host: str
    port: str
    name: str
    user: str
    password: str = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    def url(self, *, show: bool = False) -> str:
        """The database's URL; the password is in it only with `show`."""
        secret = quote(self.password, safe="") if show else "***"
        password = f":{secret}" if self.password else ""
        return f"postgres://{quote(self.user, safe='')}{password}@{self.place}/{quote(self.name, safe='')}"

    def url_of_child(self) -> str:
        """The URL with the password and libpq's options, for the environment of a process."""
        query = urlencode(self.options)
        return self.url(show=True) + (f"?{query}" if query else "")

    def environment(self, database: str | None = None) -> dict[str, str]:
        """The variables of libpq for this database, or another one on its server."""
        return {
            "PGHOST": self.host,
            "PGPORT": self.port,
            "PGDATABASE": database or self.name,
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
            "PGCONNECT_TIMEOUT": "10",
            "PGAPPNAME": "pocket",
            **{_VARIABLES[name]: value for name, value in self.options.items()},
        }


def access(stage: StageConfig, target: Target) -> Access:
    """The stage's database on the target; reads its secret. Raises DeployError, and AWSCallFailed for the secret."""
    variable = stage.database_variable or "DATABASE_URL"
    if variable in target.environment:
        return parsed(target.environment[variable], variable)
    if stage.database is None:
        raise DeployError(
            f"Stage {stage.name!r} has no [database] in pocket.toml.",
            'Add it, for example with engine = "postgresql" and secret = "{project}/{stage}/database-url".',
        )
    if (with_iam := _iam_access(stage, target)) is not None:
        return _with_token(with_iam, stage, target)
    secret = stage_secrets.variable(stage, variable)
    found = stage_secrets.value(stage, target, secret)
    if found is None:
        raise DeployError(
            f"The {secret_holders.place(secret)} with the database's URL does not exist.",
            f"pocket secrets set {variable} --stage {stage.name}",
        )
    declared = build_database(stage)
    url, missing = declared.url_in(found) if declared is not None else (found, ())
    if missing:
        raise DeployError(
            f"The {secret_holders.place(secret)} of the database has no text for {', '.join(missing)}.",
            "A secret that RDS manages has no host and no name: set host and name in [database].",
        )
    return parsed(url, f"The {secret_holders.place(secret)}")


def _iam_access(stage: StageConfig, target: Target) -> IamAccess | None:
    """The access with IAM; None for a database with a password. Raises DeployError for a missing cluster."""
    if stage.database is None or stage.cluster_name is None:
        return stage.database.iam_access if stage.database is not None else None
    own = aurora.of_stage(Clients(target), stage)
    if own is None or not own.host:
        raise DeployError(
            f"The cluster {stage.cluster_name} does not exist, or is not available yet.",
            f"pocket deploy --stage {stage.name}",
        )
    return own.access


def _with_token(found: IamAccess, stage: StageConfig, target: Target) -> Access:
    """The owner's access, with a token that the operator's credentials sign; the server's certificate is checked."""
    signer = Clients(target).rds
    user = found.owner or found.user
    token = signer.generate_db_auth_token(DBHostname=found.host, Port=found.port, DBUsername=user)
    options = {"sslmode": "verify-full", "sslrootcert": str(_roots(stage))}
    return Access(found.host, str(found.port), found.name, user, token, options)


def _roots(stage: StageConfig) -> Path:
    """A file with the roots that `pocket.runtime.rds` uses, which the deploy does not import."""
    folder = Path(__file__).parents[2] / "runtime"
    files = (folder / "amazon_roots.pem", folder / "rds_roots" / f"{stage.region}.pem")
    made = work_folder.make(stage.directory) / f"rds-roots-{stage.region}.pem"
    made.write_text("\n".join(file.read_text() for file in files if file.is_file()))
    return made


def parsed(url: str, source: str) -> Access:
    """The parts of a PostgreSQL URL. Raises DeployError, which names the source and not the value."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in _SCHEMES or not parts.hostname or not name:
        del url, parts
        raise DeployError(
            f"{source} is not the URL of a PostgreSQL database; its value is not shown.",
            "Expected postgres://user:password@host:port/name, with special characters percent-encoded.",
        )
    return Access(
        naming.direct_host(unquote(parts.hostname)),  # a dump and a shell need a session of their own
        str(port or 5432),
        name,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        {key: value for key, value in parse_qsl(parts.query) if key in _VARIABLES},
    )
