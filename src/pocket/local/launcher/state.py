"""Saves every service's state, all of it or nothing; MiniStack overwrites file by file, and only logs a failure.

If the disk filled up in between, stacks would have the functions of an earlier state, or functions no code.
"""

from __future__ import annotations

import json
import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.local.launcher.emulator import module
from pocket.local.launcher.execution import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

STAGED = ".staged"


class Unsaved(Exception):
    """The state could not be written; what was saved before is untouched."""


log = logging.getLogger("pocket.local")


def install() -> None:
    """Make MiniStack save this way when it ends."""

    def save_at_the_end(services: Mapping[str, Callable[[], Any]]) -> None:
        try:
            save_all(services)
        except Unsaved as unsaved:
            log.error("%s", unsaved)

    module("app").save_all = save_at_the_end


def save() -> None:
    """Write the state of every service; S3 objects are on the disk already. Raises Unsaved."""
    emulator = module("app")
    save_all(emulator._build_persistence_save_dict())


def save_all(services: Mapping[str, Callable[[], Any]]) -> None:
    """Write each service's state; the file of one whose state is None is not changed. Raises Unsaved."""
    functions = module("services.lambda_svc")
    prune, referenced = functions._prune_orphan_code_blobs, set[str]()
    externalize = functions._externalize_code_zip
    # Code that the saved state names must stay until a new state is saved.
    functions._prune_orphan_code_blobs = referenced.update
    functions._externalize_code_zip = partial(_refer_to_code, externalize)
    staged: list[Path] = []
    try:
        for name, get_state in services.items():
            if (state := get_state()) is not None:
                staged.append(_stage(name, state))
        for path in staged:
            path.replace(path.with_suffix(""))
    except Exception as error:
        for path in staged:
            path.unlink(missing_ok=True)
        why = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise Unsaved(f"the state could not be saved, and the last saved state is kept: {why}") from error
    finally:
        functions._prune_orphan_code_blobs = prune
        functions._externalize_code_zip = externalize
    prune(referenced)


def _refer_to_code(
    externalize: Callable[[dict[str, Any], set[str]], None], record: dict[str, Any], used: set[str]
) -> None:
    """Replaces the code in the record of a version by its hash; code that is on the disk already is not hashed."""
    functions = module("services.lambda_svc")
    sha256 = digest(record["config"]) if record.get("code_zip") else ""
    if sha256 and Path(functions.CODE_BLOB_DIR, f"{sha256}.zip").exists():
        record["code_zip"] = {functions._BLOB_REF_KEY: sha256}
        used.add(sha256)
        return
    externalize(record, used)


def _stage(name: str, state: Any) -> Path:
    """The service's new file beside the old one, complete."""
    persistence = module("core.persistence")
    path = Path(persistence.STATE_DIR) / f"{name}.json{STAGED}"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"__ministack_format__": persistence._state_format_version(name), "payload": state}
    try:
        with path.open("w") as file:
            # `json.dump` would encode in Python, not in C.
            file.write(json.dumps(document, default=persistence._json_default))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
