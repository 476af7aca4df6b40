"""Every exception that Pocket raises, in one tree.

Each carries a message (where, which value, what was expected) and a hint (what to do). The command prints both and
exits; a library's caller catches `PocketError` or one of its branches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


DOCUMENTATION = "https://django-pocket.readthedocs.io/"
"""The address of the documentation's site, for hints that lead to a page of it; `site_url` of mkdocs.yml."""


class PocketError(Exception):
    """The root: `message` says what is wrong, `hint` what to do about it (empty where the message says it all)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class ConfigError(PocketError):
    """One fault of `pocket.toml`: `key` is the dotted path as written in the file, `line` counts from 1.

    `rule` is the name of the rule that was broken; "" where the fault is of no rule, such as a file that is missing.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        file: Path | None = None,
        line: int | None = None,
        key: str = "",
        rule: str = "",
    ) -> None:
        super().__init__(message, hint)
        self.file = file
        self.line = line
        self.key = key
        self.rule = rule

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return ": ".join(part for part in (where, self.key, super().__str__()) if part)


class ConfigErrors(ConfigError):
    """All faults of one file, in the order of their lines; never empty."""

    def __init__(self, faults: Sequence[ConfigError]) -> None:
        first = faults[0]
        super().__init__(first.message, first.hint, file=first.file, line=first.line, key=first.key)
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


class ManifestError(PocketError):
    """The manifest in the artifact is missing, unreadable or of another format version."""


class UnknownEvent(PocketError):
    """An event that no Lambda HTTP format recognises, or one that lacks what its format promises."""


class DeadlineExceeded(BaseException):
    """An invocation's time is all but up; outside of the tree, so that no `except Exception` on the way swallows it."""


class ResponseRefused(PocketError):
    """A response that cannot be sent; the client gets status 500 instead."""


class InvalidHeader(ResponseRefused):
    """A response header that no server sends: `name` is the header's, as text that is safe to log."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(
            f"The response header {name} {problem}.",
            "Headers and cookies take no control characters, line ends above all; check what the application sets.",
        )
        self.name = name


class ResponseTooLarge(ResponseRefused):
    """A response that Lambda would refuse: `size` and `limit` in bytes of the JSON that carries it."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"The response takes {size:,} bytes of JSON, Lambda's limit for it is {limit:,}.",
            "Serve large files from S3 (a redirect to a signed URL), or page the answer; Base64 adds a third.",
        )
        self.size = size
        self.limit = limit


class CommandFailed(PocketError):
    """A management command did not succeed; `exit_status` is what a shell would have seen, `output` what it wrote."""

    def __init__(self, message: str, hint: str = "", *, exit_status: int = 1, output: str = "") -> None:
        super().__init__(message, hint)
        self.exit_status = exit_status
        self.output = output


class AWSCallFailed(PocketError):
    """An AWS API refused or did not answer: `service` and `operation` as AWS names them, `code` AWS's error code."""

    def __init__(self, message: str, hint: str = "", *, service: str, operation: str, code: str) -> None:
        super().__init__(message, hint)
        self.service = service
        self.operation = operation
        self.code = code


class SecretUnavailable(AWSCallFailed):
    """Secrets could not be read; `names` are the environment variables that stay unset (never their values)."""

    def __init__(
        self, message: str, hint: str = "", *, service: str, operation: str, code: str, names: Sequence[str]
    ) -> None:
        super().__init__(message, hint, service=service, operation=operation, code=code)
        self.names = tuple(names)


class LocalAWSError(PocketError):
    """The embedded AWS does not run, did not start, or refused what was asked of it."""


class DeployError(PocketError):
    """A deploy stopped; nothing that served traffic before was changed."""


class BuildFailed(DeployError):
    """The artifact could not be built."""


class PlanRefused(DeployError):
    """The change set was not confirmed, or the template did not pass validation."""


class StackFailed(DeployError):
    """CloudFormation reported a failure: `resource` is the first logical id that failed, `reason` AWS's words."""

    def __init__(self, message: str, hint: str = "", *, resource: str = "", reason: str = "") -> None:
        super().__init__(message, hint)
        self.resource = resource
        self.reason = reason


class GateRefused(DeployError):
    """A gate refused a release: `gate` is its name, `messages` what it found, `live` the release that still answers.

    `live` is None where no release of the stage has ever answered.
    """

    def __init__(self, message: str, hint: str = "", *, gate: str, messages: Sequence[str], live: int | None) -> None:
        super().__init__(message, hint)
        self.gate = gate
        self.messages = tuple(messages)
        self.live = live
