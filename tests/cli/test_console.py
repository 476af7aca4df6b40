"""The log of a command on a terminal: all that it shows, its answers, and how it ended."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from pocket.cli.console import KEPT_LOGS, PlainReporter, logged
from pocket.deploy.reporting import PlanRow
from pocket.errors import DeployError


def fail(folder: Path) -> None:
    """A command that shows one of everything, and fails."""
    with logged(folder, "deploy-dev", assume_yes=True) as progress, progress.step("Plan the changes"):
        progress.note("a fact\nin two lines")
        progress.table(["Package"], [["[django]"]])
        progress.plan([PlanRow("add", "WebFunction", "AWS::Lambda::Function")])
        progress.event("CREATE_COMPLETE")
        assert progress.confirm("Apply?")
        raise DeployError("It broke.", "Mend it.")


def test_a_terminal_has_a_log_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    folder = tmp_path / ".pocket" / "logs"
    folder.mkdir(parents=True)
    for number in range(KEPT_LOGS + 5):
        (folder / f"old-{number}.log").write_text("")
    with pytest.raises(DeployError):
        fail(tmp_path)
    (file,) = folder.glob("deploy-dev-*.log")
    lines = file.read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in lines)
    texts = [line[21:] for line in lines]
    assert texts[:4] == ["Plan the changes ...", "  a fact", "in two lines", "  Package"]
    assert "  [django]" in texts
    assert "  +  add  WebFunction  AWS::Lambda::Function" in texts
    assert "    CREATE_COMPLETE" in texts
    assert "  Apply? Yes" in texts
    assert texts[-3].startswith("Plan the changes: failed after ")
    assert texts[-2:] == ["  DeployError: It broke.", "Mend it."]
    assert file.stat().st_mode & 0o077 == 0
    assert len(list(folder.glob("*.log"))) == KEPT_LOGS


def test_elsewhere_whole_lines_are_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with logged(tmp_path, "deploy-dev") as progress, progress.step("Plan the changes"):
        assert type(progress) is PlainReporter
        progress.note("a fact")
    assert not (tmp_path / ".pocket").exists()
    output = capsys.readouterr().err
    assert re.fullmatch(r"Plan the changes \.\.\.\n  a fact\nPlan the changes: [\d.]+ s\n", output)
