"""One trace from the visitor's request to the provider, and nothing of it to anybody else (P5)."""

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from app.queue import Enqueued, Job, enqueuing
from app.telemetry import traces
from app.telemetry.metrics import process_figures
from app.telemetry.traces import add_trace, configure_traces, job_headers, job_span, span, trace_by
from tests import test_worker
from tests.calendar_writes.test_writing import booked, is_written
from tests.support.visitors import fault, visit
from tests.support.world import World
from tests.test_worker import eventually, started


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace_by(provider)
    yield exporter
    trace_by(None)


in_this_world = test_worker.in_this_world


def named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [found for found in exporter.get_finished_spans() if found.name == name]


def trace_of(found: ReadableSpan) -> int:
    assert found.context is not None
    return found.context.trace_id


async def test_one_trace_leads_from_the_booking_to_the_event_and_the_mails(
    in_this_world: World, exported: InMemorySpanExporter
) -> None:
    person, booking = await booked(in_this_world)

    async def done() -> bool:
        unsent = await in_this_world.rows("SELECT 1 FROM mails WHERE status <> 'sent'")
        return await is_written(person, booking) and not unsent

    async with started(in_this_world):
        await eventually(done)
    [request] = named(exported, "bookMeeting")
    assert (request.kind, request.parent) == (SpanKind.SERVER, None)
    assert request.attributes == {"http.request.method": "POST", "http.response.status_code": 201}
    [job] = [found for found in named(exported, "job write_event") if trace_of(found) == trace_of(request)]
    assert request.context is not None
    assert job.parent is not None
    assert job.parent.span_id == request.context.span_id
    [call] = named(exported, "google.create_event")
    assert trace_of(call) == trace_of(request)
    assert call.parent is not None
    assert job.context is not None
    assert call.parent.span_id == job.context.span_id
    assert call.kind is SpanKind.CLIENT
    assert call.attributes == {"provider": "google", "outcome": "ok"}
    assert {trace_of(mail) for mail in named(exported, "mail.send")} == {trace_of(request)}


async def test_a_failed_call_is_told_by_its_kind_and_never_by_its_text(
    world: World, exported: InMemorySpanExporter
) -> None:
    person, _ = await booked(world)
    await fault(world, person, "too_many_requests", method="POST", path="/events$")
    await world.work()
    [call] = [found for found in named(exported, "google.create_event") if not found.status.is_ok]
    assert call.status.status_code is StatusCode.ERROR
    assert call.status.description is None
    assert call.events == ()
    assert call.attributes == {
        "provider": "google",
        "outcome": "throttled",
        "error.code": "rate_limited",
        "error.type": "RateLimited",
    }
    await world.sandbox.clear_google_faults()


async def test_p5_no_provider_is_told_of_a_trace(
    world: World, exported: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, str]] = []
    send = httpx.AsyncHTTPTransport.handle_async_request

    async def seen(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/google/"):
            sent.append(dict(request.headers))
        return await send(self, request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", seen)
    await booked(world)
    await world.work()
    assert named(exported, "google.create_event")
    assert len(sent) > 3
    assert not [headers for headers in sent if {"traceparent", "tracestate", "baggage"} & headers.keys()]


CANARY = "canary7f3a"


async def test_p5_neither_figures_nor_spans_know_anybody(world: World, exported: InMemorySpanExporter) -> None:
    person = await world.connected(email=f"{CANARY}.host@example.com")
    page = await person.make_page(name=f"{CANARY} page")
    seen = await visit(
        person, page, person.at(3, "10:00"), name=f"{CANARY} Visitor", email=f"{CANARY}.visitor@example.com"
    )
    await fault(world, person, "too_many_requests", method="POST", path="/events$")
    await world.work(until=timedelta(hours=1))
    await world.sandbox.clear_google_faults()
    await person.get("/v1/contacts", email=f"{CANARY}@example.com")
    await world.api.get(f"/v1/{CANARY}", headers={"X-Request-Id": f"{CANARY}-request"})
    secrets = [row["account_id"] for row in await world.rows("SELECT DISTINCT account_id FROM users")]
    told = process_figures().decode() + "".join(found.to_json() for found in exported.get_finished_spans())
    assert "google.create_event" in told
    hidden = [CANARY, seen.id, seen.token, page["id"], person.connection_id, "127.0.0.1", *map(str, secrets)]
    assert [word for word in hidden if word in told] == []


async def test_a_caller_s_trace_is_linked_and_not_gone_on_with(world: World, exported: InMemorySpanExporter) -> None:
    theirs = "0af7651916cd43dd8448eb211c80319c"
    await world.api.get("/health/live", headers={"traceparent": f"00-{theirs}-b7ad6b7169203331-01"})
    [request] = named(exported, "getLiveness")
    assert f"{trace_of(request):032x}" != theirs
    assert [f"{link.context.trace_id:032x}" for link in request.links] == [theirs]
    exported.clear()
    await world.api.get("/health/live", headers={"traceparent": "nonsense"})
    assert not named(exported, "getLiveness")[0].links


def test_a_job_that_asks_for_its_like_begins_a_new_trace(exported: InMemorySpanExporter) -> None:
    with span("request"):
        first = job_headers("deliver_webhooks")
    assert first is not None
    with job_span("deliver_webhooks", json.loads(first)):
        again, other = job_headers("deliver_webhooks"), job_headers("send_mail")
    assert again is not None
    assert other is not None
    with job_span("deliver_webhooks", json.loads(again)), job_span("send_mail", json.loads(other)):
        pass
    [request], [mail] = named(exported, "request"), named(exported, "job send_mail")
    [job, repeated] = named(exported, "job deliver_webhooks")
    assert trace_of(request) == trace_of(job) == trace_of(mail)
    assert trace_of(repeated) != trace_of(job)
    assert [link.context.span_id for link in repeated.links] == [job.context.span_id]


@pytest.mark.parametrize("headers", [None, {}, {"otel": None}, {"otel": {"traceparent": "00-x"}}, {"otel": {"a": 1}}])
def test_a_job_without_a_trace_has_one_of_its_own(
    exported: InMemorySpanExporter, headers: dict[str, Any] | None
) -> None:
    with job_span("send_mail", headers):
        pass
    [job] = named(exported, "job send_mail")
    assert job.parent is None


def test_log_lines_name_the_trace_they_belong_to(exported: InMemorySpanExporter) -> None:
    assert add_trace(None, "info", {}) == {}
    with span("request"):
        line = add_trace(None, "info", {"event": "x"})
    [found] = named(exported, "request")
    assert found.context is not None
    assert line == {
        "event": "x",
        "trace_id": f"{found.context.trace_id:032x}",
        "span_id": f"{found.context.span_id:016x}",
    }
    assert add_trace in structlog.get_config()["processors"]


def test_nothing_is_traced_unless_the_environment_says_where_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    configure_traces("api")
    assert traces._Tracing.tracer is None
    with span("request") as current:
        assert current is None
        _, columns = enqueuing([Enqueued(Job.SEND_MAIL, uuid.uuid4(), uuid.uuid4())])
        assert columns[-1] == [None]
        assert add_trace(None, "info", {}) == {}


def test_the_standard_variables_turn_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[TracerProvider | None] = []
    monkeypatch.setattr(traces, "trace_by", made.append)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    configure_traces("api")
    assert made == []
    monkeypatch.delenv("OTEL_SDK_DISABLED")
    configure_traces("worker")
    [provider] = made
    assert provider is not None
    assert provider.resource.attributes["service.name"] == "calendar-connect-worker"
    provider.shutdown()
