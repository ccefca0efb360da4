"""What the example of an operation's answer shows where the schema alone would contradict its meaning. Pure.

The one rule: an example is what the operation could answer: who cancels sees a cancelled booking, and a secret stands
only where it is told.
"""

from collections.abc import Mapping
from typing import Any, Final

_BOOKING_ID: Final = "bkg_01k9qj5v3mfb9t2z8h4c6x7wdn"
_LATER: Final = "2026-11-20T11:00:00Z"
_WHY: Final = "Something came up."
_TOKEN: Final[Mapping[str, Any]] = {"booking_token": "3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
_ENDED: Final[Mapping[str, Any]] = {"allowed_actions": [], "updated_at": _LATER, "version": 4}
_OF_HOST: Final[Mapping[str, Any]] = {"decided_by": "host", "decided_at": _LATER, "allowed_actions": []}

ANSWERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "acceptMeetingRequest": {"status": "accepted", "booking_id": _BOOKING_ID, "updated_at": _LATER, **_OF_HOST},
    "bookMeeting": _TOKEN,
    "cancelBooking": {"status": "cancelled", "cancelled_by": "host", "cancel_reason": _WHY, **_ENDED},
    "cancelEngagement": {"outcome": "cancelled", "cancelled_at": _LATER, **_ENDED},
    "cancelPublicBooking": {
        "status": "cancelled",
        "can_reschedule": False,
        "can_cancel": False,
        "reschedule_until": None,
        "cancel_until": None,
        "cancelled_by": "visitor",
        "cancel_reason": _WHY,
        "version": 4,
    },
    "createDomain": {"status": "pending", "points_here": None, "connected_at": None, "checked_at": None, "version": 1},
    "declineMeetingRequest": {"status": "declined", "reason": _WHY, "updated_at": _LATER, **_OF_HOST},
    "exportAccount": {"completed_at": None, "expires_at": None, "record_count": 0, "records": []},
    "markBookingNoShow": {
        "status": "no_show",
        "allowed_actions": [],
        "updated_at": "2026-12-01T08:15:00Z",
        "version": 4,
    },
    "resolveDriftEntry": {
        "status": "resolved",
        "resolution": "adopt",
        "resolved_by": "host",
        "resolved_at": _LATER,
        "allowed_actions": [],
    },
    "sendTestWebhook": {
        "event_type": "webhook_endpoint.test",
        "sequence": 0,
        "status": "pending",
        "status_code": None,
        "duration_ms": None,
    },
    "withdrawMeetingRequest": {"status": "withdrawn", "reason": _WHY, "can_withdraw": False},
}
"""By operation: the fields in which its example differs."""

MEMBERS: Final[Mapping[str, str]] = {"201": "booking", "202": "meeting_request"}
"""By status: which member of a union it is answered with."""
