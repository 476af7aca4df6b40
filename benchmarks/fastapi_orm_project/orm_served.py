"""Thirty-two connections at a time to servers, interleaved; prints medians in requests a second, and ratios.

With numbers of threads, Pocket alone with as many each; one case more waits 20 ms in its thread.

FastAPI and Pocket run under uvicorn with uvloop and httptools, as `fastapi[standard]` installs it; django-ninja and DRF
under gunicorn with 32 threads, which serves them best. One process each.
"""

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

CONCURRENCY = 32
SIZES = (1, 100, 1000)
UVICORN = ("-m", "uvicorn", "--log-level", "warning", "--no-access-log", "--port")
GUNICORN = (
    *("-m", "gunicorn", "--worker-class", "gthread", "--threads", "32", "--keep-alive", "60"),
    *("--log-level", "warning", "--bind"),
)
SERVERS = {"plain": UVICORN, "pocket": UVICORN, "django_wsgi": GUNICORN}
POCKET = "**Pocket**, `def`"
CASES = {
    "handwritten recipe (`sync_to_async`, `.values()`)": ("plain", "/recipe/{}"),
    "handwritten recipe with orjson": ("plain", "/recipe-orjson/{}"),
    "FastAPI, `def` and pydantic": ("plain", "/def/{}"),
    "django-ninja": ("django_wsgi", "/ninja/{}"),
    "Django REST framework": ("django_wsgi", "/drf/{}"),
    POCKET: ("pocket", "/pocket/{}"),
}


def start(name: str) -> tuple[subprocess.Popen[bytes], int]:
    application, _, threads = name.partition(" ")
    environ = {**os.environ, **({"BENCHMARK_THREADS": threads} if threads else {})}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = str(port) if SERVERS[application] is UVICORN else f"127.0.0.1:{port}"
    command = [sys.executable, "-W", "ignore", *SERVERS[application], address, f"orm_asgi:{application}"]
    process = subprocess.Popen(command, cwd=Path(__file__).parent, env=environ)
    for _ in range(1200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process, port
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{name} did not start.")


def processor_time(process: int) -> float:
    """Seconds that a process and its children have used, from Linux's /proc."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ticks = 0
    for number in (process, *children):
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(") ")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def ask(port: int, path: str, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    number = 0
    while time.perf_counter() < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head[:20], head
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if length:
            await reader.readexactly(int(length))
        else:
            await reader.readuntil(b"\r\n0\r\n\r\n")
        number += 1
    writer.close()
    return number


async def load(port: int, path: str, seconds: float) -> float:
    begun = time.perf_counter()
    numbers = await asyncio.gather(*(ask(port, path, begun + seconds) for _ in range(CONCURRENCY)))
    return sum(numbers) / (time.perf_counter() - begun)


def per_round(taken: dict[tuple[str, int], list[float]], peer: str, size: int) -> float:
    """The median of the rounds' own ratios of Pocket to a peer."""
    return median(ours / theirs for ours, theirs in zip(taken[POCKET, size], taken[peer, size], strict=True))


def main(rounds: int, seconds: float, threads: list[str]) -> None:
    cases = CASES
    if threads:
        paths = {"rows": "/pocket/{}", "rows and 20 ms of waiting": "/pocket/waits/{}"}
        cases = {f"{what}, {n} threads": (f"pocket {n}", path) for what, path in paths.items() for n in threads}
    servers = {name: start(name) for name in dict.fromkeys(server for server, _ in cases.values())}
    try:
        todo = [(case, size) for case in cases for size in SIZES]
        rates: dict[tuple[str, int], list[float]] = {key: [] for key in todo}
        processor: dict[tuple[str, int], list[float]] = {key: [] for key in todo}
        for turn in range(rounds + 1):
            random.shuffle(todo)
            for case, size in todo:
                server, path = cases[case]
                process, port = servers[server]
                begun, used = time.perf_counter(), processor_time(process.pid)
                rate = asyncio.run(load(port, path.format(size), seconds))
                if turn:
                    rates[case, size].append(rate)
                    requested = rate * (time.perf_counter() - begun)
                    processor[case, size].append((processor_time(process.pid) - used) / requested * 1e6)
        found: dict[str, Any] = {
            key: {case: [median(values[case, size]) for size in SIZES] for case in cases}
            for key, values in {"rate": rates, "processor": processor}.items()
        }
        found["ratios"] = {
            f"{size} rows, 32 at a time, by {peer}": [per_round(taken, peer, size) for taken in (rates, processor)]
            for size in SIZES
            for peer in cases
            if POCKET in cases and peer != POCKET
        }
        print(json.dumps(found))
    finally:
        for process, _ in servers.values():
            process.terminate()
        for process, _ in servers.values():
            process.wait()


main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
