"""Which machine and which Python an artifact is built for."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocket import naming

if TYPE_CHECKING:
    from pocket.config.tables.awscontainer import AwsContainer
    from pocket.deploy.target import Target

_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
_FIRST_ON_AMAZON_LINUX_2023 = (3, 12)


@dataclass(frozen=True)
class Platform:
    """`python` is a minor version (`"3.13"`); `uv` is uv's name of the platform, None for the machine that builds."""

    python: str
    uv: str | None
    label: str

    def uv_arguments(self, python: str = sys.executable) -> list[str]:
        """uv's options for distributions of this platform; the interpreter `python` builds those that are sources."""
        if self.uv is None:
            return ["--python", python]
        return ["--python", python, "--python-version", self.python, "--python-platform", self.uv]


def choose(container: AwsContainer, target: Target) -> Platform:
    """The platform that `target` runs functions on: Lambda's Linux, or this machine and its running Python."""
    if target.platform == "host":
        return Platform(naming.running_python(), None, f"this machine ({platform.system()} {platform.machine()})")
    return lambda_platform(container.python_version, container.architecture)


def lambda_platform(python: str, architecture: str) -> Platform:
    """Lambda's Linux for Python `python`: glibc 2.34 from Python 3.12 on, older before (AWS: "Lambda runtimes")."""
    major, minor = (int(part) for part in python.split("."))
    libc = "manylinux_2_34" if (major, minor) >= _FIRST_ON_AMAZON_LINUX_2023 else "manylinux2014"
    return Platform(python, f"{_MACHINES[architecture]}-{libc}", f"Lambda {architecture}")
