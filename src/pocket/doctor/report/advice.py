"""How a start could be faster: sentences about a report's figures, each with a suggestion.

These are not issues. A start without suggestions may still be slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.doctor.report.model import Report, Span

SLOW_MS = 20.0
_SLOW_SHARE = 0.04
_CONFIG = "pocket.config"
_SDK = ("boto3", "botocore")
_S3_STORAGE = "storages.backends.s3"


def advice(report: Report) -> tuple[str, ...]:
    """The sentences, in the order of the start."""
    least = max(SLOW_MS, _SLOW_SHARE * report.total_ms)
    return (*_configuration(report, least), *_sdk(report, least), *_late(report, least))


def _configuration(report: Report, least: float) -> Iterator[str]:
    """The time for pocket.toml; a function reads the manifest instead."""
    spent = sum(span.ms for span in _outermost(report.spans, (_CONFIG,)))
    if spent >= least:
        command = "With --stage" if not report.stage else "With pocket doctor --stage"
        yield (
            f"{spent:.0f} ms were spent reading pocket.toml ({_CONFIG}, with pydantic), which happens on this machine"
            f" only: a function reads the manifest in its artifact. {command}, the report excludes it."
        )


def _sdk(report: Report, least: float) -> Iterator[str]:
    """The SDK, if something other than a storage imports it before the first request."""
    early = [span for span in report.spans if not _is_request(span)]
    for span in _outermost(early, (*_SDK, _S3_STORAGE)):
        if span.ms >= least and span.name != _S3_STORAGE:
            yield (
                f"{span.ms:.0f} ms of each start are the import of {span.name}{_asked(span)}. Import it in the function"
                " that calls AWS, unless nearly every request does: Pocket reads secrets and sends to queues"
                " without boto3."
            )


def _late(report: Report, least: float) -> Iterator[str]:
    """Imports of the first request that the start could do."""
    for request in filter(_is_request, report.spans):
        for span in request.children:
            if span.kind != "import" or span.ms < least:
                continue
            sdk = sum(item.ms for item in _outermost(span.children, _SDK))
            within = f", {sdk:.0f} of them for boto3" if sdk >= least and span.name not in _SDK else ""
            yield (
                f"{span.ms:.0f} ms of the {request.name} are the import of {span.name}{within}{_asked(span)}. Move"
                f" it to the start, which has a whole core whatever the function's memory is: import {span.name} at the"
                " top of the URLconf's module, which only functions that serve pages load. With snapstart = true, it"
                " then runs when a version is published, and no request waits for it."
            )


def _asked(span: Span) -> str:
    line = span.place.rpartition(":")[2]
    return f", which {span.by}{f', line {line},' if line else ''} imports" if span.by else ""


def _is_request(span: Span) -> bool:
    return span.name.startswith("first ")


def _outermost(spans: tuple[Span, ...] | list[Span], packages: tuple[str, ...]) -> Iterator[Span]:
    """The imports of modules of `packages` that are not inside another such import."""
    for span in spans:
        if span.kind == "import" and any(f"{span.name}.".startswith(f"{name}.") for name in packages):
            yield span
        else:
            yield from _outermost(span.children, packages)
