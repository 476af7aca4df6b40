"""How long a function takes from the start of its process to its first response, against bare Django and the peers.

    python benchmarks/cold_start.py [--rounds 15] [--latency 30] [--only bare pocket]

Every case serves the same project, with Django's admin and the default middleware, and the same plain page. All but
bare Django take STORAGES, CACHES, settings and a secret from where they keep them, the secret from the local AWS,
behind a proxy that adds the latency of a network. Packages come from PyPI, Pocket from this repository, each case in a
folder of its own, compiled and, for Pocket, bundled beforehand, as its artifact is. Processes start one after another,
in a random order in each round. Needs uv, and the packages of `[cli]` for the local AWS.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cold_start_project import CASES, EVENT, write
from machine import find_uv

from pocket.deploy.build import archive, modules

REPOSITORY = Path(__file__).resolve().parent.parent
DJANGO = "django==5.2.19"
PACKAGES = {
    "bare": [DJANGO],
    "bare, GC off": [DJANGO],
    "pocket": [DJANGO, str(REPOSITORY)],
    "pocket, no bundle": [DJANGO, str(REPOSITORY)],
    "pocket, no secret": [DJANGO, str(REPOSITORY)],
    "magic-pocket": [DJANGO, "magic-pocket==0.46.1"],
    "zappa": [DJANGO, "zappa==0.63.0", "setuptools"],
}
SECRET = "s" * 50


def main() -> int:
    """Runs the benchmark and prints its table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--latency", type=float, nargs="*", default=[30.0], help="milliseconds, one table each")
    parser.add_argument("--only", nargs="*", choices=list(PACKAGES), default=list(PACKAGES))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pocket-benchmark-") as name, local_aws(Path(name)) as aws:
        directory = Path(name)
        cases = {case: prepare(case, directory) for case in options.only}
        for latency in options.latency:
            with proxy(aws, latency / 1000) as url:
                starts = measure(cases, {**aws, "AWS_ENDPOINT_URL": url}, options.rounds)
            show(starts, options.rounds, latency)
        if "pocket, no secret" in cases:
            count, milliseconds = own_imports(cases["pocket, no secret"], aws, options.rounds)
            print(f"\nPocket's own {count} modules: {milliseconds:.1f} ms to import, as -X importtime sees it")
    return 0


def prepare(case: str, directory: Path) -> Path:
    """The case's folder, with project and packages as an artifact has them: in one place, compiled, and bundled."""
    folder = directory / case.replace(" ", "-").replace(",", "")
    write(folder, case)
    python = ["-p", sys.executable, "--python-version", f"{sys.version_info.major}.{sys.version_info.minor}"]
    subprocess.run([find_uv(), "pip", "install", "-q", *python, "--target", folder, *PACKAGES[case]], check=True)
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash", folder],
        check=False,  # a few of the peers' dependencies carry files for other Pythons
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if case in {"pocket", "pocket, no secret"}:
        files = archive.scan(folder)
        modules.entries(files, {path.name for path in folder.glob("board_*.py")}, folder)
    return folder


class Start(NamedTuple):
    """One start: `wall` to the first response, and `cpu` of the whole process; both in milliseconds."""

    wall: float
    cpu: float


def measure(cases: dict[str, Path], aws: dict[str, str], rounds: int) -> dict[str, list[Start]]:
    """The starts of each case, one a round; a round before them warms the page cache and is not counted."""
    starts: dict[str, list[Start]] = {case: [] for case in cases}
    for number in range(rounds + 1):
        for case in random.sample(list(cases), len(cases)):
            value = start(case, cases[case], aws)
            if number:
                starts[case].append(value)
    return starts


def environment_of(project: Path, aws: dict[str, str]) -> dict[str, str]:
    """What a function's environment holds, as far as a start depends on it."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(project),
        "LAMBDA_TASK_ROOT": str(project),
        "AWS_LAMBDA_FUNCTION_NAME": "board-dev-web",
        "DJANGO_SETTINGS_MODULE": "board_settings",
        "HOME": str(project),
        **aws,
    }


def start(case: str, project: Path, aws: dict[str, str]) -> Start:
    """Starts the case's process and waits for its first response."""
    program, environ = CASES[case]
    environment = {**environment_of(project, aws), **environ}
    with tempfile.TemporaryFile() as output:
        began = time.monotonic_ns()
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", program, json.dumps(EVENT)],
            cwd=project,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read().decode()
    last = printed.strip().rpartition("\n")[2]
    if process.returncode or not last.startswith("200 "):
        raise SystemExit(f"{case} did not answer: {printed}")
    return Start((int(last.split()[1]) - began) / 1e6, (usage.ru_utime + usage.ru_stime) * 1e3)


def own_imports(project: Path, aws: dict[str, str], rounds: int) -> tuple[int, float]:
    """How many modules of Pocket a start imports, and the sum of what each took itself, fastest of all rounds.

    Without a secret: the thread that waits for one would take its turns in the middle of some module's import.
    """
    fastest: dict[str, int] = {}
    for _ in range(rounds):
        program, environ = CASES["pocket, no secret"]
        done = subprocess.run(
            [sys.executable, "-S", "-X", "importtime", "-c", program, json.dumps(EVENT)],
            cwd=project,
            env={**environment_of(project, aws), **environ},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        )
        for own, name in re.findall(
            r"^import time: +([0-9]+) \| +[0-9]+ \| +(pocket[.\w]*)$", done.stderr, re.MULTILINE
        ):
            fastest[name] = min(int(own), fastest.get(name, int(own)))
    return len(fastest), sum(fastest.values()) / 1000


def show(starts: dict[str, list[Start]], rounds: int, latency: float) -> None:
    """Prints the table of medians; a ratio is the median of the rounds' own, so that a busy moment tells less."""
    first = next(iter(starts))
    print(f"\n{rounds} rounds, {latency:g} ms to AWS, Python {sys.version.split()[0]}, {os.cpu_count()} CPUs\n")
    print(f"{'':20} {'median ms':>10} {'fastest':>10} {f'of {first}':>10} {'CPU ms':>10} {f'of {first}':>10}")
    for case, values in starts.items():
        wall, cpu = (
            statistics.median(mine[part] / theirs[part] for mine, theirs in zip(values, starts[first], strict=True))
            for part in (0, 1)
        )
        median, fastest = statistics.median(item.wall for item in values), min(item.wall for item in values)
        used = statistics.median(item.cpu for item in values)
        print(f"{case:20} {median:10.0f} {fastest:10.0f} {wall:10.2f} {used:10.0f} {cpu:10.2f}")


@contextmanager
def local_aws(directory: Path) -> Iterator[dict[str, str]]:
    """Starts the local AWS with the secrets where each case looks for them; the environment to reach it."""
    import boto3

    from pocket.local import start as start_aws

    home = directory / "aws"
    home.mkdir()
    with start_aws(home, ["web"]) as aws:
        session = boto3.Session(aws.access_key_id, aws.secret_access_key, region_name="eu-west-1")
        secrets = session.client("secretsmanager", endpoint_url=aws.endpoint_url)
        secrets.create_secret(Name="pocket-dev-board", SecretString=json.dumps({"SECRET_KEY": SECRET}))
        theirs = json.dumps({"dev": {"board": {"SECRET_KEY": SECRET}}})
        secrets.create_secret(Name="dev-board-main-pocket", SecretString=theirs)
        s3 = session.client("s3", endpoint_url=aws.endpoint_url)
        s3.create_bucket(Bucket="board-env", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_object(Bucket="board-env", Key="env.json", Body=json.dumps({"SECRET_KEY": SECRET}).encode())
        yield {
            "AWS_ENDPOINT_URL": aws.endpoint_url,
            "AWS_ACCESS_KEY_ID": aws.access_key_id,
            "AWS_SECRET_ACCESS_KEY": aws.secret_access_key,
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }


@contextmanager
def proxy(aws: dict[str, str], latency: float) -> Iterator[str]:
    """Hands requests on to the local AWS, each after `latency` seconds; the address to use instead.

    Each is signed anew: the emulator checks signatures, and answers to its own name only.
    """
    keys = Credentials(aws["AWS_ACCESS_KEY_ID"], aws["AWS_SECRET_ACCESS_KEY"])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            time.sleep(latency)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            _, _, region, service, _ = self.headers["Authorization"].partition(",")[0].split("/")
            kept = {name: self.headers[name] for name in ("Content-Type", "X-Amz-Target") if name in self.headers}
            request = AWSRequest(self.command, f"{aws['AWS_ENDPOINT_URL']}{self.path}", headers=kept, data=body)
            (S3SigV4Auth if service == "s3" else SigV4Auth)(keys, service, region).add_auth(request)
            connection = HTTPConnection(urlsplit(request.url).netloc, timeout=10)
            connection.request(self.command, self.path, body, dict(request.headers.items()))
            response = connection.getresponse()
            answer = response.read()
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in {"transfer-encoding", "content-length", "connection"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            connection.close()

        do_GET = do_POST  # noqa: N815 - the names are http.server's

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    sys.exit(main())
