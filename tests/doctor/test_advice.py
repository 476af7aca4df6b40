"""What could be saved, told from a report's figures."""

from __future__ import annotations

from pocket.doctor.report.advice import advice
from pocket.doctor.report.model import Report, Span


def module(name: str, ms: float, *children: Span, by: str = "", line: int = 0) -> Span:
    place = f"{by.replace('.', '/')}.py:{line}" if by else ""
    return Span(name, "import", 0, ms, by=by, place=place, children=children)


def phase(name: str, *children: Span, kind: str = "phase") -> Span:
    return Span(name, kind, 0, sum(child.ms for child in children) + 1, children=children)


def notes(*spans: Span, stage: str = "dev") -> tuple[str, ...]:
    return advice(Report("3.13", "6.1", "settings", stage, "here", "now", spans=spans))


def test_what_the_first_request_imports_is_for_the_start() -> None:
    storage = module("storages.backends.s3", 125, module("boto3", 108), by="django.core.files.storage.handler", line=43)
    (only,) = notes(phase("settings"), phase("first request", storage))
    assert only == (
        "125 ms of the first request are the import of storages.backends.s3, 108 of them for boto3, which"
        " django.core.files.storage.handler, line 43, imports. Move it to the start, which has a whole core"
        " whatever the function's memory is: import storages.backends.s3 at the top of the URLconf's module, which only"
        " functions that serve pages load. With snapstart = true, it then runs when a version is published, and no"
        " request waits for it."
    )
    assert notes(phase("URLconf", storage)) == (), "there it is where it should be"


def test_the_request_to_the_api_counts_too() -> None:
    (only,) = notes(phase("first API request", module("pandas", 300, by="shop.api", line=7), kind="after"))
    assert only.startswith("300 ms of the first API request are the import of pandas, which shop.api, line 7, imports")


def test_the_sdk_before_any_request_is_for_functions_that_call_aws() -> None:
    (only,) = notes(phase("models", module("shop.models", 120, module("boto3", 110, by="shop.models", line=3))))
    assert only.startswith("110 ms of each start are the import of boto3, which shop.models, line 3, imports. ")
    assert "Import it in the function that calls AWS" in only


def test_reading_the_file_happens_only_on_this_machine() -> None:
    config = module("pocket.django.configuration.source", 101, module("pocket.config", 100, module("pydantic", 80)))
    (only,) = notes(phase("settings", config), stage="")
    assert only == (
        "100 ms were spent reading pocket.toml (pocket.config, with pydantic), which happens on this machine only: a"
        " function reads the manifest in its artifact. With --stage, the report excludes it."
    )
    assert notes(phase("settings", module("pocket.configuration", 100))) == ()


def test_what_is_small_is_not_worth_a_word() -> None:
    assert notes(phase("first request", module("wave", 19))) == ()
    assert notes(phase("settings", module("django", 900)), phase("first request", module("wave", 30))) == ()
