"""The promotion of a release to another stage: the same artifact by its hash, without a build.

An artifact has the manifest of every stage. Static files are each stage's own: those of the release are copied from
bucket to bucket. What pocket.toml says of the artifact has to be the same for both stages.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.config import build_manifest
from pocket.deploy import gates
from pocket.deploy.aws.account import account_id
from pocket.deploy.aws.session import Clients
from pocket.deploy.build import static, upload
from pocket.deploy.build.artifact import Artifact
from pocket.deploy.build.revision import Revision
from pocket.deploy.build.upload import StoredStatic
from pocket.deploy.releases import deploy, stored
from pocket.deploy.releases.making import Made
from pocket.deploy.releases.run import Options
from pocket.deploy.template.setting_changes import manifest_changes
from pocket.deploy.template.storage import artifact_bucket_name
from pocket.deploy.template.validate import refuse_unsupported
from pocket.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pocket.config import Project, StageConfig
    from pocket.deploy.build.archive import Beginning
    from pocket.deploy.gates.migrations import Backup
    from pocket.deploy.releases.history import Release
    from pocket.deploy.releases.run import Deployed
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.target import Target

OF_ARTIFACT = ("architecture", "python_version", "requirements", "extras", "groups", "exclude", "dockerfile_path")
"""The keys of [awscontainer] that decide what an artifact holds."""


def promote(
    project: Project,
    stages: tuple[StageConfig, StageConfig],
    targets: tuple[Target, Target],
    reporter: Reporter,
    *,
    assume_yes: bool = False,
    skip_gates: Iterable[str] = (),
    allow_destructive: bool = False,
    allow_loss: bool = False,
    published: Callable[[Mapping[str, str]], None] | None = None,
    backup: Backup | None = None,
) -> Deployed:
    """Releases the live artifact of the first of two stages to the second, through the gates of a deploy.

    The gate `project` does not run: it judges the files in the folder, which are not released. Raises as
    `deploy.deploy`, and DeployError where the first stage has no release, or its artifact is not one of the second.
    """
    source, stage = stages
    refuse_unsupported(project, stage)
    options = Options(
        gates.named(skip_gates),
        allow_destructive,
        allow_loss,
        assume_yes,
        command="promote",
        published=published,
        backup=backup,
    )
    _refuse_other_artifact(source, stage)
    there = Clients(targets[0])
    account = account_id(there)
    live = deploy.read(there, source).history.live_release
    if live is None or not live.artifact:
        raise DeployError(
            f"Stage {source.name!r} has no live release to promote.", f"pocket deploy --stage {source.name}"
        )
    bucket = artifact_bucket_name(source, account)
    reporter.note(f"Promoting release {live.number} of stage {source.name} to {stage.name}.")
    with tempfile.TemporaryDirectory(prefix="pocket-promote-") as folder:

        def make(_: Release | None, examine: Callable[[], None]) -> Made:
            examine()
            with reporter.step("Download the artifact"):
                path = _downloaded(there, bucket, live, Path(folder))
            _refuse_other_configuration(project, source, stage, path)
            return _made(there, source, live, path, upload.beginnings(there.s3, bucket, live.artifact))

        return deploy.release(project, stage, Clients(targets[1]), reporter, options=options, making=nullcontext(make))


def _refuse_other_artifact(source: StageConfig, stage: StageConfig) -> None:
    """Raises DeployError where the stages' configurations ask for different artifacts."""
    if source.name == stage.name:
        raise DeployError(f"Stage {stage.name!r} has its own release already.", "Name two stages.")
    if differing := [f"awscontainer.{name}" for name in _differing(source, stage)]:
        raise DeployError(
            f"Stages {source.name!r} and {stage.name!r} do not have the same artifact: {', '.join(differing)} differ in"
            " pocket.toml.",
            f"Move them to the tables of all stages, or build: pocket deploy --stage {stage.name}",
        )


def _differing(source: StageConfig, stage: StageConfig) -> Iterator[str]:
    one, other = source.awscontainer, stage.awscontainer
    if one is None or other is None:
        yield from () if one is other else ("handlers",)
        return
    yield from (name for name in OF_ARTIFACT if getattr(one, name) != getattr(other, name))
    if one.django.storages.get(static.ALIAS) != other.django.storages.get(static.ALIAS):
        yield f"django.storages.{static.ALIAS}"


def _downloaded(clients: Clients, bucket: str, live: Release, folder: Path) -> Path:
    path = folder / live.artifact.rpartition("/")[2]
    clients.s3.download_file(bucket, live.artifact, str(path))
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != path.stem:
        raise DeployError(
            f"The artifact of release {live.number} is not the one that was deployed: its SHA-256 is {found}, and"
            f" should be {path.stem}.",
            "Something else has written to the artifact bucket. Deploy the stage again from its commit.",
        )
    return path


def _refuse_other_configuration(project: Project, source: StageConfig, stage: StageConfig, path: Path) -> None:
    """Raises DeployError where pocket.toml says something else of the stage than the artifact's manifest."""
    with path.open("rb") as file:
        packed = stored.manifest_in(file).stages.get(stage.name)
    hint = f"Deploy {source.name!r} first, so that its artifact has pocket.toml as it is now."
    if packed is None:
        raise DeployError(f"The artifact was built before stage {stage.name!r} was declared.", hint)
    wanted = build_manifest(project).stages[stage.name]
    if packed != wanted:
        changes = list(manifest_changes(stored.plain(packed), stored.plain(wanted))) or ["names and handlers"]
        raise DeployError(
            f"pocket.toml has changed since the artifact was built, for stage {stage.name!r}: {'; '.join(changes)}.",
            hint,
        )


def _made(clients: Clients, source: StageConfig, live: Release, path: Path, beginnings: tuple[Beginning, ...]) -> Made:
    with zipfile.ZipFile(path) as archive:
        unzipped = sum(item.file_size for item in archive.infolist())
        files = _static(archive, clients, source)
    built = Artifact(path, path.stem, path.stat().st_size, unzipped, (), beginnings=beginnings)
    return Made(built, Revision(live.git, live.dirty), stored=files)


def _static(archive: zipfile.ZipFile, clients: Clients, source: StageConfig) -> StoredStatic | None:
    """The static files of the release in its stage's bucket; None where they are part of the artifact."""
    container, bucket = source.awscontainer, source.bucket_name
    storage = container.django.storages.get(static.ALIAS) if container is not None else None
    if storage is None or not storage.static or storage.store == "filesystem" or bucket is None:
        return None
    prefix = naming.key_prefix(storage.location)
    hashed: dict[str, Any] = {}
    if storage.manifest:
        # A release without static files has no map.
        if naming.STATIC_MANIFEST_FILE not in archive.namelist():
            return None
        hashed = json.loads(archive.read(naming.STATIC_MANIFEST_FILE))["paths"]
    return StoredStatic(clients.s3, bucket, prefix, storage.store, hashed)
