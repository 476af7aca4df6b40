"""A second opinion on the templates of a stage with one of everything: checkov's rules, by `make security`.

The rules that are not meant to pass are in docs/contributing/security-rules.md, each with its reason.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
PAGE = REPOSITORY / "docs" / "contributing" / "security-rules.md"
CHECKOV = "checkov==3.3.30"
PYTHON = "3.11"
"""checkov supports fewer versions of Python than Pocket."""


def failing(folder: Path) -> dict[str, list[str]]:
    """The resources that fail each of checkov's rules, in the templates in `folder`."""
    uv = REPOSITORY / ".tools" / "bin" / "uv"
    rules = ["--directory", str(folder), "--framework", "cloudformation", "--output", "json", "--skip-download"]
    done = subprocess.run(  # noqa: S603 - this repository's uv, arguments as a list
        [uv, "tool", "run", "--python", PYTHON, "--from", CHECKOV, "checkov", *rules, "--soft-fail"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    results = json.loads(done.stdout)["results"]
    if not results["passed_checks"]:
        raise SystemExit("checkov has checked nothing.")
    found: dict[str, list[str]] = {}
    for item in results["failed_checks"]:
        found.setdefault(item["check_id"], []).append(f"{item['resource']}: {item['check_name']}")
    return found


def templates(folder: Path) -> None:
    """Writes the templates of stages that have one of everything into `folder`."""
    sys.path.insert(0, str(REPOSITORY / "tests" / "support"))
    from deploying import ALARMS, FULL, inputs, project

    from pocket.deploy.template import render, render_storage

    with tempfile.TemporaryDirectory() as scratch:
        more = render(inputs(project(Path(scratch) / "more", ALARMS)))
        (folder / "more.json").write_text(more.to_json())
        text = FULL.replace("apigateway = {}", "apigateway = { access_log = true }", 1)
        found = project(Path(scratch), text)
        (folder / "stage.json").write_text(render(inputs(found)).to_json())
        (folder / "storage.json").write_text(render_storage(found.stage("dev"), "123456789012").to_json())


def main() -> None:
    """Ends with status 1 where the rules that fail are not those of the page."""
    meant = set(re.findall(r"^\| `(CKV2?_\w+)` \|", PAGE.read_text(), flags=re.MULTILINE))
    with tempfile.TemporaryDirectory() as folder:
        templates(Path(folder))
        found = failing(Path(folder))
    faults = ["\n  ".join([f"{rule} fails:", *found[rule]]) for rule in sorted(found.keys() - meant)]
    faults += [f"{rule} passes: remove it from {PAGE.name}." for rule in sorted(meant - found.keys())]
    if faults:
        raise SystemExit("\n".join(faults))
    sys.stdout.write(f"Every rule passes, except the {len(meant)} that are not meant to.\n")


if __name__ == "__main__":
    main()
