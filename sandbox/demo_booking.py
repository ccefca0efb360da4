"""The demo's visitor: sees what is free, books, moves the booking, calls it off.

The one rule: what the service says is held against the provider's own calendar, ledger and mails.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx

from sandbox.demo_journey import HOST_ZONE, PATIENCE, VISITOR_ZONE, Demo, Host, Json, eventually, expect

OPEN_DAYS = 14
LEAST_SLOTS = 20  # `Demo.free` takes them from all over the list


async def make_a_scheduling_page(demo: Demo) -> Json:
    """A page with half-hour meetings on working days."""
    body = {
        "type": "personal",
        "name": "Introduktion",
        "time_zone": HOST_ZONE,
        "durations_minutes": [30],
        "increment_minutes": 30,
        "minimum_notice_minutes": 60,
        "language": "sv",
        "form_fields": [{"id": "company", "label": "Företag", "kind": "text", "required": True}],
    }
    page = (await demo.call("POST", "/v1/scheduling-pages", body, status=201, headers=demo.headers)).json()
    demo.page_id = page["id"]
    expect(page["mode"] == "online", "the page is online")
    return {"page_id": page["id"], "meeting_link": page["meeting_link"]}


async def list_slots_that_avoid_every_busy_time(demo: Demo) -> Json:
    """What is offered is held against what really stands in the calendar in the same weeks."""
    demo.slots = await list_slots(demo)
    busy = await demo.house.busy(_today(), OPEN_DAYS + 2)
    for slot in demo.slots:
        start, end = (datetime.fromisoformat(slot[name]) for name in ("start_at", "end_at"))
        clash = next((span for span in busy if span[0] < end and start < span[1]), None)
        expect(clash is None, f"{slot['start_at']} is free")
    expect(len(demo.slots) >= LEAST_SLOTS, f"at least {LEAST_SLOTS} slots, not {len(demo.slots)}")
    return {"slots": len(demo.slots), "busy_spans": len(busy), "first": demo.slots[0]["start_at"]}


async def list_slots(host: Host, *, days: int = OPEN_DAYS) -> list[Json]:
    """What a visitor is offered now."""
    query = {
        "time_zone": VISITOR_ZONE,
        "first_day": _today().isoformat(),
        "last_day": (_today() + timedelta(days=days)).isoformat(),
        "duration_minutes": "30",
    }
    path = f"/v1/public/scheduling-pages/{host.page_id}/slots"
    answer = await host.call("GET", f"{path}?{httpx.QueryParams(query)}")
    items: list[Json] = answer.json()["items"]
    return items


async def offers(host: Host, start: datetime) -> bool:
    """Whether a visitor can have this time now."""
    return start in {datetime.fromisoformat(slot["start_at"]) for slot in await list_slots(host)}


def _today() -> date:
    return datetime.now(ZoneInfo(VISITOR_ZONE)).date()


async def book_a_slot(demo: Demo) -> Json:
    """A visitor in New York books; the same request repeated with its key books nothing more."""
    key = {"Idempotency-Key": "demo-booking-1"}
    body = _wish(demo, demo.slots[2]["start_at"])
    path = f"/v1/public/scheduling-pages/{demo.page_id}/bookings"
    demo.booking = (await demo.call("POST", path, body, status=201, headers=key)).json()
    again = await demo.call("POST", path, body, status=201, headers=key)
    expect(again.json()["id"] == demo.booking["id"], "the repeat is the same booking")
    expect(again.headers["Idempotent-Replayed"] == "true", "the repeat says so")
    return {"booking_id": demo.booking["id"], "start_at": demo.booking["start_at"]}


def _wish(demo: Demo, start_at: str) -> Json:
    return {
        "start_at": start_at,
        "duration_minutes": 30,
        "name": "Vera Visitor",
        "email": demo.visitor,
        "time_zone": VISITOR_ZONE,
        "language": "en",
        "answers": {"company": "Example Ltd"},
    }


async def find_the_event_in_the_calendar_exactly_once(demo: Demo) -> Json:
    """R46: one event, on the primary calendar, at the booked time."""
    await until_written(demo, demo.booking["id"])
    events = await demo.house.ours()
    expect(len(events) == 1, f"exactly one event, not {len(events)}")
    expect(events[0].start == datetime.fromisoformat(demo.booking["start_at"]), "it is at the booked time")
    return {"event_id": events[0].id, "title": events[0].title}


async def until_written(host: Host, booking_id: str) -> None:
    """Wait until the booking says that its event is in the host's calendar."""

    async def written() -> bool:
        booking = await host.read(f"/v1/bookings/{booking_id}")
        return bool(booking["calendar_event"]["status"] == "written")

    await eventually(written, "the event is written")


async def find_the_invitation_in_the_mail(demo: Demo) -> Json:
    """R49: one invitation per visitor, ours or the provider's; the host is told."""
    mail = await demo.sandbox.wait_for_mail(demo.visitor, timeout_seconds=PATIENCE)
    host = await demo.sandbox.wait_for_mail(demo.house.email, timeout_seconds=PATIENCE)
    told = {"to_visitor": mail["subject"], "to_host": host["subject"]}
    if demo.house.invites:
        expect(mail["calendar"] is None, "our mail carries no second invitation")
        theirs = await demo.house.invitations(demo.visitor)
        expect(len(theirs) == 1, f"the provider invites once: {theirs}")
        return {**told, "invitation": "the provider's"}
    expect(mail["calendar"] and mail["calendar"]["method"] == "REQUEST", "the mail carries an invitation")
    own = await demo.house.ours()
    expect(own[0].uid in mail["calendar"]["content"].replace("\r\n ", ""), "with the event's UID")
    return {**told, "invitation": "ours"}


async def refuse_a_second_booking_with_alternatives(demo: Demo) -> Json:
    """R45: the slot is gone; the answer says what is still to be had."""
    path = f"/v1/public/scheduling-pages/{demo.page_id}/bookings"
    refused = (await demo.call("POST", path, _wish(demo, demo.booking["start_at"]), status=409)).json()
    expect(refused["code"] == "slot_unavailable", "the code says so")
    expect(refused["alternatives"], "there are alternatives")
    return {"code": refused["code"], "alternatives": len(refused["alternatives"])}


def _token(demo: Demo) -> dict[str, str]:
    return {"Booking-Token": demo.booking["booking_token"]}


async def reschedule_by_the_visitors_link(demo: Demo) -> Json:
    """R47: the same booking, the same event, another time; R24: not where the provider's events stay as they are."""
    later = demo.slots[-1]["start_at"]
    path = f"/v1/public/bookings/{demo.booking['id']}/reschedule"
    if not demo.house.changes:
        return await _refused(demo, path, {"start_at": later})
    before = (await demo.house.ours())[0].id
    moved = (await demo.call("POST", path, {"start_at": later}, headers=_token(demo))).json()

    async def there() -> bool:
        events = await demo.house.ours()
        return [(event.id, event.start) for event in events] == [(before, datetime.fromisoformat(later))]

    await eventually(there, "the one event has moved")
    mail = await nth_mail(demo, 3)
    return {"start_at": moved["start_at"], "event_id": before, "mail": mail["subject"]}


async def cancel_by_the_visitors_link(demo: Demo) -> Json:
    """The event is gone, the invitation is withdrawn, the time is offered again."""
    path = f"/v1/public/bookings/{demo.booking['id']}/cancel"
    body = {"reason": "Something came up"}
    if not demo.house.changes:
        return await _refused(demo, path, body)
    cancelled = (await demo.call("POST", path, body, headers=_token(demo))).json()
    expect(cancelled["status"] == "cancelled", "the booking is cancelled")

    async def gone() -> bool:
        return not await demo.house.ours()

    await eventually(gone, "the event is gone")
    mail = await nth_mail(demo, 4)
    if not demo.house.invites:
        expect(mail["calendar"] and mail["calendar"]["method"] == "CANCEL", "the mail withdraws the invitation")
    expect(await offers(demo, datetime.fromisoformat(cancelled["start_at"])), "the time is offered again")
    return {"status": cancelled["status"], "mail": mail["subject"], "offered_again": cancelled["start_at"]}


async def _refused(demo: Demo, path: str, body: Json) -> Json:
    """R24: the refusal names what is missing."""
    refused = (await demo.call("POST", path, body, status=409, headers=_token(demo))).json()
    expect(refused["code"] == "capability_not_supported", "the code says so")
    return {name: refused[name] for name in ("code", "capability", "detail")}


async def nth_mail(demo: Demo, count: int) -> Json:
    """Our mail to the visitor with this number, the first is 1."""

    async def arrived() -> Json | None:
        mails = await demo.sandbox.mails(demo.visitor)
        return mails[count - 1] if len(mails) >= count else None

    mail: Json = await eventually(arrived, f"mail {count} to the visitor")
    return mail


async def count_what_the_provider_saw(demo: Demo) -> Json:
    """The ledger of the other side: of ours nothing but what was asked for, each once; what the host did is no echo."""
    writes = await demo.house.writes()
    expected = ["insert", "update", "delete", "insert"] if demo.house.changes else ["insert"]
    expect(writes == expected, f"booked, moved, called off, and a meeting on the record: {writes}")
    return {"writes": writes}
