"""The cases of `benchmarks/adapters`, in a process of its own: one framework, all adapters, all workloads.

    python worker.py FRAMEWORK ROUNDS [WORKLOAD ...]

Prints, as JSON in its last line, the median of each case by workload.
"""

from __future__ import annotations

import gc
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "support"))

from lambda_events import RequestSpec, event_of

Call = Callable[[], Any]


class Case(NamedTuple):
    """What is measured, and what is done before that and is not."""

    call: Call
    prepare: Call = tuple


Workloads = dict[str, dict[str, Case]]

BATCH = 0.004
"""Seconds that a case runs for in a round."""

COUNTED = 50
"""Requests of a case whose instructions are counted."""

BINARY = bytes(range(256)) * 4096
FORM = "&".join(f"field{number}=value+{number}" for number in range(20)).encode()
HEADERS = (
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9,ja;q=0.8"),
    ("cache-control", "max-age=0"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-site", "none"),
    ("upgrade-insecure-requests", "1"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"),
    ("x-amzn-trace-id", "Root=1-6a5145a9-1bae89e2512ec92d5d9438a0"),
)
FORMATS = {
    "HTTP API": "http_api",
    "function URL": "function_url",
    "REST API": "rest_api",
    "load balancer": "load_balancer_multi",
}


class Context:
    """As much of a Lambda context as adapters ask for."""

    aws_request_id = "0"
    log_stream_name = function_name = ""
    memory_limit_in_mb = 512

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


CONTEXT = Context()


def get(form: str, path: str) -> dict[str, Any]:
    """The event of a browser's GET."""
    return event_of(
        form, RequestSpec(path=path, query="page=2&tag=a", headers=HEADERS, cookies=("theme=dark", "seen=1"))
    )


def post(form: str, path: str, kind: str, body: bytes) -> dict[str, Any]:
    """The event of a browser's POST."""
    headers = (*HEADERS, ("content-type", kind))
    return event_of(form, RequestSpec("POST", path, headers=headers, body=body, text=True))


def headers_of(event: dict[str, Any]) -> list[tuple[str, str]]:
    """All headers of an HTTP API's event, so that a floor gets no fewer than what it is compared with."""
    cookie = "; ".join(event.get("cookies", ()))
    return [*event["headers"].items(), *([("cookie", cookie)] if cookie else [])]


def call(
    adapter: Callable[[Any, Any], Any], event: dict[str, Any], marshal: Callable[[Any], Any] | None = None
) -> Call:
    """A call of the adapter with an event, and of AWS's runtime client after it where that counts too."""
    if marshal is None:
        return lambda: adapter(event, CONTEXT)
    return lambda: marshal(adapter(event, CONTEXT))


def works(case: Case) -> bool:
    """Whether the adapter answers this event with 200; some do not know every format."""
    case.prepare()
    try:
        answer = case.call()
    except Exception:  # noqa: BLE001  (what a peer raises for an event that it does not know is its own affair)
        return False
    if isinstance(answer, dict):
        return answer.get("statusCode") in (200, "200")
    return True


def run(workloads: Workloads, rounds: int) -> dict[str, dict[str, float]]:
    """Microseconds of the processor's time; in each round workloads, and within them cases, in a random order."""
    cases = [(workload, name, case) for workload, all_of in workloads.items() for name, case in all_of.items()]
    batches = {}
    for workload, name, case in cases:
        case.prepare()
        for _ in range(20):
            case.call()
        start = time.process_time()
        for _ in range(5):
            case.call()
        batches[workload, name] = max(1, int(BATCH / ((time.process_time() - start) / 5)))
    times: dict[tuple[str, str], list[float]] = {key: [] for key in batches}
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for workload, all_of in random.sample(list(workloads.items()), len(workloads)):
            for name, case in random.sample(list(all_of.items()), len(all_of)):
                batch, called = batches[workload, name], case.call
                case.prepare()
                # The first call pays for what the case before has left in the processor's caches.
                called()
                start = time.process_time()
                for _ in range(batch):
                    called()
                times[workload, name].append((time.process_time() - start) / batch * 1e6)
    return {workload: relative(workload, all_of, times) for workload, all_of in workloads.items()}


def relative(workload: str, names: Iterable[str], times: dict[tuple[str, str], list[float]]) -> dict[str, float]:
    """The floor's median, and for each case that times the median of its ratios to the floor of the same round."""
    floors = times[workload, "floor"]
    floor = statistics.median(floors)
    return {
        name: floor * statistics.median(mine / its for mine, its in zip(times[workload, name], floors, strict=True))
        for name in names
    }


def count(workloads: Workloads) -> dict[str, dict[str, float]]:
    """Instructions a request, counted by the callgrind that this process runs under."""
    for all_of in workloads.values():
        for case in all_of.values():
            case.prepare()
            for _ in range(20):
                case.call()
    gc.collect()
    gc.freeze()
    gc.disable()
    control("--instr=on")
    idle = instructions(Case(lambda: None))
    return {
        workload: {name: instructions(case) - idle for name, case in all_of.items()}
        for workload, all_of in workloads.items()
    }


def instructions(case: Case) -> float:
    """Instructions of one call, over some."""
    called = case.call
    case.prepare()
    called()
    control("--zero")
    for _ in range(COUNTED):
        called()
    control("--dump")
    directory = Path(os.environ["POCKET_BENCHMARK_DIRECTORY"])
    dumps = directory.glob(f"callgrind.{os.getpid()}.*")
    newest = max(dumps, key=lambda path: int(path.suffix[1:]))
    total = re.search(r"^(?:totals|summary): (\d+)", newest.read_text(), re.MULTILINE)
    assert total is not None
    return int(total[1]) / COUNTED


def control(option: str) -> None:
    """Tells the callgrind around this process to do something."""
    subprocess.run(["callgrind_control", option, str(os.getpid())], check=True, capture_output=True)


def main() -> None:
    """Builds the framework's workloads and measures them."""
    framework, rounds, *only = sys.argv[1:]
    if framework == "fastapi":
        from fastapi_cases import workloads as make
    else:
        from django_cases import workloads as make
    counting = "POCKET_BENCHMARK_INSTRUCTIONS" in os.environ
    workloads: Workloads = {}
    for workload, cases in make(framework).items():
        if not only or any(part in workload for part in only):
            left_out = {"Mangum"} if counting and framework != "fastapi" else set()
            workloads[workload] = {name: case for name, case in cases.items() if name not in left_out and works(case)}
    print("\n" + json.dumps(count(workloads) if counting else run(workloads, int(rounds))))


if __name__ == "__main__":
    # The modules with the workloads import this one.
    sys.modules["worker"] = sys.modules["__main__"]
    main()
