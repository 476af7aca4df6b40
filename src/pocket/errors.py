"""Every exception that Pocket raises, in one tree.

Each has a message (where, which value, what was expected) and a hint (what to do). The `pocket` command prints both.
Code that calls Pocket catches `PocketError` or one of its subclasses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


DOCUMENTATION = "https://django-pocket.readthedocs.io/"
"""The address of the documentation's site, for hints that lead to a page of it; `site_url` of mkdocs.yml."""


class PocketError(Exception):
    """The base class: `message` is what is wrong, `hint` what to do about it ("" where there is nothing to add)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class ConfigError(PocketError):
    """One error in `pocket.toml`: `key` is the dotted path as written in the file, `line` counts from 1.

    `rule` is the name of the broken rule; "" for an error without a rule, such as a missing file.
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
    """All errors in one file, in the order of their lines; never empty."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        first = errors[0]
        super().__init__(first.message, first.hint, file=first.file, line=first.line, key=first.key)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


class ManifestError(PocketError):
    """The manifest is missing, unreadable or has another format version."""


class UnknownEvent(PocketError):
    """An event in no known Lambda HTTP format, or without a part that its format requires."""


class DeadlineExceeded(BaseException):
    """An invocation's time is almost up. Not a PocketError, so that no `except Exception` swallows it."""


class ResponseRefused(PocketError):
    """A response that cannot be sent; the client gets status 500 instead."""


class InvalidHeader(ResponseRefused):
    """A response header with a name or value that HTTP does not allow; `name` is safe to log."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"The response header {name} {reason}.",
            "Remove control characters, such as line ends, from the headers and cookies that the application sets.",
        )
        self.name = name


class ResponseTooLarge(ResponseRefused):
    """A response over Lambda's limit: `size` and `limit` in bytes of its JSON."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"The response takes {size:,} bytes of JSON; Lambda's limit is {limit:,}.",
            "Redirect to a signed URL of S3 for large files, or paginate. Base64 adds a third to binary bodies.",
        )
        self.size = size
        self.limit = limit


class CommandFailed(PocketError):
    """A management command did not succeed; `exit_status` as a shell would see it, `output` is what it wrote."""

    def __init__(self, message: str, hint: str = "", *, exit_status: int = 1, output: str = "") -> None:
        super().__init__(message, hint)
        self.exit_status = exit_status
        self.output = output


class MailRefused(PocketError):
    """A message that SES cannot send: its size, or an address in it."""


class AWSCallFailed(PocketError):
    """A call to AWS failed: `service`, `operation` and error `code` in AWS's spelling."""

    def __init__(self, message: str, hint: str = "", *, service: str, operation: str, code: str) -> None:
        super().__init__(message, hint)
        self.service = service
        self.operation = operation
        self.code = code


class SecretUnavailable(AWSCallFailed):
    """Secrets could not be read; `names` are the environment variables that stay unset."""

    def __init__(
        self, message: str, hint: str = "", *, service: str, operation: str, code: str, names: Sequence[str]
    ) -> None:
        super().__init__(message, hint, service=service, operation=operation, code=code)
        self.names = tuple(names)


class LocalAWSError(PocketError):
    """The local AWS is not running, did not start, or refused a request."""


class DeployError(PocketError):
    """A deploy stopped; the live release is unchanged."""


class BuildFailed(DeployError):
    """The artifact could not be built."""


class PlanRefused(DeployError):
    """The change set was not confirmed, or the template did not pass validation."""


class StackFailed(DeployError):
    """CloudFormation reported a failure: `resource` is the first logical id that failed, `reason` AWS's message."""

    def __init__(self, message: str, hint: str = "", *, resource: str = "", reason: str = "") -> None:
        super().__init__(message, hint)
        self.resource = resource
        self.reason = reason


class GateRefused(DeployError):
    """A gate refused a release: `gate` is its name, `messages` what it found, `live` the release that stays live.

    `live` is None where the stage has never had a live release.
    """

    def __init__(self, message: str, hint: str = "", *, gate: str, messages: Sequence[str], live: int | None) -> None:
        super().__init__(message, hint)
        self.gate = gate
        self.messages = tuple(messages)
        self.live = live
