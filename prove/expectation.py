"""What must have become of every booking, by the journal alone. Pure.

The one rule: what was answered is so. What nobody answered may have happened or not, until it is answered later.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from prove.journal import Attempt, Json

State = tuple[str, datetime | None]
CANCELLED: State = ("cancelled", None)
_ALREADY = "already_cancelled"


@dataclass(frozen=True, slots=True)
class Expected:
    """By the ids and addresses that the API has told."""

    bookings: dict[str, frozenset[State]] = field(default_factory=dict)
    """What each acknowledged booking may be now."""
    requests: frozenset[str] = frozenset()
    """Acknowledged meeting requests."""
    addresses: dict[str, bool] = field(default_factory=dict)
    """Of visitors: whether their wish may have come true. Each has wished for one booking."""


def expected(attempts: Sequence[Attempt]) -> Expected:
    """What the journal says."""
    wishes = [attempt for attempt in attempts if attempt.act == "book"]
    states = {attempt.answer["id"]: {_booked(attempt)} for attempt in wishes if attempt.status == 201}
    for attempt in attempts:
        if attempt.sent.get("booking") in states:
            states[attempt.sent["booking"]] = _after(states[attempt.sent["booking"]], attempt)
    return Expected(
        bookings={booking: frozenset(each) for booking, each in states.items()},
        requests=frozenset(attempt.answer["id"] for attempt in wishes if attempt.status == 202),
        addresses=_addresses(wishes),
    )


def _booked(attempt: Attempt) -> State:
    return "confirmed", datetime.fromisoformat(attempt.answer["start_at"])


def _after(states: set[State], attempt: Attempt) -> set[State]:
    """What the booking may be once this was tried."""
    wanted = _wanted(attempt.sent)
    if wanted is None:
        return states
    if attempt.done or attempt.answer.get("code") == _ALREADY:
        return {wanted}
    return states if attempt.refused else states | {wanted}


def _wanted(sent: Json) -> State | None:
    if sent.get("ends"):
        return CANCELLED
    return ("confirmed", datetime.fromisoformat(sent["to"])) if "to" in sent else None


def _addresses(wishes: Iterable[Attempt]) -> dict[str, bool]:
    """A wish that was refused for good, and never left unanswered, has come to nothing."""
    by_address = defaultdict(list)
    for attempt in wishes:
        by_address[attempt.sent["email"]].append(attempt)
    return {address: not all(each.refused for each in tried) for address, tried in by_address.items()}
