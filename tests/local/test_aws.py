"""Starting, attaching, stopping: one a project, on free ports, with its state, and without leaving anything behind."""

import json
import os
import re
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pocket.errors import LocalAWSError
from pocket.local import LocalAWS, attach, clean, start
from pocket.local.folder import StateFolder
from pocket.local.pythons import REQUIREMENTS

SECONDS = 20.0


@pytest.fixture
def other_process() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Runs Python source in a process of its own that must print one line when it is ready."""
    started: list[subprocess.Popen[str]] = []

    def run(source: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", source, *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


STARTER = """
import sys, time
from pathlib import Path
from pocket.local import start
local = start(Path(sys.argv[1]), ["web"])
print(local.pid, flush=True)
time.sleep(600)
"""


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children_of_session(session: int) -> list[int]:
    """The living processes of a session, from /proc."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def busy_function(cloud: Any) -> None:
    """A function in the middle of an event, with a child process of its own."""
    source = (
        "import subprocess, time\n"
        "def handler(event, context):\n"
        "    subprocess.Popen(['sleep', '600'])\n"
        "    time.sleep(600)\n"
    )
    cloud.function("busy", source, Timeout=600)
    cloud.client("lambda").invoke(FunctionName="busy", InvocationType="Event", Payload="{}")


def assert_nothing_is_left(local_pid: int, state: Path) -> None:
    wait_until(lambda: not children_of_session(local_pid) and not StateFolder(state).is_taken())
    wait_until(lambda: not (state / "tmp").exists() and not (state / "running.json").exists())


def test_a_start_answers_and_a_stop_leaves_nothing(project: Path, make_cloud: Any) -> None:
    local = start(project, ["web"])
    busy_function(make_cloud(local))
    wait_until(lambda: len(children_of_session(local.pid)) == 3)
    local.stop()
    local.stop()
    assert children_of_session(local.pid) == []
    state = local.state_dir
    assert state == project / ".pocket" / "local"
    assert not (state / "tmp").exists()
    assert not (state / "running.json").exists()
    assert (project / ".pocket" / ".gitignore").read_text() == "*\n"


def test_only_its_owner_can_read_the_state(project: Path) -> None:
    with start(project, ["web"]) as local:
        local.save()
        state = local.state_dir
        assert stat.S_IMODE(state.stat().st_mode) == 0o700
        own = [path for path in state.rglob("*") if path.relative_to(state).parts[0] not in ("ministack", "python")]
        open_to_others = [path.name for path in own if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077]
        assert open_to_others == []


def test_nothing_secret_is_in_the_arguments_the_log_or_the_representation(project: Path) -> None:
    with start(project, ["web"]) as local:
        shown = Path(f"/proc/{local.pid}/cmdline").read_text() + Path(f"/proc/{local.pid}/environ").read_text()
        shown += repr(local) + local.log.read_text()
        running = json.loads((local.state_dir / "running.json").read_text())
        assert local.secret_access_key not in shown
        assert running["token"] not in shown


def test_the_emulator_inherits_nothing_of_the_developers_environment(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("SECRET_OF_MINE", "x")
    with start(project, []) as local:
        names = {line.partition("=")[0] for line in Path(f"/proc/{local.pid}/environ").read_text().split("\0")}
        assert names - {""} <= {"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ"}


def test_a_second_start_names_the_first(project: Path) -> None:
    with start(project, ["web"]) as local:
        with pytest.raises(LocalAWSError, match="is running already") as refused:
            start(project, ["web"])
        assert str(local.pid) in refused.value.message
        assert local.endpoint_url in refused.value.message


def test_the_database_of_the_start_is_known_after_an_attach_and_not_shown(project: Path, other_process: Any) -> None:
    url = "postgres://app:swordfish@127.0.0.1/shop"
    parent = other_process(STARTER.replace('["web"]', f'["web"], database_url="{url}"'), str(project))
    pid = int(parent.stdout.readline())
    local = attach(project)
    assert local.database_url == url
    shown = repr(local) + local.log.read_text()
    shown += "".join(Path(f"/proc/{pid}/{name}").read_text() for name in ("cmdline", "environ"))
    assert "swordfish" not in shown


def test_two_projects_run_side_by_side(project: Path, cloud: Any) -> None:
    with start(project, ["web"]) as two:
        assert cloud.local.endpoint_url != two.endpoint_url
        assert cloud.local.addresses["web"] != two.addresses["web"]


def test_a_port_in_use_is_named(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalAWSError, match=f"Port {port} is in use"):
            start(project, ["web"], port=port)
    with start(project, ["web", "api"], port=port) as local:
        assert local.addresses["web"] == f"http://localhost:{port}"


def test_ports_and_routes_and_state_outlive_a_restart(project: Path, make_cloud: Any) -> None:
    source = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'still here'}\n"
    with start(project, ["web", "api"]) as first:
        cloud = make_cloud(first)
        first.route({"web": cloud.http_api("kept", cloud.function("kept", source))})
        cloud.client(
            "s3",
        ).create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
        cloud.client("s3").put_object(Bucket="kept", Key="a/b", Body=b"object")
    with start(project, ["web", "api"]) as second:
        assert (second.endpoint_url, second.addresses) == (first.endpoint_url, first.addresses)
        with urllib.request.urlopen(second.addresses["web"]) as response:
            assert response.read() == b"still here"
        kept = make_cloud(second).client("s3").get_object(Bucket="kept", Key="a/b")
        assert kept["Body"].read() == b"object"


def test_what_was_saved_outlives_a_kill(project: Path, make_cloud: Any) -> None:
    local = start(project, ["web"])
    make_cloud(local).client("secretsmanager").create_secret(Name="kept", SecretString="value")
    local.save()
    os.kill(local.pid, signal.SIGKILL)
    with pytest.raises(LocalAWSError, match="ended by itself"):
        local.wait()
    with pytest.raises(LocalAWSError, match="ended without cleaning up"):
        attach(project)
    local.stop()
    with start(project, ["web"]) as again:
        secret = make_cloud(again).client("secretsmanager").get_secret_value(SecretId="kept")
        assert secret["SecretString"] == "value"


def test_a_state_that_cannot_be_written_leaves_the_one_before_whole(
    project: Path, make_cloud: Any, package: Any
) -> None:
    source = "def handler(event, context):\n    return 'kept'\n"
    local = start(project, ["web"])
    cloud = make_cloud(local)
    cloud.function("kept", source)
    local.save()
    cloud.client("sqs").create_queue(QueueName="lost")
    code = package({"app.py": source.replace("kept", "lost" + os.urandom(40_000).hex())})
    cloud.client("lambda").update_function_code(FunctionName="kept", ZipFile=code)
    # As on a full disk, nothing larger can be written.
    resource.prlimit(local.pid, resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    with pytest.raises(LocalAWSError, match="could not be saved, and the last saved state is kept: File too large"):
        local.save()
    with pytest.raises(LocalAWSError, match="begins with what was saved before"):
        local.stop()
    state = local.state_dir / "data" / "state"
    assert not list(state.glob("*.staged"))
    with start(project, ["web"]) as again:
        cloud = make_cloud(again)
        assert cloud.invoke("kept") == ("kept", None)
        with pytest.raises(ClientError, match="NonExistentQueue"):
            cloud.client("sqs").get_queue_url(QueueName="lost")
        again.save()


def test_a_killed_run_is_not_mistaken_for_the_one_that_starts(project: Path) -> None:
    local = start(project, [])
    os.kill(local.pid, signal.SIGKILL)
    with pytest.raises(LocalAWSError, match="ended by itself"):
        local.wait()
    folder = StateFolder.of(project)
    assert folder.running.exists()
    with folder.take(), pytest.raises(LocalAWSError, match="is running already") as refused:
        start(project, [])
    assert str(local.pid) not in refused.value.message
    local.stop()


def test_a_kill_of_the_emulator_ends_its_functions(project: Path, make_cloud: Any) -> None:
    local = start(project, [])
    busy_function(make_cloud(local))
    wait_until(lambda: len(children_of_session(local.pid)) == 3)
    os.kill(local.pid, signal.SIGKILL)
    wait_until(lambda: not children_of_session(local.pid))
    local.stop()
    assert not (local.state_dir / "tmp").exists()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_it_ends_with_its_parent_however_that_dies(
    project: Path, other_process: Any, make_cloud: Any, signum: signal.Signals
) -> None:
    parent = other_process(STARTER, str(project))
    pid = int(parent.stdout.readline())
    local = attach(project)
    assert local.pid == pid
    busy_function(make_cloud(local))
    wait_until(lambda: len(children_of_session(pid)) == 3)
    parent.send_signal(signum)
    parent.wait()
    assert_nothing_is_left(pid, local.state_dir)
    with start(project, []) as again:
        assert make_cloud(again).client("lambda").get_function(FunctionName="busy")


def test_the_terminals_interrupt_does_not_reach_it(project: Path) -> None:
    with start(project, []) as local:
        assert os.getsid(local.pid) == os.getpgid(local.pid) == local.pid != os.getsid(0)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_of_its_own_ends_it_in_order(project: Path, make_cloud: Any, signum: signal.Signals) -> None:
    local = start(project, [])
    make_cloud(local).client("sqs").create_queue(QueueName="kept")
    os.kill(local.pid, signum)
    local.wait()
    assert_nothing_is_left(local.pid, local.state_dir)
    local.stop()
    with start(project, []) as again:
        assert make_cloud(again).client("sqs").get_queue_url(QueueName="kept")


def test_attach_finds_the_running_one_and_can_stop_it(project: Path, other_process: Any) -> None:
    with pytest.raises(LocalAWSError, match="is not running") as refused:
        attach(project)
    assert "pocket local" in refused.value.hint
    parent = other_process(STARTER, str(project))
    pid = int(parent.stdout.readline())
    local = attach(project)
    assert local.pid == pid
    assert set(local.addresses) == {"web"}
    local.save()
    local.stop()
    assert children_of_session(pid) == []
    local.stop()
    local.wait()


def test_a_site_without_a_route_explains_how_to_get_one(project: Path) -> None:
    with start(project, ["web"]) as local:
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(local.addresses["web"])
        assert answer.value.code == 503
        assert "pocket deploy --local" in answer.value.read().decode()
        answer.value.close()


def test_a_route_to_nothing_or_of_an_unknown_site_is_refused(project: Path) -> None:
    with start(project, ["web"]) as local:
        with pytest.raises(LocalAWSError, match="'nowhere'"):
            local.route({"web": "nowhere"})
        with pytest.raises(LocalAWSError, match="without a site 'api'; its sites: web"):
            local.route({"api": "nowhere"})


def test_another_ministack_is_refused(tmp_path: Path) -> None:
    start(tmp_path, []).stop()
    packages = next((tmp_path / ".pocket/local/ministack").glob("lib/python*/site-packages"))
    (packages / "ministack-1.5.33.dist-info").rename(packages / "ministack-9.9.9.dist-info")
    metadata = packages / "ministack-9.9.9.dist-info" / "METADATA"
    other = metadata.read_text().replace("Version: 1.5.33", "Version: 9.9.9")
    metadata.unlink()
    metadata.write_text(other)
    with pytest.raises(LocalAWSError, match=r"MiniStack 9\.9\.9 is installed; the launcher is written for 1\.5\.33"):
        start(tmp_path, [])


def test_a_missing_internal_is_named(tmp_path: Path) -> None:
    start(tmp_path, []).stop()
    packages = next((tmp_path / ".pocket/local/ministack").glob("lib/python*/site-packages"))
    runtime = packages / "ministack/core/lambda_runtime.py"
    other = runtime.read_text().replace("kill_workers", "end_workers")
    runtime.unlink()
    runtime.write_text(other)
    with pytest.raises(LocalAWSError, match=r"lacks ministack\.core\.lambda_runtime\.kill_workers"):
        start(tmp_path, [])


def test_a_failed_start_shows_the_end_of_the_log(tmp_path: Path) -> None:
    start(tmp_path, []).stop()
    packages = next((tmp_path / ".pocket/local/ministack").glob("lib/python*/site-packages"))
    application = packages / "ministack/app.py"
    application.unlink()
    application.write_text("raise RuntimeError('a broken installation')\n")
    with pytest.raises(LocalAWSError, match="a broken installation"):
        start(tmp_path, [])
    assert not (tmp_path / ".pocket/local/tmp").exists()


def test_an_interrupt_during_the_start_leaves_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    def interrupted(process: Any, folder: StateFolder) -> None:
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr("pocket.local.process._read_report", interrupted)
    with pytest.raises(KeyboardInterrupt):
        start(project, ["web"])
    assert started[0].returncode is not None
    assert_nothing_is_left(started[0].pid, project / ".pocket" / "local")


def test_a_later_start_needs_neither_uv_nor_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start(tmp_path, []).stop()
    monkeypatch.setattr("pocket.uv_program.find", lambda *_: pytest.fail("asked for uv"))
    start(tmp_path, []).stop()


def test_an_installation_that_fails_shows_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(LocalAWSError, match="could not be installed") as failed:
        start(tmp_path, [])
    assert "first start" in failed.value.hint


def test_cleaning_leaves_nothing_of_earlier_runs(project: Path, make_cloud: Any) -> None:
    assert clean(project.parent / "never-run") == 0
    with start(project, ["web"]) as local:
        cloud = make_cloud(local)
        cloud.function("unpacked", "def handler(event, context):\n    return 1\n")
        cloud.invoke("unpacked")
        with pytest.raises(LocalAWSError, match="is running already"):
            clean(project)
    folder = StateFolder.of(project)
    packages = folder.make_packages()
    assert any((packages / "unpacked").iterdir())
    environments = (local.state_dir / "ministack").resolve()
    (local.state_dir / "mine").symlink_to(project)
    assert clean(project) > 10_000
    assert [path.name for path in folder.path.iterdir()] == ["lock"]
    assert not packages.exists()
    assert environments.exists(), "what a link leads to stays"
    assert project.exists()


def test_a_package_that_is_not_the_one_that_was_pinned_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = REQUIREMENTS.read_text()
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=[a-z])", text)[1:])
    other = tmp_path / "requirements.txt"
    other.write_text(re.sub(r"(?<=sha256:)[0-9a-f]{64}", "0" * 64, text))
    monkeypatch.setattr("pocket.local.pythons.REQUIREMENTS", other)
    with pytest.raises(LocalAWSError, match="Hash mismatch"):
        start(tmp_path, [])


def test_a_local_aws_is_frozen() -> None:
    with pytest.raises(AttributeError):
        LocalAWS("http://x", "id", "secret", {}, Path(), Path(), 1, "token").pid = 2  # type: ignore[misc]
