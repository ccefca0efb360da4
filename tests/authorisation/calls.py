"""How each operation is called by whoever may: the document's example, with real ids and times in it.

The one rule: such a call succeeds. The matrix proves it of every one, so no refusal is a matter of a bad body.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from tests.authorisation.document import Call, Json, Operation, Place
from tests.authorisation.estate import Estate

Change = Callable[[Estate], Json]


class NoValueError(Exception):
    """An id parameter of the document for which the world has nothing; the message says which."""


def _at(day: int, clock: str) -> Change:
    return lambda estate: {
        "body": {"start_at": estate.owner.at(day, clock).isoformat(), "reason": "Something came up."}
    }


def _slots(estate: Estate) -> Json:
    first = estate.owner.day(9).isoformat()
    zone = {"time_zone": estate.owner.time_zone, "duration_minutes": 30}
    return {"query": {"first_day": first, "last_day": first, **zone}}


def _days(estate: Estate) -> Json:
    day = estate.owner.day(9).isoformat()
    return {"query": {"first_day": day, "last_day": day, "time_zone": estate.owner.time_zone}}


def _wish(estate: Estate, day: int) -> Json:
    visitor = {"name": "Vera Visitor", "email": "vera@visitor.example.com", "time_zone": "America/New_York"}
    return {"start_at": estate.owner.at(day, "09:00").isoformat(), "duration_minutes": 30, **visitor}


def _on_behalf(estate: Estate) -> Json:
    return {"body": _wish(estate, 10) | {"page_id": estate.things["page"]}}


def _proposal(estate: Estate) -> Json:
    body = {"page_id": estate.things["page"], "duration_minutes": 30, "time_zone": estate.owner.time_zone}
    return {"body": body | {"times": {"kind": "chosen", "count": 2}}}


def _meeting(estate: Estate) -> Json:
    start = estate.owner.at(11, "09:00")
    span = {"start_at": start.isoformat(), "end_at": (start + timedelta(minutes=30)).isoformat()}
    return {"body": {"title": "Kick-off", "time_zone": estate.owner.time_zone, **span}}


def _token(name: str, header: str = "Booking-Token") -> Change:
    return lambda estate: {"headers": {header: estate.tokens[name]}}


def _merged(*changes: Change) -> Change:
    def change(estate: Estate) -> Json:
        told: Json = {}
        for one in changes:
            told |= one(estate)
        return told

    return change


def _authorize(_: Estate) -> Json:
    return {"body": {"provider": "google", "client": "web", "disclosure_version": "2026-11-01"}}


def _signing_in(estate: Estate) -> Json:
    return {"body": estate.bodies["signing in"] | {"provider": "exchange"}}


def _discovery(estate: Estate) -> Json:
    said = {name: value for name, value in estate.bodies["signing in"].items() if name != "disclosure_version"}
    return {"body": said}


def _resolve(estate: Estate) -> Json:
    return {"query": {"host": estate.world.services.links.host, "path": estate.things["slug path"]}}


def _prefill(estate: Estate) -> Json:
    return {"query": {"host": estate.things["host"]}, **_token("form", "Visitor-Token")(estate)}


def _callback(estate: Estate) -> Json:
    return {"query": {"state": estate.tokens["state"], "code": estate.tokens["code"]}}


def _said(**body: Any) -> Change:
    return lambda _: {"body": body}


CHANGES: Final[dict[str, Change]] = {
    "createConnectionAuthorization": _authorize,
    "completeConnectionAuthorization": _callback,
    "createConnection": _signing_in,
    "updateConnection": lambda estate: {
        "path": {"connection_id": estate.things["exchange connection"]},
        "body": {"password": estate.bodies["signing in"]["password"]},
    },
    "reauthorizeConnection": _said(client="web", disclosure_version="2026-11-01"),
    "discoverExchangeServer": _discovery,
    "createInbox": lambda estate: {"body": {"kind": "personal", "email": f"more-{estate.name}@example.com"}},
    "updateCalendarSettings": _said(tentative_blocks=True),
    "createSchedulingPage": _said(type="personal", name="Another"),
    "updateSchedulingPage": lambda estate: {"body": {"name": "Renamed"}},
    "createDomain": lambda estate: {"body": {"name": f"more-{estate.name}.example.com"}},
    "listSchedulingPageSlots": _slots,
    "getAvailabilityReport": _slots,
    "listPublicSlots": _slots,
    "resolveSchedulingPageUrl": _resolve,
    "bookMeeting": lambda estate: {"body": _wish(estate, 12)},
    "createSlotHold": lambda estate: {
        "body": {"start_at": estate.owner.at(13, "09:00").isoformat(), "duration_minutes": 30}
    },
    "releaseSlotHold": _token("hold", "Hold-Token"),
    "getPublicBooking": _token("bkg"),
    "listPublicBookingSlots": _merged(_days, _token("bkg")),
    "reschedulePublicBooking": _merged(_at(14, "09:00"), _token("bkg")),
    "cancelPublicBooking": _merged(_said(), _token("bkg")),
    "downloadPublicInvite": _token("bkg"),
    "getPublicMeetingRequest": _token("mreq"),
    "withdrawMeetingRequest": _merged(_said(), _token("mreq")),
    "createTimeProposal": _proposal,
    "getFormPrefill": _prefill,
    "createBooking": _on_behalf,
    "listBookingSlots": _days,
    "rescheduleBooking": _at(15, "09:00"),
    "markBookingNoShow": lambda _: {"later": timedelta(days=4)},
    "createContact": lambda estate: {"body": {"email": f"more-of-{estate.name}@example.com"}},
    "updateContact": _said(name="Renamed"),
    "createContactMeeting": _meeting,
    "updateEngagement": _said(title="Moved on"),
    "createTask": lambda estate: {"body": {"title": "Call", "due_at": estate.owner.at(2, "09:00").isoformat()}},
    "updateTask": _said(title="Call again"),
    "upsertUser": lambda estate: {
        "body": {
            "email": estate.exchange.email, "locale": "en", "time_zone": "Europe/Stockholm", "permissions": [],
            "seats": [], "subscriptions": [{"product": "sales_hub", "tier": "professional"}],
        }
    },
    "createWebhookEndpoint": _said(url="https://127.0.0.1:9443/more"),
    "updateWebhookEndpoint": _said(description="Renamed"),
    "replayWebhooks": _said(after=0),
}  # fmt: skip
"""What the document's example does not know."""

_BESIDE: Final[dict[str, Change]] = {
    "/chat_profile/page_id": lambda _: {"chat_profile": {"enabled": True}},
    "/hold_id": lambda estate: {**estate.bodies["held"], "hold_token": estate.tokens["hold"]},
    "/proposal_id": lambda estate: {"start_at": estate.owner.at(7, "09:00").isoformat()},
    "/member_ids/0": lambda _: {"type": "group"},
    "/availability_calendar_ids/0": lambda estate: {
        "availability_calendar_ids": [estate.things["cal"], estate.things["primary"]]
    },
    "/user_id": lambda _: {"kind": "personal"},
}
"""What a body must say as well where an id stands there."""

_ELSEWHERE: Final = {
    ("updateConnection", "connection_id"): "exchange connection",
    ("updateSchedulingPage", "page_id"): "group",
    ("deleteSchedulingPage", "page_id"): "round_robin",
    ("listDriftEntries", "booking_id"): "drifting",
    ("listAuditLog", "subject_id"): "bkg",
}
"""Where another thing than the first of its kind is meant."""

CALLERS: Final[dict[str | tuple[str, str], str]] = {
    "createConnectionAuthorization": "newcomer",
    "createConnection": "newcomer",
    "discoverExchangeServer": "newcomer",
    "updateConnection": "exchange",
    ("createInbox", "/user_id"): "service",
}
"""Who calls what the owner has no use for."""


def thing(operation: Operation, place: Place, estate: Estate) -> str:
    """What the estate has for this place. Raises: NoValueError."""
    name = _ELSEWHERE.get((operation.id, place.name), place.kind)
    if name not in estate.things:
        raise NoValueError(f"{operation.id}: the world has no {place.kind} for {place}")
    return estate.things[name]


def rightful_call(operation: Operation, estate: Estate) -> Call:
    """The call as its rightful caller makes it. Raises: NoValueError."""
    path = {place.name: thing(operation, place, estate) for place in operation.places if place.where == "path"}
    query = {
        place.name: thing(operation, place, estate)
        for place in operation.places
        if place.where == "query" and place.name in operation.required
    }
    change = CHANGES[operation.id](estate) if operation.id in CHANGES else {}
    return Call(
        operation.method,
        operation.path,
        path | change.get("path", {}),
        query | change.get("query", {}),
        change.get("headers", {}),
        change.get("body", operation.example),
        change.get("later", timedelta()),
    )


def call_naming(operation: Operation, place: Place, estate: Estate) -> Call:
    """The rightful call with something of the estate's own at the place. Raises: NoValueError."""
    call = rightful_call(operation, estate)
    if place.where == "body":
        beside = _BESIDE[place.name](estate) if place.name in _BESIDE else {}
        if place.name == "/member_ids/0" and operation.id == "updateSchedulingPage":
            beside = {}  # a page keeps its type
        body = (call.body if isinstance(call.body, dict) else {}) | beside
        call = Call(call.method, call.template, call.path, call.query, call.headers, body, call.later)
    return call.holding(place, thing(operation, place, estate))
