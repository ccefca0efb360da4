"""One trace from a request over its jobs to the calls they make, where an operator has asked for traces.

The one rule: off unless a standard variable of OpenTelemetry says where to send them, and then a span holds names of
our own code and numbers: no id of a person, no address, no URL, no text of an error. Nobody we call is told of it.
"""

import os
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import msgspec
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_SECTION: Final = "otel"
"""Where pgqueuer, too, looks for it among a job's headers."""
_AGAIN: Final = "again"
_W3C: Final = TraceContextTextMapPropagator()
_JOB: Final[ContextVar[str | None]] = ContextVar("job", default=None)

Headers = Mapping[str, Any]


class _Tracing:
    """What this process does about spans; nothing, as long as there is no tracer."""

    tracer: trace.Tracer | None = None


def configure_traces(part: str) -> None:
    """Send spans of this part of the service (`api`, `worker`) where the environment says, if it says so."""
    if not any(os.environ.get(name) for name in _ENDPOINTS) or os.environ.get("OTEL_SDK_DISABLED", "") == "true":
        return
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", f"calendar-connect-{part}")})
    provider = TracerProvider(resource=resource)  # ends what it has not sent yet when the process ends
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace_by(provider)


def trace_by(provider: TracerProvider | None) -> None:
    """Make spans with this provider from here on; None: make none."""
    _Tracing.tracer = None if provider is None else provider.get_tracer("calendar-connect")


@contextmanager
def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    *,
    context: Context | None = None,
    links: tuple[Link, ...] = (),
    **attributes: str | int | bool,
) -> Iterator[Span | None]:
    """A span around the block, None where nobody asked for traces. An error is told by its kind alone."""
    tracer = _Tracing.tracer
    if tracer is None:
        yield None
        return
    with tracer.start_as_current_span(
        name,
        context,
        kind,
        attributes=attributes,
        links=links,
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except BaseException as error:
            failed(current, type(error).__name__)
            raise


def failed(current: Span | None, kind: str) -> None:
    """Mark the span as one that went wrong, in this way."""
    if current is not None:
        current.set_attribute("error.type", kind)
        current.set_status(Status(StatusCode.ERROR))


@contextmanager
def request_span(headers: Mapping[str, str]) -> Iterator[Span | None]:
    """A request's own trace; the caller's is linked, not gone on with: anybody may send one."""
    if _Tracing.tracer is None:
        yield None
        return
    theirs = trace.get_current_span(_W3C.extract(headers)).get_span_context()
    links = (Link(theirs),) if theirs.is_valid else ()
    with span("request", SpanKind.SERVER, context=Context(), links=links) as current:
        yield current


@contextmanager
def job_span(job: str, headers: Headers | None) -> Iterator[Span | None]:
    """A job's part in the trace of whoever asked for it. A job that asked for its like again is linked to: else what
    comes back for ever would be one trace for ever."""
    if _Tracing.tracer is None:
        yield None
        return
    carried = _carried(headers)
    asking = _W3C.extract(carried)
    link = trace.get_current_span(asking).get_span_context()
    again = _AGAIN in carried and link.is_valid
    token = _JOB.set(job)
    try:
        with span(
            f"job {job}",
            SpanKind.CONSUMER,
            context=Context() if again else asking,
            links=(Link(link),) if again else (),
            job=job,
        ) as current:
            yield current
    finally:
        _JOB.reset(token)


def job_headers(job: str) -> str | None:
    """What a job carries so that it can be found to belong to the running span; as JSON."""
    if _Tracing.tracer is None:
        return None
    carried: dict[str, str] = {}
    _W3C.inject(carried)
    if not carried:
        return None
    if job == _JOB.get():
        carried[_AGAIN] = "1"
    return msgspec.json.encode({_SECTION: carried}).decode()


def _carried(headers: Headers | None) -> dict[str, str]:
    section = None if headers is None else headers.get(_SECTION)
    return {str(name): str(value) for name, value in section.items()} if isinstance(section, dict) else {}


def add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """For logs: which trace and span a line belongs to."""
    if _Tracing.tracer is not None:
        here = trace.get_current_span().get_span_context()
        if here.is_valid:
            event["trace_id"] = trace.format_trace_id(here.trace_id)
            event["span_id"] = trace.format_span_id(here.span_id)
    return event
