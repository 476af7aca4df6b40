"""The deployment that the current settings are for, as far as it is known."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pocket import naming
from pocket.django.configuration import source
from pocket.errors import PocketError
from pocket.runtime.endpoints import override

if TYPE_CHECKING:
    from pocket.manifest import Manifest, Stage

_ASSIGNED = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", re.MULTILINE)


class Deployment:
    """The stage that POCKET_STAGE names, with its manifest and the manifest's file."""

    def __init__(self, name: str, stage: Stage, manifest: Manifest, path: Path) -> None:
        self.name = name
        self.stage = stage
        self.manifest = manifest
        self.path = path

    @property
    def on_laptop(self) -> bool:
        """Whether secrets and addresses are stand-ins: the settings are loaded for a check, not to serve."""
        return naming.PLACEHOLDER_KEY in os.environ

    @property
    def rehearsed(self) -> bool:
        """Whether this is the local AWS, whose functions run on this machine and see its files."""
        host = urlsplit(override("sqs") or "").hostname or ""
        return host in {"localhost", "127.0.0.1", "::1"} or host.endswith(".localhost")

    @property
    def release(self) -> Path | None:
        """The folder of the artifact; None if the checks do not run on a release."""
        return None if self.on_laptop or self.path.suffix == ".toml" else self.path.parent

    @property
    def hosts(self) -> list[str]:
        """The hosts of the stage's addresses, with ports if they have any; empty if unknown."""
        return [host for host in os.environ.get(naming.HOSTS_KEY, "").split(",") if host]

    @property
    def endpoints(self) -> dict[str, str]:
        """The addresses by handler, as far as they are known."""
        found = {name: os.environ.get(naming.endpoint_key(name), "") for name in self.stage.handlers}
        return {name: address for name, address in found.items() if address}

    def of_laptop(self, variable: str) -> bool:
        """Whether the laptop's `.env`, which is not in the artifact, sets the variable."""
        return self.on_laptop and variable in self._dotenv

    @cached_property
    def _dotenv(self) -> frozenset[str]:
        from pocket.django.checks.source_tree import directory

        names: set[str] = set()
        for folder in {Path.cwd(), directory()}:
            for path in folder.glob(".env*"):
                if path.is_file():
                    names.update(_ASSIGNED.findall(path.read_text(errors="replace")))
        return frozenset(names)


def current() -> Deployment | None:
    """The deployment; None without a stage, and if the file or the manifest lacks the stage."""
    name = source.stage_name()
    if name is None:
        return None
    try:
        manifest, path = source.manifest()
    except PocketError:
        return None
    stage = manifest.stages.get(name)
    return None if stage is None else Deployment(name, stage, manifest, path)
