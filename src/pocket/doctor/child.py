"""`python -P -m pocket.doctor.child MODE FILE PATH`: one start of the project in this process; the result is in FILE.

MODE `start` starts it up to the response to a GET of PATH and writes the report. MODE `twice` fills the registry, runs
every ready() again, and writes what was registered twice. Modules that Django needs are not imported before the start
is measured.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.django import origin
from pocket.doctor.driver import Start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pocket.doctor.origins import Origins
    from pocket.doctor.recording import Stretch
    from pocket.doctor.report.model import Issue, Request, Span

_SHORTEST_SECRET = 4
_HERE = os.getcwd() + os.sep  # noqa: PTH109 - pathlib is not loaded yet


def main(mode: str, file: str, path: str) -> None:
    """Starts the project, inside Lambda from the module bundle, and writes the result."""
    if "LAMBDA_TASK_ROOT" in os.environ:
        from pocket.django.lambda_handlers import _use_bundles

        _use_bundles()
    origin.leave()
    start = Start()
    start.run(None if mode == "twice" else path)
    import json
    import threading
    from pathlib import Path

    found = _twice(start) if mode == "twice" else _measured(start)
    Path(file).write_text(json.dumps(found), encoding="utf-8")
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        os._exit(0)


def _twice(start: Start) -> dict[str, Any]:
    from dataclasses import asdict

    from pocket.doctor.idempotence import run_twice

    hide = hiding(_secrets(os.environ.get(naming.STAGE_KEY, "")))
    issues = without_secrets([] if start.failure is not None else run_twice(), hide)
    return {"issues": [asdict(issue) for issue in issues]}


def _measured(start: Start) -> dict[str, Any]:
    """The report, and the modules with models, which `scripts.scan` needs."""
    from datetime import UTC, datetime
    from platform import python_version

    import django
    from django.apps import apps

    from pocket.doctor.diagnosis import diagnose
    from pocket.doctor.origins import Origins
    from pocket.doctor.report.model import Report

    stage, origins = os.environ.get(naming.STAGE_KEY, ""), Origins()
    hide = hiding(_secrets(stage))
    requests = [_request(*item) for item in start.site.answers]
    report = Report(
        python=python_version(),
        django=django.get_version(),
        settings_module=os.environ.get("DJANGO_SETTINGS_MODULE", ""),
        stage=stage,
        place="Lambda" if "AWS_LAMBDA_FUNCTION_NAME" in os.environ else "here",
        taken=datetime.now(UTC).isoformat(timespec="seconds"),
        spans=tuple(_span(root, origins) for root in start.recorder.roots),
        request=requests[0] if requests else None,
        api_request=requests[1] if len(requests) > 1 else None,
        issues=tuple(without_secrets(diagnose(start), hide)),
        stopped=hide(_stopped(start)),
    )
    models = {model.__module__ for model in apps.get_models()} if apps.models_ready else set()
    return {"report": report.to_json(), "models": sorted(models)}


def without_secrets(issues: Iterable[Issue], hide: Callable[[str], str]) -> list[Issue]:
    """`issues` with `hide` applied to messages and details, which may quote the project; places stay."""
    from dataclasses import replace

    return [replace(item, message=hide(item.message), details=tuple(map(hide, item.details))) for item in issues]


def hiding(secrets: Mapping[str, str]) -> Callable[[str], str]:
    """A function that replaces each value in a text, and the password of a URL, by the variable's name."""
    hidden = _parts(secrets)

    def hide(text: str) -> str:
        for part, name in hidden:
            text = text.replace(part, f"<{name}>")
        return text

    return hide


def _parts(secrets: Mapping[str, str]) -> list[tuple[str, str]]:
    """The texts to hide, the longest first, each with its variable."""
    from urllib.parse import unquote, urlsplit

    found = {}
    for name, value in secrets.items():
        for part in (value, *value.split()):
            found[part] = name
        with suppress(ValueError):
            password = urlsplit(value).password or ""
            found[password] = found[unquote(password)] = name
    long = ((part, name) for part, name in found.items() if len(part) >= _SHORTEST_SECRET)
    return sorted(long, key=lambda pair: len(pair[0]), reverse=True)


def _secrets(stage: str) -> Mapping[str, str]:
    """The values that `set_envs()` has read in this process, by variable: an exception's message may quote them."""
    runtime = sys.modules.get("pocket.django.runtime")
    fetched = runtime.registered(stage) if runtime is not None else None
    return fetched.secrets if fetched is not None else {}


def _request(path: str, answer: Any, error: str) -> Request:
    from pocket.doctor.report.model import Request

    return Request(path, answer["statusCode"] if isinstance(answer, dict) else 0, error)


def _stopped(start: Start) -> str:
    if start.failure is None:
        return ""
    at = f"{start.stopped} of {start.app}" if start.app else start.stopped
    message = str(start.failure).strip().split("\n")[0]
    return f"{at}: {type(start.failure).__name__}: {message}"


def _span(stretch: Stretch, origins: Origins) -> Span:
    from pocket.doctor.report.model import Span

    return Span(
        name=stretch.name,
        kind=stretch.kind,
        start_ms=round(stretch.started * 1000, 3),
        ms=round((stretch.ended - stretch.started) * 1000, 3),
        modules=stretch.modules,
        memory_kb=0 if stretch.kind == "import" else max(0, stretch.memory // 1024),
        by=stretch.by,
        place=f"{stretch.place[0]}:{stretch.place[1]}".removeprefix(_HERE) if stretch.place else "",
        origin=origins.of(stretch.name) if stretch.kind == "import" else "",
        children=tuple(_span(child, origins) for child in stretch.children),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
