"""Every call to a provider, counted, timed and traced.

The one rule: a call is told by its operation, which is a name of ours, and by what kind of error it ended in.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry.trace import SpanKind

from app.providers.base import AmbiguousOutcome, ProtocolError, ProviderError, QuotaExceeded, RateLimited, Transient
from app.telemetry.metrics import PROVIDER_CALLS, PROVIDER_SECONDS, code_of
from app.telemetry.traces import failed, span

_NAMED: Final = {"ews": "exchange"}
"""Where operations are not called as the API calls the provider."""


@contextmanager
def provider_call(operation: str) -> Iterator[None]:
    """Watches one call; `operation` is `<provider>.<verb>`."""
    first = operation.partition(".")[0]
    provider, outcome, began = _NAMED.get(first, first), "ok", time.perf_counter()
    with span(operation, SpanKind.CLIENT, provider=provider) as current:
        try:
            yield
        except BaseException as error:
            outcome = _outcome(error)
            if current is not None:
                current.set_attribute("error.code", code_of(error))
            raise
        finally:
            PROVIDER_CALLS.labels(provider, operation, outcome).inc()
            PROVIDER_SECONDS.labels(provider, operation).observe(time.perf_counter() - began)
            if current is not None:
                current.set_attribute("outcome", outcome)
            if outcome != "ok":
                failed(current, outcome)


def _outcome(error: BaseException) -> str:
    """What the call came to, in few words."""
    match error:
        case RateLimited() | QuotaExceeded():
            return "throttled"
        case AmbiguousOutcome():
            return "ambiguous"
        case Transient() | ProtocolError():
            return "failed"
        case ProviderError():
            return "refused"
        case asyncio.CancelledError():
            return "given_up"
        case _:
            return "failed"
