"""The command as a user runs it: help, exit statuses, and modules that help must not load."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("boto3", "botocore", "cfnlint", "django", "pydantic", "rich")


def run(*args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pocket", *args], cwd=cwd, text=True, capture_output=True, check=False, timeout=60
    )


def test_help_names_every_command_on_standard_output() -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in (
        "check",
        "local",
        "deploy",
        "releases",
        "rollback",
        "manage",
        "status",
        "logs",
        "destroy",
        "permissions",
        "schema",
    ):
        assert f"\n  {command} " in done.stdout


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from pocket.cli.app import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        f"print(sorted(set({HEAVY!r}) & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], text=True, capture_output=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    "command", ["check", "local", "deploy", "releases", "rollback", "manage", "status", "logs", "destroy", "schema"]
)
def test_each_command_has_help(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"Usage: pocket {command}" in done.stdout


def test_misuse_exits_with_2_on_standard_error() -> None:
    done = run("deploy", "--stgae", "dev")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "--stgae" in done.stderr


def test_without_a_file_the_error_has_a_hint(tmp_path: Path) -> None:
    done = run("check", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "pocket.toml" in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["schema"], ["check", "--help"], ["--version"]])
def test_an_output_that_cannot_be_written_is_an_error_without_a_traceback(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pocket", *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "error: Standard output cannot be written: No space left on device.\n")


BOUNDED = """
[general]
region = "eu-central-1"
stages = ["dev"]
project_name = "bounded"
[awscontainer.handlers.web]
command = "pocket.django.lambda_handlers.wsgi_handler"
apigateway = {}
"""


def test_permissions_prints_the_boundary_first_and_then_the_policy_as_json(tmp_path: Path) -> None:
    (tmp_path / "pocket.toml").write_text(BOUNDED)
    boundary = run("permissions", "--stage", "dev", "--boundary", cwd=tmp_path)
    assert (boundary.returncode, boundary.stderr) == (0, "")
    assert json.loads(boundary.stdout)["Statement"][0]["Sid"] == "WriteLogs"
    refused = run("permissions", "--stage", "dev", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "pocket permissions --stage dev --boundary" in refused.stderr
    arn = "arn:aws:iam::123456789012:policy/boundary"
    (tmp_path / "pocket.toml").write_text(f'{BOUNDED}[awscontainer]\npermissions_boundary = "{arn}"\n')
    policy = run("permissions", "--stage", "dev", cwd=tmp_path)
    assert (policy.returncode, policy.stderr) == (0, "")
    assert arn in policy.stdout
    assert {"HttpApis", "Stacks"} <= {item["Sid"] for item in json.loads(policy.stdout)["Statement"]}
    none = run("permissions", "--stage", "dev", "--part", "2", cwd=tmp_path)
    assert (none.returncode, "There is no part 2 of 1." in none.stderr) == (2, True)


def test_a_policy_that_is_too_long_for_iam_is_printed_in_parts(tmp_path: Path) -> None:
    handlers = "".join(
        f'[awscontainer.handlers.h{number}]\ncommand = "app.web"\napigateway = {{ domain = "{number}.example.com" }}\n'
        for number in range(20)
    )
    bounded = '[awscontainer]\npermissions_boundary = "arn:aws:iam::123456789012:policy/boundary"\n'
    (tmp_path / "pocket.toml").write_text(f"{BOUNDED}{bounded}{handlers}")
    printed = [run("permissions", "--stage", "dev", "--part", part, cwd=tmp_path) for part in ("1", "2")]
    for number, done in enumerate(printed, 1):
        assert f"Part {number} of 2: the deployer needs all of them; see --part {3 - number}." in done.stderr
    sids = [{item["Sid"] for item in json.loads(done.stdout)["Statement"]} for done in printed]
    assert "Stacks" in sids[0]
    assert "DomainNames" in sids[1]


ENDLESS = """
import time
from pocket.cli import app

@app.app.command()
def endless():
    try:
        print("begun", flush=True)
        time.sleep(60)
    finally:
        print("tidied up", flush=True)

app.run()
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_lets_the_command_tidy_up_and_is_its_status(number: signal.Signals, status: int) -> None:
    with subprocess.Popen([sys.executable, "-c", ENDLESS, "endless"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(number)
        assert process.stdout.read() == "tidied up\n"
        assert process.wait(30) == status


def test_the_help_names_every_gate_that_may_be_skipped() -> None:
    from pocket.cli import options
    from pocket.deploy.gates import NAMES

    [option] = options.SkipGates.__metadata__
    assert option.help == f"Gate to skip: {', '.join(NAMES)}; may be repeated."
