"""A plan that can be kept in a file: what it changes, and what it was made of, so that exactly that is applied."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pocket.deploy.releases.changes import Changes
from pocket.deploy.reporting import PlanRow
from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from pathlib import Path


FORMAT = 1

_COMPARED = {
    "pocket": "Pocket {} made it, and this is {}",
    "project": "it is of project {}, not {}",
    "stage": "it is of stage {}, not {}",
    "account": "it is of account {}, not {}",
    "region": "it is of region {}, not {}",
    "state": "the deployed stage has changed since it was made",
    "artifact": "the artifact is another one: the project's files, its packages or pocket.toml have changed",
    "static": "the static files are others",
    "templates": "the templates are others: pocket.toml or the date of a secret has changed",
}
"""What has to be equal, in this order, and why a plan is refused where it is not."""


@dataclass(frozen=True)
class SavedPlan:
    """A plan of one stage.

    `pocket` is the version that made it. `artifact` is the SHA-256 of the artifact, `static` that of the static files
    to upload, `templates` that of what both stacks become, `state` that of what they were. `live` is the live release,
    `made` UTC as `2026-11-21T06:10:00Z`.
    """

    pocket: str
    project: str
    stage: str
    account: str
    region: str
    artifact: str
    templates: str
    state: str
    changes: Changes
    live: int | None = None
    static: str = ""
    git: str = ""
    made: str = ""

    @property
    def empty(self) -> bool:
        """Whether a deploy would change nothing."""
        return self.changes == Changes(domains=self.changes.domains)

    @property
    def early(self) -> tuple[str, ...]:
        """What a deploy makes before its plan: the plan has placeholders of them, and cannot be applied."""
        return tuple(row.name for row in self.changes.rows if row.early)

    def refuse_other(self, found: SavedPlan) -> None:
        """Raises PlanRefused where a deploy would do something else than this plan."""
        for name, reason in _COMPARED.items():
            mine, other = getattr(self, name), getattr(found, name)
            if mine != other:
                raise PlanRefused(
                    f"The plan was not applied: {reason.format(mine, other)}. Nothing was changed.",
                    f"Make another one and look at it: pocket plan --stage {found.stage} --out FILE",
                )
        if found.early:
            raise PlanRefused(
                f"The plan was not applied: {', '.join(found.early)} has to be made or changed before. Nothing was"
                " changed.",
                f"Begin with a deploy without a plan: pocket deploy --stage {found.stage}",
            )

    def to_json(self) -> str:
        """The plan as JSON text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n"


def read(path: Path) -> SavedPlan:
    """The plan in a file that `pocket plan --out` wrote. Raises PlanRefused for any other file."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanRefused(f"{path} cannot be read: {error.strerror}.", "pocket plan --out writes it.") from error
    except ValueError:
        data = None
    try:
        return _plan(data)
    except (KeyError, TypeError, AttributeError):
        raise PlanRefused(
            f"{path} has no plan of this version of Pocket.", "`pocket plan --out FILE` writes one."
        ) from None


def _plan(data: Any) -> SavedPlan:
    if data.pop("format") != FORMAT:
        raise KeyError("format")
    changes = data.pop("changes")
    rows = tuple(PlanRow(**row) for row in changes.pop("rows"))
    return SavedPlan(**data, changes=Changes(rows=rows, **{name: tuple(texts) for name, texts in changes.items()}))


def digest(value: Any) -> str:
    """The SHA-256 of what JSON holds of a value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
