"""Every public operation asked badly, and too often.

The one rule: each is asked as it should be once, and every mishap is that request with one thing wrong, so that what it
is told is about the thing.
"""

from dataclasses import dataclass, field
from typing import Any

from app.routers.moving_windows import MovingWindow
from tests.contract.documented import Operation
from tests.contract.public_ear import PUBLIC as OPERATIONS
from tests.contract.public_ear import Reader
from tests.contract.public_scenes import FREE, LATER, SETTINGS
from tests.contract.public_stage import SHOWN, UNLIMITED, Guest, Stage

NONSENSE = "canary-nonsense"
TOO_LARGE = b'"' + b"canary-large " * 25_000 + b'"'


@dataclass(slots=True)
class Ask:
    """One operation, asked as it should be."""

    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None


_SIGNED = {"Booking-Token", "Hold-Token"}
JSON = {"Content-Type": "application/json"}
WRONG: dict[int, list[dict[str, Any]]] = {
    400: [{"content": b"{", "headers": JSON}, {"params": {"state": NONSENSE}}],
    401: [{"headers": {"Booking-Token": NONSENSE}}, {"headers": {}}],
    404: [{"path": f"{NONSENSE}-of-length"}, {"params": {"host": NONSENSE, "path": f"/meetings/{NONSENSE}"}}],
    413: [{"content": TOO_LARGE, "headers": JSON}],
    415: [{"content": NONSENSE.encode(), "headers": {"Content-Type": "text/plain"}}],
    422: [{"json": {"start_at": NONSENSE, "reason": 5, "nonsense": NONSENSE}},
          {"params": {"time_zone": NONSENSE, "first_day": NONSENSE}, "headers": {}}],
}  # fmt: skip
"""What goes wrong by the status it is answered with, in place of what the request has."""


async def mishaps(stage: Stage) -> None:
    """One thing wrong at a time with every operation; then all of them once too often."""
    asks, visitor = await _asks(stage)
    assert asks.keys() == {operation.id for operation in OPERATIONS}, "a public operation is not driven"
    with stage.ear.scene("one thing wrong", Reader()):
        for operation in OPERATIONS:
            ask = asks[operation.id]
            for change in (change for status in operation.errors for change in WRONG.get(status, [])):
                if _concerns(change, ask):
                    await _send(stage, operation, ask, change)
    limits = stage.world.app.state.rate_limits
    limits._reads = limits._bookings = MovingWindow(1, 60)
    with stage.ear.scene("too often", visitor.reader):
        for operation in [*OPERATIONS, *OPERATIONS]:
            await _send(stage, operation, asks[operation.id], {})
    limits._reads = limits._bookings = MovingWindow(UNLIMITED, 60)


async def _send(stage: Stage, operation: Operation, ask: Ask, change: dict[str, Any]) -> None:
    """The request with something else in one of its places."""
    place = {name: change.get("path", value) for name, value in ask.path.items()}
    headers = change.get("headers", ask.headers)
    request: dict[str, Any] = {"params": change.get("params", ask.query)}
    if "content" in change:
        request |= {"content": change["content"]}
        headers = ask.headers | headers
    elif ask.body is not None:
        request |= {"json": change.get("json", ask.body)}
    await stage.api.request(operation.method, operation.path.format(**place), headers=headers, **request)


def _concerns(change: dict[str, Any], ask: Ask) -> bool:
    """Whether the request has such a place at all."""
    if change.keys() & {"content", "json"}:
        return ask.body is not None
    kept = {"path": ask.path, "params": ask.query, "headers": _SIGNED & ask.headers.keys()}
    return any(kept[place] for place in change)


async def _asks(stage: Stage) -> tuple[dict[str, Ask], Guest]:
    """Every public operation, asked as it should be, by one visitor of one page."""
    ivo = await stage.host("ivo")
    page = await ivo.make_page(**SHOWN)
    visitor = Guest("vera", stage.reader(page, host="ivo"))
    of_page, wish = {"page_id": page["id"]}, visitor.wish(ivo.at(3, FREE))
    slot = {"start_at": ivo.at(3, LATER).isoformat(), "duration_minutes": 30}
    with stage.ear.scene("asked as it should be", visitor.reader):
        booked = (await stage.book(page, wish)).json()
        of_booking, holder = {"booking_id": booked["id"]}, {"Booking-Token": booked["booking_token"]}
        hold = (await stage.api.post(f"/v1/public/scheduling-pages/{page['id']}/holds", json=slot)).json()
    profile = {"chat_profile": {"enabled": True, "page_id": page["id"]}}
    key = (await ivo.patch(SETTINGS, profile)).json()["chat_profile"]["widget_key"]
    times = {"page_id": page["id"], "duration_minutes": 30, "time_zone": "Asia/Tokyo"}
    chosen = {"times": {"kind": "chosen", "count": 1, "spread_over_days": True}}
    proposal = (await ivo.post("/v1/time-proposals", times | chosen)).json()
    slots = {"time_zone": "Asia/Tokyo", "first_day": str(ivo.day(3)), "last_day": str(ivo.day(3))}
    asks = {
        "resolveSchedulingPageUrl": Ask(query={"host": "127.0.0.1", "path": f"/meetings/{page['slug']}"}),
        "getPublicSchedulingPage": Ask(of_page),
        "listPublicSlots": Ask(of_page, slots | {"duration_minutes": "30"}),
        "bookMeeting": Ask(of_page, body=wish | {"start_at": ivo.at(5, FREE).isoformat()}),
        "createSlotHold": Ask(of_page, body=slot),
        "releaseSlotHold": Ask({"hold_id": hold["id"]}, headers={"Hold-Token": hold["token"]}),
        "getPublicBooking": Ask(of_booking, headers=holder),
        "listPublicBookingSlots": Ask(of_booking, slots, headers=holder),
        "reschedulePublicBooking": Ask(of_booking, headers=holder, body={"start_at": ivo.at(4, FREE).isoformat()}),
        "cancelPublicBooking": Ask(of_booking, headers=holder, body=visitor.reason),
        "downloadPublicInvite": Ask(of_booking, headers=holder),
        "getPublicTimeProposal": Ask({"proposal_id": proposal["id"]}),
        "getFormPrefill": Ask(of_page, {"host": "127.0.0.1"}, {"Visitor-Token": NONSENSE}),
        "getPublicChatWidget": Ask({"widget_key": key}),
        "reportBookingAttempt": Ask(of_page),
        "completeConnectionAuthorization": Ask({"provider": "google"}, {"state": NONSENSE}),
        "getRobotsTxt": Ask(),
        "getLiveness": Ask(),
        "getReadiness": Ask(),
    }
    return asks | await _of_a_request(stage), visitor


async def _of_a_request(stage: Stage) -> dict[str, Ask]:
    """A meeting request has its own page, whose host has no calendar."""
    kim = await stage.host("kim", provider=None)
    page = await kim.make_page(**SHOWN)
    visitor = Guest("vera", stage.reader(page, host="kim"))
    with stage.ear.scene("asked as it should be", visitor.reader):
        asked = (await stage.book(page, visitor.wish(kim.at(3, FREE)))).json()
    path, holder = {"request_id": asked["id"]}, {"Booking-Token": asked["booking_token"]}
    return {
        "getPublicMeetingRequest": Ask(path, headers=holder),
        "withdrawMeetingRequest": Ask(path, headers=holder, body=visitor.reason),
    }
