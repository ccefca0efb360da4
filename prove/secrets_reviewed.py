"""Where what is personal may stand, each place with its reason.

The one rule: a secret stands nowhere in the clear, so none is named here; of what is personal every copy is.
"""

from collections.abc import Iterator
from typing import Final

_ITS_OWN: Final = "its own column"
_FEED: Final = "what the CRM is told of, for as long as events are kept"
_EVENT: Final = "what shall stand in the host's calendar"
_MAIL: Final = "a mail that is on its way, or was sent"
_CONTACT: Final = "who books becomes a contact"
_TITLE: Final = "a booking is called by its visitor"
_CALENDAR: Final = "the provider calls a person's calendar by the address"
_INBOX: Final = "the inbox that is connected with the calendar"

_REASONS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "user_email": {
        _ITS_OWN: ("users.email", "connections.email"),
        _CALENDAR: (
            "calendars.name", "calendars.provider_calendar_id", "calendar_writes.provider_calendar_id",
            "calendar_syncs.cursor",
        ),
        _INBOX: ("inboxes.email", "inboxes.address"),
        _MAIL: ("mails.to_email", "mails.reader", "mails.reply_to"),
        _FEED: ("feed_events.data",),
    },
    "user_name": {_ITS_OWN: ("users.name",), _MAIL: ("mails.to_name",)},
    "exchange_email": {
        _ITS_OWN: ("users.email", "connections.email", "connections.subject"),
        _INBOX: ("inboxes.email", "inboxes.address"),
        _FEED: ("feed_events.data",),
    },
    "visitor_email": {
        _ITS_OWN: ("bookings.visitor_email",),
        _CONTACT: ("contacts.email",),
        _EVENT: ("calendar_writes.draft",),
        _MAIL: ("mails.to_email", "mails.reader", "mails.reply_to"),
        _FEED: ("feed_events.data",),
    },
    "visitor_name": {
        _ITS_OWN: ("bookings.visitor_name",),
        _TITLE: ("bookings.title", "engagements.title"),
        _CONTACT: ("contacts.name",),
        _EVENT: ("calendar_writes.draft",),
        _MAIL: ("mails.to_name",),
        _FEED: ("feed_events.data",),
    },
    "visitor_answer": {_ITS_OWN: ("bookings.answers",), _FEED: ("feed_events.data",)},
    "guest_email": {
        _ITS_OWN: ("bookings.guests",),
        _MAIL: ("mails.to_email", "mails.reader"),
        _FEED: ("feed_events.data",),
    },
    "cancel_reason": {_ITS_OWN: ("bookings.cancel_reason",), _FEED: ("feed_events.data",)},
    "contact_email": {
        _ITS_OWN: ("contacts.email",), _EVENT: ("calendar_writes.draft",), _FEED: ("feed_events.data",),
    },
    "contact_name": {_ITS_OWN: ("contacts.name",), _EVENT: ("calendar_writes.draft",), _FEED: ("feed_events.data",)},
    "contact_phone": {_ITS_OWN: ("contacts.phone",), _FEED: ("feed_events.data",)},
    "meeting_guest": {_EVENT: ("calendar_writes.draft",)},
    "idempotency_key": {_ITS_OWN: ("idempotent_answers.key",)},
    "webhook_url": {_ITS_OWN: ("webhook_endpoints.url",)},
    "webhook_description": {_ITS_OWN: ("webhook_endpoints.description",)},
    **{
        f"meeting_{part}": {
            _ITS_OWN: (f"engagements.{part}",), _EVENT: ("calendar_writes.draft",), _FEED: ("feed_events.data",),
        }
        for part in ("title", "description", "location")
    },
    **{f"task_{part}": {_ITS_OWN: (f"tasks.{part}",), _FEED: ("feed_events.data",)} for part in ("title", "notes")},
}  # fmt: skip


def _columns(reasons: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    for reason, columns in reasons.items():
        for column in columns:
            yield column, reason


COLUMNS: Final[dict[str, dict[str, str]]] = {name: dict(_columns(reasons)) for name, reasons in _REASONS.items()}
"""By canary: the columns that may hold it, each with its reason."""
MAILED: Final = frozenset(
    {
        "user_email", "user_name", "visitor_name", "visitor_email", "visitor_answer", "guest_email", "booking_token",
        "reschedule_reason", "cancel_reason",
    }
)  # fmt: skip
"""What mails say: to those who meet, of each other; and the visitor's own link."""
