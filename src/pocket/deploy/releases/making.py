"""What a deploy makes in the project's folder, which begins before the modules that release it are imported."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pocket.deploy import gates
from pocket.deploy.build import artifact, upload
from pocket.deploy.build.revision import Revision, revision
from pocket.deploy.gates import checks
from pocket.deploy.template.validate import refuse_unsupported

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from contextlib import AbstractContextManager

    from pocket.config import Project, StageConfig
    from pocket.deploy.build.artifact import Artifact
    from pocket.deploy.build.snapshot import Snapshot
    from pocket.deploy.build.static import StaticFiles
    from pocket.deploy.build.upload import StoredStatic
    from pocket.deploy.releases.history import Release
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.target import Target


@dataclass(frozen=True)
class Made:
    """What is released: an artifact and the commit it was made from. `warnings` are those of checks, shown already.

    `proof` is that of the gate `project`, if it has judged the artifact. `stored` are the static files of a release of
    another stage.
    """

    artifact: Artifact
    revision: Revision = field(default_factory=Revision)
    warnings: frozenset[str] = frozenset()
    proof: str = ""
    stored: StoredStatic | None = None

    @property
    def static(self) -> StaticFiles | StoredStatic | None:
        """The static files to upload."""
        return self.stored or self.artifact.static


Make = Callable[["Release | None", Callable[[], None]], Made]
"""Makes what is released: of the live release, and of the other gates before the plan, which it runs."""


@contextmanager
def begun(
    project: Project, stage: StageConfig, target: Target, reporter: Reporter, skipped: Collection[str]
) -> Iterator[AbstractContextManager[Make]]:
    """What makes the artifact, as `made_here`: begun already, unless an account has to be compared first.

    A build runs code of the project. Raises ConfigError for configuration that this version does not deploy, and
    PlanRefused for a stage without functions.
    """
    refuse_unsupported(project, stage)
    making = made_here(project, stage, target, reporter, skipped)
    if target.account is not None:
        yield making
        return
    with making as make:
        yield nullcontext(make)


@contextmanager
def made_here(
    project: Project, stage: StageConfig, target: Target, reporter: Reporter, skipped: Collection[str]
) -> Iterator[Make]:
    """What makes the artifact of the project in its folder. The build, which changes nothing in AWS, begins at once.

    The gate `project` judges each artifact before anything else is done with it. Only that of the live release, in the
    same environment, it has judged already.
    """
    with artifact.begin(project, stage, target, reporter) as build:
        judges, proof = gates.gate.PROJECT not in skipped, checks.proof(stage, target)

        def make(live: Release | None, examine: Callable[[], None]) -> Made:
            def judge(files: Snapshot) -> frozenset[str]:
                number = None if live is None else live.number
                return checks.check_project(project, stage, target, reporter, number, files=files.files)

            known = live if live is not None and live.proof == proof else None
            early = build.taken() if judges and (known is None or build.looks_changed()) else None
            # Beside the build, where it is needed for all that can be known.
            warnings = frozenset() if early is None else judge(early)
            examine()
            built, files = build.finish(), build.taken()
            if judges and early is None and known is not None and known.artifact == upload.artifact_key(built):
                reporter.note(f"Gate {gates.gate.PROJECT}: the artifact is that of release {known.number}.")
                proved = True
            else:
                if judges and early is not files:
                    warnings = judge(files)
                # A file that was saved meanwhile may have been judged with other content than is packed.
                proved = judges and not files.has_changed()
            # The rest of a deploy may wait for an answer, a cluster or a distribution.
            build.close()
            return Made(built, revision(project.directory), warnings, proof if proved else "")

        yield make
