"""The branch of a stage in a project of Neon: created once, found again by name and annotation, removed only by name.

A branch has the roles and databases of its parent. The functions connect through Neon's pooler; migrations and dumps,
which need a session of their own, at the branch's direct host (`naming.direct_host`).
https://neon.com/docs/connect/connection-pooling
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from pocket.config.secret_references import Reference
from pocket.deploy.reporting import PlanRow
from pocket.deploy.stacks import secret_holders
from pocket.deploy.stacks.neon_api import Neon, NeonError
from pocket.deploy.template.marks import marked, marks
from pocket.errors import DeployError, PlanRefused
from pocket.manifest import SecretVariable
from pocket.naming import direct_host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pocket.config import StageConfig
    from pocket.config.tables.database import Database
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter

KIND = "Neon::Branch"
KEY_VARIABLE = "NEON_API_KEY"
WAIT_SECONDS = 300.0
PAUSE = 1.0
_RUNNING = frozenset({"scheduling", "running", "cancelling"})
_FAILED = frozenset({"failed", "error", "cancelled"})
_PAGE = "400"


@dataclass(frozen=True)
class Branch:
    """A branch of the project."""

    name: str
    branch_id: str


def declared(stage: StageConfig) -> Database | None:
    """The stage's `[database]` if its engine is Neon."""
    return stage.database if stage.database is not None and stage.database.engine == "neon" else None


def connect(clients: Clients, stage: StageConfig) -> Neon:
    """The stage's project. Raises DeployError without an API key, and AWSCallFailed for its secret."""
    table = declared(stage)
    if table is None or table.project is None:
        raise DeployError(f"The database of stage {stage.name!r} is not on Neon.")
    if key := os.environ.get(KEY_VARIABLE):
        return Neon(table.project, key, KEY_VARIABLE)
    if table.api_key_secret is None:
        raise DeployError(
            f"There is no API key of Neon: {KEY_VARIABLE} is not set.",
            "Create one in Neon's console, and set the variable, or name its secret in database.api_key_secret.",
        )
    reference = Reference.parse(stage.formatted(table.api_key_secret))
    service = reference.service or stage.secretsmanager.store
    item = SecretVariable(KEY_VARIABLE, service, reference.secret_id, reference.key)
    key = secret_holders.read(clients, stage, item)
    if not key:
        raise DeployError(
            f"The {secret_holders.place(item)} with the API key of Neon does not exist, or is empty.",
            f"Create it, or set {KEY_VARIABLE}.",
        )
    return Neon(table.project, key.strip(), f"the {secret_holders.place(item)}")


def find(neon: Neon, stage: StageConfig, name: str) -> Branch | None:
    """The branch of that name; None without one. Raises DeployError for one without the stage's annotation."""
    found, annotations = named(neon, name)
    if found is not None and not marked(stage, annotations.get(found.branch_id, {})):
        raise DeployError(
            f"The branch {name} exists in the Neon project {neon.project}, and Pocket did not create it for stage"
            f" {stage.name!r} of project {stage.project_name!r}. It was not changed.",
            "Choose another database.branch, or another project_name in pocket.toml.",
        )
    return found


def named(neon: Neon, name: str) -> tuple[Branch | None, dict[str, Mapping[str, str]]]:
    """The branch of that name, if any, and the annotations of the branches by id."""
    answer = neon.get("branches", search=name, limit=_PAGE)
    annotations = {key: item.get("value", {}) for key, item in answer.get("annotations", {}).items()}
    for item in answer["branches"]:
        if item["name"] == name:
            return Branch(name, item["id"]), annotations
    return None, annotations


def create(neon: Neon, stage: StageConfig, name: str, *, parent: Branch | None, at: str = "") -> Branch:
    """A new branch with an endpoint, ready to connect to; `at` is the time (ISO 8601) whose data it has."""
    fields = {"name": name, "parent_id": parent.branch_id if parent else "", "parent_timestamp": at}
    body = {
        "branch": {key: value for key, value in fields.items() if value},
        "endpoints": [{"type": "read_write"}],
        "annotation_value": dict(marks(stage)),
    }
    made = neon.post("branches", body=body)
    _finished(neon, made["operations"])
    return Branch(name, made["branch"]["id"])


def _finished(neon: Neon, operations: list[dict[str, Any]]) -> None:
    """Waits for the operations. Raises DeployError for one that failed."""
    ends = time.monotonic() + WAIT_SECONDS
    for operation in operations:
        found = operation
        while found["status"] in _RUNNING:
            if time.monotonic() > ends:
                raise DeployError(
                    f"Neon's operation {found['action']} still runs after {WAIT_SECONDS / 60:.0f} minutes.",
                    "Deploy again: it goes on waiting.",
                )
            time.sleep(PAUSE)
            found = neon.get("operations", found["id"])["operation"]
        if found["status"] in _FAILED:
            reason = f": {found['error']}" if found.get("error") else ""
            raise DeployError(f"Neon's operation {found['action']} has {found['status']}{reason}.", "Deploy again.")


def ensure(
    clients: Clients,
    stage: StageConfig,
    existing: Mapping[str, str],
    reporter: Reporter,
    *,
    assume_yes: bool = False,
) -> dict[str, str]:
    """The variable with the branch's URL if the store of secrets lacks it or has another; empty otherwise.

    A missing branch is created once the user confirms. A rehearsal has a database of its own. Raises PlanRefused if the
    user declines, and DeployError for a branch that is not the stage's.
    """
    kept = _kept(clients, stage)
    if kept is None:
        return {}
    table, variable, name = kept
    neon = connect(clients, stage)
    branch = find(neon, stage, name)
    if branch is None:
        parent = _parent(neon, table)
        question = f"Create the branch {name} of the Neon project {neon.project}, with the data of {parent.name}?"
        if not assume_yes and not reporter.confirm(question):
            raise PlanRefused("The branch was not confirmed; nothing was changed.", "Pass --yes to confirm.")
        with reporter.step(f"Create the Neon branch {name}"):
            branch = create(neon, stage, name, parent=parent)
    login = _login(neon, table, branch)
    address = _address(neon, branch, login)
    url = _known(neon, address, login[0], existing.get(variable, "")) or _rotated(neon, branch, address, login[0])
    return {} if existing.get(variable) == url else {variable: url}


def expected(clients: Clients, stage: StageConfig, existing: Mapping[str, str]) -> PlanRow | None:
    """What `ensure` would do, as a row of the plan, or None for nothing. Changes nothing, and raises as `ensure`."""
    kept = _kept(clients, stage)
    if kept is None:
        return None
    table, variable, name = kept
    neon = connect(clients, stage)
    branch = find(neon, stage, name)
    if branch is None:
        origin = f"created before the stack, with the data of {_parent(neon, table).name}; its URL is not known yet"
        return PlanRow("add", name, KIND, origin)
    login = _login(neon, table, branch)
    before = existing.get(variable, "")
    if before and _known(neon, _address(neon, branch, login), login[0], before) == before:
        return None
    return PlanRow("change", name, KIND, f"{variable} gets its URL before the stack")


def _kept(clients: Clients, stage: StageConfig) -> tuple[Database, str, str] | None:
    """The table, the variable and the name of the stage's branch; None if it has none, or a rehearsal's database."""
    table, variable, name = declared(stage), stage.database_variable, stage.branch_name
    if table is None or variable is None or name is None or variable in clients.target.environment:
        return None
    return table, variable, name


def _known(neon: Neon, address: SplitResult, user: str, before: str) -> str:
    """Neon's URL if `before` leads to the branch as that user, otherwise "".

    A branch begins with the passwords of its parent: it has one of its own once the stage's URL leads to it.
    """
    return _url(neon, address, user) if _place(before) == (_endpoint(address.hostname), user) else ""


def is_at(neon: Neon, branch: Branch, url: str) -> bool:
    """Whether the URL leads to the branch."""
    logins = [(str(item["owner_name"]), str(item["name"])) for item in _databases(neon, branch)]
    return any(_endpoint(_address(neon, branch, login).hostname) == _place(url)[0] for login in logins[:1])


def _place(url: str) -> tuple[str, str]:
    """The endpoint and the user of a URL; nothing of a text that is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return _endpoint(parts.hostname), unquote(parts.username or "")


def _endpoint(host: str | None) -> str:
    """The endpoint's id, which is the same in each of its hosts, with the pooler and without."""
    return direct_host(host or "").partition(".")[0]


def _parent(neon: Neon, table: Database) -> Branch:
    """The branch to begin from: the declared one, else the project's default."""
    if table.parent_branch is not None:
        found, _ = named(neon, table.parent_branch)
        if found is None:
            raise DeployError(
                f"The Neon project {neon.project} has no branch {table.parent_branch}.",
                "For a preview, deploy the stage that it is made from first. Otherwise, compare database.parent_branch"
                " with Neon's console.",
            )
        return found
    for item in neon.get("branches", limit=_PAGE)["branches"]:
        if item["default"]:
            return Branch(item["name"], item["id"])
    raise DeployError(f"The Neon project {neon.project} has no default branch.", "Set database.parent_branch.")


def rotated(neon: Neon, table: Database, branch: Branch, keep: Callable[[str], object] = lambda url: None) -> str:
    """The URL after the role's password was changed, on this branch alone. It is given to `keep` at once: functions
    that are refused read it there."""
    login = _login(neon, table, branch)
    return _rotated(neon, branch, _address(neon, branch, login), login[0], keep)


def _rotated(
    neon: Neon, branch: Branch, address: SplitResult, user: str, keep: Callable[[str], object] = lambda url: None
) -> str:
    answer = neon.post("branches", branch.branch_id, "roles", user, "reset_password")
    url = _url(neon, address, user, answer["role"].get("password", ""))
    keep(url)
    _finished(neon, answer["operations"])
    return url


def _login(neon: Neon, table: Database, branch: Branch) -> tuple[str, str]:
    """The role and the database to connect with: the declared ones, else the only database and its owner."""
    databases = {item["name"]: item["owner_name"] for item in _databases(neon, branch)}
    name = table.name or (next(iter(databases)) if len(databases) == 1 else "")
    if name not in databases:
        listed = ", ".join(sorted(databases)) or "none"
        what = f"no database {name}" if name else "several databases, or none"
        raise DeployError(f"The branch {branch.name} has {what}; there is {listed}.", "Set database.name.")
    return table.user or databases[name], name


def _databases(neon: Neon, branch: Branch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = neon.get("branches", branch.branch_id, "databases")["databases"]
    return found


def _address(neon: Neon, branch: Branch, login: tuple[str, str]) -> SplitResult:
    """Neon's URL for the functions: through the pooler."""
    query = {"branch_id": branch.branch_id, "database_name": login[1], "role_name": login[0], "pooled": "true"}
    uri: str = neon.get("connection_uri", **query)["uri"]
    return urlsplit(uri)


def _url(neon: Neon, address: SplitResult, user: str, password: str = "") -> str:
    """The stage's URL; the pooler keeps no cursors between transactions."""
    secret = quote(password, safe="") or address.password
    if not secret:
        raise DeployError(
            f"Neon does not keep the password of the role {user}.",
            f"Turn on the storage of passwords in the Neon project {neon.project}, or rotate it: pocket db rotate.",
        )
    place = f"{quote(user, safe='')}:{secret}@{address.hostname}" + (f":{address.port}" if address.port else "")
    options = "&".join(filter(None, (address.query, "disable_server_side_cursors=true")))
    url: str = urlunsplit(("postgres", place, address.path, options, ""))
    return url


def remove(neon: Neon, stage: StageConfig, name: str) -> str:
    """Deletes the stage's branch; returns in words what was removed."""
    branch = find(neon, stage, name)
    if branch is None:
        return f"Neon branch {name}, which did not exist"
    try:
        neon.delete("branches", branch.branch_id)
    except NeonError as error:
        if error.status in {409, 422}:
            hint = "A branch with children cannot be deleted: delete those first, in Neon's console."
            raise DeployError(f"The branch {name} was not deleted: {error.message}", hint) from error
        raise
    return f"Neon branch {name}; Neon can restore it for 7 days"
