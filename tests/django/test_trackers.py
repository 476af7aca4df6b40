"""Error trackers and tracers get the same of requests from events as under a WSGI server.

Each runs in a process with the tracker beside this environment's own packages; uv keeps both for the next time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from uv import find_uv_bin

TESTS = Path(__file__).parents[1]
PROGRAM = """
import json, os, sys
from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

def tagged(request):
    tag()
    return HttpResponse("fine")

def broken(request):
    raise ValueError("what went wrong")

async def waiting(request):
    return HttpResponse("waited")

async def stream(request):
    async def parts():
        yield b"a"
        yield b"b"
    return StreamingHttpResponse(parts())

urlpatterns = [path(view.__name__, view) for view in (tagged, broken, waiting, stream)]
settings.configure(ROOT_URLCONF="__main__", ALLOWED_HOSTS=["*"], SECRET_KEY="x", MIDDLEWARE=[], LOGGING_CONFIG=None)
if sys.argv[1] == "late":
    import pocket.django.http.wsgi
{tracker}
from lambda_events import RequestSpec, event_of
from pocket.django.http.asgi import make_asgi_handler
handler = make_asgi_handler()
answers = [handler(event_of("http_api", RequestSpec(path=f"/{{name}}", query="a=1")), None)
           for name in ("tagged", "broken", "waiting", "stream")]
assert [answer["statusCode"] for answer in answers] == [200, 500, 200, 200], answers
assert [answer["body"] for answer in answers[2:]] == ["waited", "ab"], answers
print(json.dumps(seen(), default=str))
"""
SENTRY = """
import sentry_sdk
from sentry_sdk.transport import Transport
class Kept(Transport):
    events = []
    def capture_envelope(self, envelope):
        self.events += [item.payload.json for item in envelope.items if item.type in ("event", "transaction")]
def tag():
    sentry_sdk.set_tag("mark", "of the first")
    sentry_sdk.set_user({"id": "first"})
def seen():
    sentry_sdk.flush()
    return Kept.events
sentry_sdk.init("https://key@sentry.invalid/1", transport=Kept, traces_sample_rate=1.0)
"""
OPENTELEMETRY = """
from opentelemetry import trace
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
def tag():
    pass
def seen():
    return [[span.name, dict(span.attributes)] for span in exporter.get_finished_spans()]
DjangoInstrumentor().instrument()
"""
DATADOG = """
os.environ |= {"DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false", "DD_REMOTE_CONFIGURATION_ENABLED": "false"}
from ddtrace import patch
from ddtrace.trace import TraceFilter, tracer
spans = []
class Kept(TraceFilter):
    def process_trace(self, trace):
        spans.extend([span.name, span.resource, span.error, span.get_tag("http.url")] for span in trace)
        return None
tracer.configure(trace_processors=[Kept()])
patch(django=True)
def tag():
    pass
def seen():
    tracer.flush()
    return spans
"""


def seen(tracker: str, *packages: str, order: str = "late") -> Any:
    """What the tracker has recorded of four requests; the tracker is installed on first use."""
    wanted = [word for package in packages for word in ("--with", package)]
    command = [find_uv_bin(), "run", "--quiet", "--no-project", "--python", sys.executable, *wanted, "python", "-c"]
    done = subprocess.run(
        [*command, PROGRAM.format(tracker=tracker), order],
        env={**os.environ, "PYTHONPATH": str(TESTS / "support")},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("order", ["early", "late"])
def test_sentry_separates_requests_with_their_url_and_transaction(order: str) -> None:
    events = seen(SENTRY, "sentry-sdk>=2.40,<3", order=order)
    (error,) = [event for event in events if event.get("type") != "transaction"]
    assert error["exception"]["values"][-1]["value"] == "what went wrong"
    assert error["request"]["url"].endswith("shop.example.com/broken")
    assert error["request"]["query_string"] == "a=1"
    assert error["transaction"] == "/broken"
    assert "mark" not in error.get("tags", {})
    assert "user" not in error
    transactions = [event for event in events if event.get("type") == "transaction"]
    assert [event["transaction"] for event in transactions] == ["/tagged", "/broken", "/waiting", "/stream"]
    assert [event["tags"]["http.status_code"] for event in transactions] == ["200", "500", "200", "200"]
    assert transactions[0]["tags"]["mark"] == "of the first"


def test_opentelemetry_has_a_span_for_each_request() -> None:
    spans = seen(OPENTELEMETRY, "opentelemetry-sdk", "opentelemetry-instrumentation-django>=0.50b0")
    assert [name for name, _ in spans] == ["GET tagged", "GET broken", "GET waiting", "GET stream"]
    assert [attributes["http.status_code"] for _, attributes in spans] == [200, 500, 200, 200]
    assert spans[1][1]["http.url"] == "https://shop.example.com/broken?a=1"


@pytest.mark.parametrize("order", ["early", "late"])
def test_datadog_has_a_span_for_each_request(order: str) -> None:
    spans = seen(DATADOG, "ddtrace>=4,<5", order=order)
    requests = [span[1:] for span in spans if span[0] == "django.request"]
    names = {"tagged": 0, "broken": 1, "waiting": 0, "stream": 0}
    base = "https://shop.example.com"
    assert requests == [[f"GET {name}", error, f"{base}/{name}?a=1"] for name, error in names.items()]
