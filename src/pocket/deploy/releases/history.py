"""The releases of a stage, as recorded in its deployed template: Pocket keeps no record elsewhere.

A release is a version of every handler. Their names are in the template's top-level `Metadata`, which CloudFormation
stores and ignores; the versions are resources of the same template as long as a release is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.build.upload import ARTIFACT_PREFIX
from pocket.deploy.stacks.secret_stores import Place
from pocket.deploy.template.marks import METADATA
from pocket.deploy.template.steps import ALIAS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pocket.config import StageConfig

NONE_LIVE = 0
"""The number that means no live release: CloudFormation allows no null in a template."""

KEPT = 5
KEPT_SNAPSHOTS = 2
"""Of releases with SnapStart: AWS charges for each snapshot."""


@dataclass(frozen=True)
class Release:
    """One release; `versions` maps each handler to the logical id of its version.

    `created` is UTC as `2026-11-21T06:10:00Z`, `git` the commit it was made from; both are "" if unknown. `dirty` means
    that there were uncommitted changes. `skipped` names gates; `proof` is that of the gate `project`, "" if it did not
    judge the release, or an older Pocket did not record it. `destructive` names migrations, as `app.name`, that
    were applied for it and with which an older release may fail. `secrets` is where the values of the variables
    `generated` are; None if an older Pocket did not record it.
    """

    number: int
    versions: Mapping[str, str]
    created: str = ""
    artifact: str = ""
    git: str = ""
    dirty: bool = False
    skipped: tuple[str, ...] = ()
    proof: str = ""
    destructive: tuple[str, ...] = ()
    secrets: Place | None = None
    generated: tuple[str, ...] = ()


@dataclass(frozen=True)
class History:
    """The kept releases, oldest first, and the number of the live one; None before the first."""

    releases: tuple[Release, ...] = ()
    live: int | None = None

    @property
    def live_release(self) -> Release | None:
        """The release that traffic goes to."""
        return self.find(self.live) if self.live is not None else None

    @property
    def next_number(self) -> int:
        """The number of the next release."""
        return max((release.number for release in self.releases), default=0) + 1

    @property
    def version_ids(self) -> set[str]:
        """The logical ids of every version of every release."""
        return {version for release in self.releases for version in release.versions.values()}

    @property
    def artifacts(self) -> set[str]:
        """The keys of the releases' artifacts."""
        return {release.artifact for release in self.releases if release.artifact}

    def find(self, number: int) -> Release | None:
        """The release of that number; None if it is not kept."""
        return next((release for release in self.releases if release.number == number), None)

    def keeping(self, most: int) -> History:
        """The live release and the newest others, `most` in all."""
        spare = [release for release in self.releases if release.number != self.live]
        room = most - (self.live_release is not None)
        dropped = {release.number for release in (spare[:-room] if room else spare)}
        return replace(self, releases=tuple(item for item in self.releases if item.number not in dropped))

    def with_live(self, release: Release, most: int) -> History:
        """With one more release, which is live; the one that was live before is always kept."""
        before = self.keeping(max(1, most - 1))
        others = (item for item in before.releases if item.number != release.number)
        return History((*others, release), release.number)

    def to_metadata(self) -> dict[str, Any]:
        """The value of the template's `Metadata`."""
        live = NONE_LIVE if self.live is None else self.live
        return {METADATA: {"Live": live, "Releases": [_written(release) for release in self.releases]}}


@dataclass(frozen=True)
class DeployedState:
    """A stage's deployed template, `body`, which is empty if there is none, and the releases recorded in it."""

    body: Mapping[str, Any] = field(default_factory=dict)
    history: History = field(default_factory=History)
    aliases: Mapping[str, str] = field(default_factory=dict)
    """The logical id of the version that each handler's alias refers to."""

    @property
    def resources(self) -> Mapping[str, Any]:
        """The template's resources."""
        return _mapping(self.body.get("Resources"))


def deployed_state(stage: StageConfig, body: object) -> DeployedState:
    """The state that a deployed template, of any age or origin, records of its stage.

    The aliases are authoritative. If no release in the `Metadata` has their versions, as in a stack from before there
    were releases, those versions become a release without further facts.
    """
    found = _mapping(body)
    resources = _mapping(found.get("Resources"))
    aliases = dict(_aliases(stage, resources))
    written = _mapping(_mapping(found.get("Metadata")).get(METADATA))
    listed = written.get("Releases")
    read = (_read(item) for item in (listed if isinstance(listed, list) else ()))
    known = {item.number: item for item in read if item and set(item.versions.values()) & resources.keys()}
    releases = tuple(known[number] for number in sorted(known))
    if written.get("Live") == NONE_LIVE and written["Live"] is not False:
        return DeployedState(found, History(releases, None), aliases)
    history = History(releases)
    if not aliases:
        return DeployedState(found, history, aliases)
    number = written.get("Live")
    live = history.find(number) if isinstance(number, int) else None
    if live is None or any(aliases.get(handler) != version for handler, version in live.versions.items()):
        live = next((item for item in reversed(releases) if item.versions == aliases), None)
    if live is None:
        live = Release(history.next_number, aliases, artifact=_artifact(resources))
        history = History((*releases, live))
    return DeployedState(found, replace(history, live=live.number), aliases)


def _aliases(stage: StageConfig, resources: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Each handler with an alias, and the version that the alias refers to.

    The handler's name comes from the function's: a logical id does not have it, and pocket.toml may no longer have the
    handler.
    """
    for resource in resources.values():
        properties = _mapping(_mapping(resource).get("Properties"))
        if _mapping(resource).get("Type") != ALIAS or properties.get("Name") != naming.ALIAS:
            continue
        function = resources.get(str(_mapping(properties.get("FunctionName")).get("Ref")))
        name = _mapping(_mapping(function).get("Properties")).get("FunctionName")
        version = _mapping(properties.get("FunctionVersion")).get("Fn::GetAtt")
        own = f"{stage.stack_name}-"
        if isinstance(name, str) and name.startswith(own) and isinstance(version, list) and version:
            yield name.removeprefix(own), str(version[0])


def _artifact(resources: Mapping[str, Any]) -> str:
    for resource in resources.values():
        code = _mapping(_mapping(_mapping(resource).get("Properties")).get("Code"))
        if str(code.get("S3Key", "")).startswith(ARTIFACT_PREFIX):
            return str(code["S3Key"])
    return ""


def _written(release: Release) -> dict[str, Any]:
    return {
        "Release": release.number,
        "Created": release.created,
        "Artifact": release.artifact,
        "Git": release.git,
        "Dirty": release.dirty,
        "Skipped": list(release.skipped),
        **({"Proof": release.proof} if release.proof else {}),
        "Destructive": list(release.destructive),
        "Versions": dict(release.versions),
        **_written_secrets(release),
    }


def _written_secrets(release: Release) -> dict[str, Any]:
    if release.secrets is None:
        return {}
    return {
        "Secrets": {
            "Store": release.secrets.store,
            "Key": release.secrets.key,
            "Generated": list(release.generated),
        }
    }


def _read(item: object) -> Release | None:
    """The release that `_written` wrote; None for other content."""
    data = _mapping(item)
    number, versions = data.get("Release"), _mapping(data.get("Versions"))
    if not isinstance(number, int) or isinstance(number, bool) or number < 1 or not versions:
        return None
    if not all(isinstance(version, str) for version in versions.values()):
        return None
    return Release(
        number,
        dict(versions),
        created=_text(data.get("Created")),
        artifact=_text(data.get("Artifact")),
        git=_text(data.get("Git")),
        dirty=data.get("Dirty") is True,
        skipped=_texts(data.get("Skipped")),
        proof=_text(data.get("Proof")),
        destructive=_texts(data.get("Destructive")),
        secrets=_place(_mapping(data.get("Secrets"))),
        generated=_texts(_mapping(data.get("Secrets")).get("Generated")),
    )


def _place(written: Mapping[str, Any]) -> Place | None:
    store, key = _text(written.get("Store")), _text(written.get("Key"))
    return Place(store, key) if store and key else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
