"""Runs uv in an environment that makes builds reproducible, and raises BuildFailed where it fails."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pocket import uv_program
from pocket.deploy.build import children
from pocket.deploy.reporting import last_lines
from pocket.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

EPOCH = 315532800
"""1980-01-01T00:00:00Z in seconds, the first moment that a zip can hold: the time of everything that is built."""

_ENVIRONMENT = {
    "SOURCE_DATE_EPOCH": str(EPOCH),
    "UV_LINK_MODE": "copy",
    "UV_NO_PROGRESS": "1",
    "NO_COLOR": "1",
    "PYTHONHASHSEED": "0",
    "GIT_OPTIONAL_LOCKS": "0",
}


def run(
    arguments: Sequence[str],
    *,
    cwd: Path,
    doing: str,
    indexes: Sequence[str] = (),
    explain: Callable[[str], tuple[str, str] | None] | None = None,
) -> str:
    """What `uv ARGUMENTS` prints on stdout.

    Raises BuildFailed with `doing` ("Exporting uv.lock") and the last lines of uv's stderr, without credentials;
    `explain` may turn the stderr into a (message, hint) of its own. `indexes` come before any other; they are passed
    in the environment, since every user of the machine can see arguments.
    """
    environment = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    if indexes:
        environment["UV_INDEX"] = " ".join([*indexes, *environment.get("UV_INDEX", "").split()])
    done = children.run(
        [uv_program.find(BuildFailed), "--no-progress", *arguments],
        cwd=cwd,
        env={**environment, **_ENVIRONMENT},
        terminal=True,
    )
    if done.returncode == 0:
        return done.stdout
    output = mask_credentials(done.stderr.strip() or done.stdout.strip())
    explained = explain(output) if explain else None
    if explained is not None:
        raise BuildFailed(*explained)
    raise BuildFailed(f"{doing} failed (uv exited with {done.returncode}):\n{last_lines(output)}")


def mask_credentials(text: str) -> str:
    """`text` with the user information of every URL in it replaced by `****`."""
    return re.sub(r"(?<=://)[^/\s@'\"`]+@", "****@", text)
