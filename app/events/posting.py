"""Sending one message to one address.

The one rule: whatever the other side does, it takes ten seconds at most and ends in an Attempt; of an answer nothing is
kept but its status.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from opentelemetry.trace import SpanKind

from app.calendar import Clock
from app.events.repository import Entry
from app.events.retry import Attempt
from app.events.signing import signed_headers
from app.events.views import message_body
from app.http import HttpClient, HttpError, NotAllowed, NotSent
from app.ids import encode_id
from app.telemetry.metrics import WEBHOOK_SECONDS, WEBHOOKS, timed
from app.telemetry.traces import span
from app.waits import asked_for

DEADLINE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to send, and the secrets that sign."""

    url: str
    keys: Sequence[str]


class WebhookPost:
    """Sends webhooks through a guarded client."""

    def __init__(self, http: HttpClient, clock: Clock) -> None:
        self._http = http
        self._clock = clock

    async def send(self, entry: Entry, to: Destination) -> Attempt:
        """POST the event."""
        body = message_body(entry)
        headers = signed_headers(to.keys, encode_id("evt", entry.id), int(self._clock().timestamp()), body)
        began = time.monotonic()
        try:
            with span("webhook.send", SpanKind.CLIENT), timed(WEBHOOK_SECONDS):
                answer = await self._http.send(
                    "POST",
                    to.url,
                    headers={"Content-Type": "application/json", **headers},
                    content=body,
                    timeout_seconds=DEADLINE_SECONDS,
                    status_only=True,
                )
        except HttpError as error:
            return _counted(Attempt(None, _code(error), _since(began)))
        return _counted(
            Attempt(answer.status, None, _since(began), asked_for(answer.headers.get("Retry-After", ""), self._clock()))
        )


def _counted(attempt: Attempt) -> Attempt:
    WEBHOOKS.labels("delivered" if attempt.succeeded else attempt.error or "refused").inc()
    return attempt


def _code(error: HttpError) -> str:
    if isinstance(error, NotAllowed):
        return "address_not_allowed"
    return "unreachable" if isinstance(error, NotSent) else "no_answer"


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
