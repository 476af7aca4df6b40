"""One request after the other through Lambda handlers, interleaved; prints medians in microseconds, and ratios."""

import gc
import json
import random
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import django

django.setup()

import orjson  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db.backends.signals import connection_created  # noqa: E402
from orm_peers import app  # noqa: E402
from orm_topics.models import Topic  # noqa: E402

from pocket.asgi import make_handler  # noqa: E402
from pocket.django.http.wsgi import make_wsgi_handler  # noqa: E402
from pocket.fastapi import create_app  # noqa: E402

SIZES = (1, 100, 1000)
REPEATS = {1: 60, 100: 15, 1000: 4}


def event(path: str) -> dict[str, Any]:
    http = {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": ""}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "localhost", "accept": "*/*", "user-agent": "benchmark"},
        "requestContext": {"domainName": "localhost", "stage": "$default", "http": http},
        "isBase64Encoded": False,
    }


def asking(handler: Callable[..., Any], path: str) -> Callable[[], Any]:
    request = event(path)
    answer = handler(request, None)
    answer = json.loads(answer) if isinstance(answer, bytes) else answer
    assert answer["statusCode"] == 200, answer
    return lambda: handler(request, None)


def cases() -> dict[str, dict[int, Callable[[], Any]]]:
    plain, pocket, django_handler = make_handler(app), make_handler(create_app()), make_wsgi_handler()
    first = Topic.objects.order_by("pk")[0].pk
    by_size: dict[str, tuple[Callable[..., Any], str]] = {
        "handwritten recipe (`sync_to_async`, `.values()`)": (plain, "/recipe/{}"),
        "handwritten recipe with orjson": (plain, "/recipe-orjson/{}"),
        "FastAPI, `def` and pydantic": (plain, "/def/{}"),
        "django-ninja": (django_handler, "/ninja/{}"),
        "Django REST framework": (django_handler, "/drf/{}"),
        "**Pocket**, `def`": (pocket, "/pocket/{}"),
        "**Pocket**, `def`, a computed field": (pocket, "/pocket/headed/{}"),
    }
    found = {name: {size: asking(h, path.format(size)) for size in SIZES} for name, (h, path) in by_size.items()}
    found["**Pocket**, `def`, `get()`"] = {1: asking(pocket, f"/pocket/one/{first}")}
    found["**Pocket**, `async def`, `aget()`"] = {1: asking(pocket, f"/pocket/async/{first}")}
    found[ALONE] = {1: lambda: Topic.objects.get(pk=first)}
    found[NOTHING] = {1: asking(plain, "/nothing/1")}
    found[VALUES] = {
        size: (lambda size=size: orjson.dumps(list(Topic.objects.all().values()[:size]))) for size in SIZES
    }
    return found


def main(rounds: int) -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    Topic.objects.all().delete()
    Topic.objects.bulk_create(
        Topic(title=f"Topic {n}", body="Lorem ipsum " * 8, author_name=f"Author {n % 10}", views=n) for n in range(1000)
    )
    measured = cases()
    todo = [(name, size) for name, sizes in measured.items() for size in sizes]
    taken: dict[str, Taken] = {clock: {key: [] for key in todo} for clock in CLOCKS}
    opened: dict[str, int] = dict.fromkeys(measured, 0)
    now: list[str] = [""]
    connection_created.connect(lambda **_: opened.update({now[0]: opened[now[0]] + 1}), weak=False)
    for _ in range(rounds):
        random.shuffle(todo)
        for name, size in todo:
            call, repeats = measured[name][size], REPEATS[size]
            now[0] = name
            call()
            gc.collect()
            gc.disable()
            begun = {clock: read() for clock, read in CLOCKS.items()}
            for _ in range(repeats):
                call()
            for clock, read in CLOCKS.items():
                taken[clock][name, size].append((read() - begun[clock]) / repeats * 1e6)
            gc.enable()
    figures: dict[str, Any] = {
        clock: {name: [median(times[name, size]) for size in sizes] for name, sizes in measured.items()}
        for clock, times in taken.items()
    }
    figures["opened"] = {name: number for name, number in opened.items() if number}
    figures["ratios"] = {words: {clock: ratio(taken[clock]) for clock in CLOCKS} for words, ratio in RATIOS.items()}
    print(json.dumps(figures))


def per_round(over: list[list[float]], under: list[list[float]]) -> float:
    """The median, over all rounds, of the sum of `over` by the sum of `under`."""
    return median(
        sum(above) / sum(below) for above, below in zip(zip(*over, strict=True), zip(*under, strict=True), strict=True)
    )


Taken = dict[tuple[str, int], list[float]]
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
ALONE, VALUES, NOTHING = "*`get()` alone*", "*`.values()` and orjson alone*", "*endpoint without a database*"
RATIOS: dict[str, Callable[[Taken], float]] = {
    "One object by the query alone plus an endpoint without a database": lambda times: per_round(
        [times["**Pocket**, `def`, `get()`", 1]], [times[ALONE, 1], times[NOTHING, 1]]
    ),
    "1000 rows by `.values()` and orjson alone": lambda times: per_round(
        [times["**Pocket**, `def`", 1000]], [times[VALUES, 1000]]
    ),
    **{
        f"{size} rows by {peer}": lambda times, size=size, peer=peer: per_round(  # type: ignore[misc]
            [times["**Pocket**, `def`", size]], [times[peer, size]]
        )
        for size in SIZES
        for peer in ("handwritten recipe with orjson", "django-ninja", "Django REST framework")
    },
}


main(int(sys.argv[1]))
