"""Where magic-pocket keeps a stage's secrets.

Its generated values are in one secret, a JSON object by stage and project, or in a parameter each. Its format of early
2026 has `{prefix}`, later ones have `{namespace}`; a container of a later one has a secret of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

_EARLY, _LATER = "{prefix}{stage}-{project}", "{stage}-{project}-{namespace}"


class FormerSecret(NamedTuple):
    """Where the value of a variable may be: `keys` lead to it in a JSON secret; a parameter has none."""

    variable: str
    service: str
    secret_id: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Names:
    """The parts of magic-pocket's names for one stage; `container` is "" in files without `[container.NAME]`."""

    stage: str
    project: str
    prefix: str | None
    namespace: str
    container: str = ""

    def format(self, text: str, namespace: str | None = None) -> str:
        """The text with its placeholders filled; itself with one that magic-pocket does not have."""
        given = {"stage": self.stage, "project": self.project, "namespace": namespace or self.namespace}
        try:
            return text.format(**given, prefix=self.prefix or "")
        except (KeyError, ValueError, IndexError):
            return text

    def bucket(self, given: object) -> str:
        """The bucket's name, by the given format if it is one."""
        return self.format(self._format_of(given))

    def pocket_keys(self, given: object) -> list[str]:
        """The names of the secrets with generated values: the container's, then the one that containers share."""
        text = self._format_of(given)
        own = [self.format(text, f"{self.container}-{self.namespace}")] if self.container else []
        return list(dict.fromkeys([*own, self.format(text)]))

    def _format_of(self, given: object) -> str:
        return given if given and isinstance(given, str) else _LATER if self.prefix is None else _EARLY

    def generated(self, store: str, pocket_key: str, name: str, parts: dict[str, str]) -> list[FormerSecret]:
        """The places of a generated secret; `parts` has the variable of each part, "" for a value without parts."""
        found = []
        for part, variable in parts.items():
            names = tuple(filter(None, (name, part)))
            if store == "ssm":
                found.append(FormerSecret(variable, "ssm", f"/{pocket_key}/{'/'.join(names)}", ()))
            else:
                found.append(FormerSecret(variable, "secretsmanager", pocket_key, (self.stage, self.project, *names)))
        return found
