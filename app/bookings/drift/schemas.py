"""Bodies of the drift ledger.

The one rule: an entry says what was booked, what was found, and what became of it; whose meeting it is, is read from
the booking each time, so that it is told no longer than it stands there.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app.accounts.schemas import Answer, Strict
from app.ids import BookingId, DriftEntryId
from app.models.bookings import Booking
from app.models.drift import DriftEntry as Row


class DriftFinding(Answer):
    """A booked event was found otherwise than booked, without the meeting."""

    id: DriftEntryId
    """The entry."""
    booking_id: BookingId
    """Whose event it is."""
    kind: str = Field(examples=["moved"])
    """What a person did to the event: moved, resized, deleted, declined (by the visitor), duplicated; more may come."""
    status: Literal["open", "resolved", "superseded"]
    """`open` waits for the host; `superseded`: it is no longer so, a newer entry says how it is now, or the meeting is
    over.
    """
    reason: str | None = Field(examples=["slot_taken"])
    """Why it is open: policy, slot_taken (another booking is there; once it is gone, this one follows by itself),
    in_the_past, all_day, no_length, write_budget, other_calendar (it was dragged to another calendar of its host, where
    it stays: `adopt` cancels the booking, `restore` writes its event anew where it was); more may come.
    """
    resolution: Literal["adopt", "restore"] | None
    """`adopt`: the booking follows the calendar; `restore`: the calendar is put back as booked."""
    resolved_by: Literal["policy", "host"] | None
    """Who said so."""
    booked_start_at: datetime
    """When the booking was when this was found."""
    booked_end_at: datetime
    """Its end."""
    observed_start_at: datetime | None
    """When the event was found; null: deleted, or all-day."""
    observed_end_at: datetime | None
    """Its end."""
    detected_at: datetime
    """When it was found."""
    resolved_at: datetime | None
    """When it was dealt with."""
    allowed_actions: list[str] = Field(examples=[["adopt", "restore"]])
    """What the host can answer."""


class DriftEntry(DriftFinding):
    """A booked event was found otherwise than booked."""

    booking_title: str = Field(examples=["Intro call"])
    """What the meeting is about."""
    visitor_name: str = Field(examples=["Vera Visitor"])
    """Who booked it."""


class DriftEntryList(Answer):
    """A part of the ledger."""

    items: list[DriftEntry]
    """The newest first."""
    next_cursor: str | None
    """Where to go on; null at the end."""


class DriftResolution(Strict):
    """The host's word on an open entry."""

    resolution: Literal["adopt", "restore"]
    """`adopt`: the booking follows the calendar; `restore`: the calendar is put back as booked."""


def drift_view(row: Row, booking: Booking, status: str | None = None) -> DriftEntry:
    """An entry, as its host sees it; `status` where it is another by now than the row's."""
    named = {"booking_title": booking.title, "visitor_name": booking.visitor_name}
    return DriftEntry.model_validate(_found(row, status or row.status) | named)


def finding_view(row: Row) -> DriftFinding:
    """The same without the meeting."""
    return DriftFinding.model_validate(_found(row, row.status))


def _found(row: Row, status: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "booking_id": row.booking_id,
        "kind": row.kind,
        "status": status,
        "reason": row.reason,
        "resolution": row.resolution,
        "resolved_by": row.resolved_by,
        "booked_start_at": row.booked_start,
        "booked_end_at": row.booked_end,
        "observed_start_at": row.observed_start,
        "observed_end_at": row.observed_end,
        "detected_at": row.detected_at,
        "resolved_at": row.resolved_at,
        "allowed_actions": _allowed(row.reason) if status == "open" else [],
    }


def _allowed(reason: str | None) -> list[str]:
    """What cannot be a booking's time cannot be adopted."""
    return ["restore"] if reason in {"all_day", "in_the_past", "no_length"} else ["adopt", "restore"]
