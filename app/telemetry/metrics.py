"""What this process has done, counted in memory: requests, calls, jobs, mails, and how long they took.

The one rule: a label has few values, all of them from our own code: never an account, an id, an address or a URL. So a
figure can tell of nobody, and there are as many series after a year as after a day.
"""

import functools
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, ParamSpec, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

P = ParamSpec("P")
T = TypeVar("T")

PREFIX: Final = "calendar_connect"
REGISTRY: Final = CollectorRegistry()
"""This process's own. It adds up with those of others: each process is a target of its own."""

_HERE: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_OUTSIDE: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 45.0)
_WAITS: Final = (0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0)

ProcessCollector(registry=REGISTRY)


def _counter(name: str, what: str, *labels: str) -> Counter:
    return Counter(f"{PREFIX}_{name}", what, labels, registry=REGISTRY)


def _histogram(name: str, what: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(f"{PREFIX}_{name}", what, labels, registry=REGISTRY, buckets=buckets)


REQUESTS: Final = _counter("http_requests_total", "Requests answered.", "operation", "status")
REQUEST_SECONDS: Final = _histogram(
    "http_request_duration_seconds", "From a request's headers to the end of its answer.", "operation", buckets=_HERE
)
PROBLEMS: Final = _counter("http_problems_total", "Requests refused or failed, by the code told.", "operation", "code")
BOOKINGS: Final = _counter("bookings_total", "Attempts to take a slot, by what became of them.", "outcome")
PROVIDER_CALLS: Final = _counter(
    "provider_calls_total", "Calls to calendar providers.", "provider", "operation", "outcome"
)
PROVIDER_SECONDS: Final = _histogram(
    "provider_call_duration_seconds", "How long providers took.", "provider", "operation", buckets=_OUTSIDE
)
REFRESHES: Final = _counter("token_refreshes_total", "Access tokens asked for anew.", "provider", "outcome")
SYNCS: Final = _counter("syncs_total", "Runs over a calendar that ended.", "provider", "kind", "outcome")
PUSHES: Final = _counter("pushes_total", "Signals that came in: from a watch of ours, or from nobody.", "outcome")
WRITES: Final = _counter("calendar_writes_total", "Tries to make a calendar as it shall be.", "provider", "outcome")
MAILS: Final = _counter("mails_total", "Tries to hand a mail over.", "outcome")
MAIL_SECONDS: Final = _histogram("mail_duration_seconds", "How long the mail server took.", buckets=_OUTSIDE)
WEBHOOKS: Final = _counter("webhook_deliveries_total", "Tries to deliver an event to an endpoint.", "outcome")
WEBHOOK_SECONDS: Final = _histogram("webhook_duration_seconds", "How long endpoints took.", buckets=_OUTSIDE)
JOB_RUNS: Final = _counter("job_runs_total", "Jobs run.", "job", "outcome")
JOB_SECONDS: Final = _histogram("job_duration_seconds", "How long jobs took.", "job", buckets=_OUTSIDE)
JOB_WAIT_SECONDS: Final = _histogram(
    "job_wait_seconds", "How long a job stood in the queue after its time had come.", "job", buckets=_WAITS
)
SWEEP_FAILURES: Final = _counter("sweep_failures_total", "Rounds of what happens by the clock that failed.", "sweep")


def _gauge(name: str, what: str, *labels: str) -> Gauge:
    return Gauge(f"{PREFIX}_{name}", what, labels, registry=REGISTRY)


IN_FLIGHT: Final = _gauge("http_requests_in_flight", "Requests being worked on.")
TASKS: Final = _gauge("asyncio_tasks", "Tasks of the process' event loop.")
POOL: Final = _gauge("database_pool_connections", "Connections open to the database.", "pool", "state")


def process_figures() -> bytes:
    """All of it, in the text format of Prometheus."""
    return generate_latest(REGISTRY)


def code_of(error: BaseException) -> str:
    """What our own errors are called; of any other nothing is told."""
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else "other"


def counted(
    counter: Counter, outcome: Callable[[T], str]
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """Counts what became of each call: what `outcome` makes of the result, or the code of the error."""

    def around(act: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        @functools.wraps(act)
        async def acting(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                result = await act(*args, **kwargs)
            except Exception as error:
                counter.labels(code_of(error)).inc()
                raise
            counter.labels(outcome(result)).inc()
            return result

        return acting

    return around


@contextmanager
def told(gauge: Gauge, read: Callable[[], float]) -> Iterator[None]:
    """The gauge tells what `read` finds at each scrape while the block runs, and nothing after it."""
    gauge.set_function(read)
    try:
        yield
    finally:
        gauge.set_function(lambda: 0.0)


@contextmanager
def timed(histogram: Histogram) -> Iterator[None]:
    """Observes how long the block took, however it ended."""
    began = time.perf_counter()
    try:
        yield
    finally:
        histogram.observe(time.perf_counter() - began)
