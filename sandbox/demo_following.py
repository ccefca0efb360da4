"""The demo's host moves a booked event by hand, and the CRM follows within seconds (R23; at Exchange R24: it stays).

The one rule: each step says how long after the move it saw what it says. What takes longer than `SOON` has failed.
"""

from datetime import datetime

from sandbox.demo_booking import nth_mail, offers
from sandbox.demo_feed import find_in_feed, read_feed
from sandbox.demo_journey import Demo, Json, eventually, expect, never
from sandbox.houses import Span


async def move_the_event_in_the_calendar(demo: Demo) -> Json:
    """The host drags the booked event to another free time, in the provider's own calendar."""
    if demo.house.follows:
        await eventually(demo.house.watched, "the provider tells of changes")
    [event] = await demo.house.ours()
    to = demo.free(1)
    expect(await offers(demo, to[0]), "the time is free before")
    await demo.host_acts(demo.house.move(event.id, to))
    demo.moved_to = to
    [moved] = await demo.house.ours()
    expect((moved.id, moved.start) == (event.id, to[0]), "the same event stands at the other time")
    return {"event_id": event.id, "from": event.start.isoformat(), "to": to[0].isoformat()}


async def see_the_booking_follow(demo: Demo) -> Json:
    """The booking has the new time, told by a notification of the provider's; the ledger says what was found."""
    before = datetime.fromisoformat(demo.booking["start_at"])
    if not demo.house.follows:
        return await _see_the_booking_stay(demo)

    async def moved() -> Json | None:
        booking = await _booking(demo)
        return booking if _span(booking) == _moved_to(demo) else None

    booking, seconds = await demo.follows(moved, "the booking has the new time")
    told = await demo.house.notified() - demo.notified_before
    expect(told, "the provider sent a notification, and it was taken")
    entries = (await demo.read(f"/v1/drift-entries?booking_id={booking['id']}"))["items"]
    found = [(entry["kind"], entry["status"], entry["resolution"], entry["resolved_by"]) for entry in entries]
    expect(found == [("moved", "resolved", "adopt", "policy")], f"the ledger tells of one move: {found}")
    expect(await offers(demo, before), "the former time is offered again")
    expect(not await offers(demo, _moved_to(demo)[0]), "the new time is not")
    return {
        "start_at": booking["start_at"],
        "seconds_after_the_move": seconds,
        "notifications": told,
        "offered_again": demo.booking["start_at"],
    }


async def _see_the_booking_stay(demo: Demo) -> Json:
    """R24: both times are blocked, by the booking and by the event; the booking is not touched."""
    seconds = await see_time_blocked(demo, _moved_to(demo))

    async def changed() -> bool:
        booking = await _booking(demo)
        return bool(booking["start_at"] != demo.booking["start_at"] or booking["status"] != "confirmed")

    await never(changed, "the booking stays where it was")
    expect(not await offers(demo, datetime.fromisoformat(demo.booking["start_at"])), "its time stays taken")
    return {"stays_at": demo.booking["start_at"], "new_time_blocked_after_seconds": seconds, **await why_not(demo)}


async def _booking(demo: Demo) -> Json:
    booking: Json = await demo.read(f"/v1/bookings/{demo.booking['id']}")
    return booking


async def see_the_timeline_follow(demo: Demo) -> Json:
    """The contact's meeting has the new time."""
    if not demo.house.follows:
        engagement = await find_booked_meeting(demo)
        expect(engagement and engagement["start_at"] == demo.booking["start_at"], "the meeting stays where it was")
        return {"stays_at": demo.booking["start_at"], **await why_not(demo)}

    async def moved() -> Json | None:
        found = await find_booked_meeting(demo)
        return found if found is not None and _span(found) == _moved_to(demo) else None

    engagement, seconds = await demo.follows(moved, "the contact's meeting has the new time")
    return {
        "engagement_id": engagement["id"],
        "start_at": engagement["start_at"],
        "seconds_after_the_move": seconds,
    }


async def read_the_move_in_the_feed(demo: Demo) -> Json:
    """The feed has `booking.rescheduled` with the new time."""
    if not demo.house.follows:
        events = await read_feed(demo, types="booking.rescheduled,drift_entry.created")
        expect(not events, f"the feed tells of no move: {events}")
        return {"type": None, **await why_not(demo)}
    event, seconds = await demo.follows(lambda: _rescheduled(demo), "the feed has the move")
    return {"type": event["type"], "sequence": event["sequence"], "seconds_after_the_move": seconds}


async def receive_the_move_by_webhook(demo: Demo) -> Json:
    """The CRM's webhook got the same event, and its signature is right."""
    if not demo.house.follows:
        got = [delivery.event["type"] for delivery in demo.receiver.taken]
        expect("booking.rescheduled" not in got, "the webhook is told of no move")
        return {"type": None, **await why_not(demo)}
    event = await _rescheduled(demo)
    assert event is not None, "the step before has seen it"

    async def came() -> object:
        return demo.receiver.find(event["id"])

    delivery, _ = await demo.follows(came, "the webhook got the move")
    expect(delivery.event == event, "the webhook's event is the feed's")
    expect(not demo.receiver.refused, f"every signature is right: {demo.receiver.refused}")
    return {
        "type": event["type"],
        "sequence": event["sequence"],
        "signature": "verified",
        "seconds_after_the_move": demo.seconds_since_act(delivery.at),
    }


async def find_the_move_in_the_mail(demo: Demo) -> Json:
    """The visitor is told; where the provider stays silent our mail brings the invitation's new time."""
    if not demo.house.follows:
        mails = await demo.sandbox.mails(demo.visitor)
        expect(len(mails) == 1, "the visitor is told of no move")
        return {"to_visitor": None, **await why_not(demo)}
    mail = await nth_mail(demo, 2)
    if not demo.house.invites:
        expect(mail["calendar"] and mail["calendar"]["method"] == "REQUEST", "the mail moves the invitation")
    return {"to_visitor": mail["subject"], "seconds_after_the_move": demo.seconds_since_act()}


async def find_booked_meeting(demo: Demo) -> Json | None:
    """The booking's meeting on the contact's timeline."""
    items = (await demo.read(f"/v1/contacts/{demo.contact_id}/engagements"))["items"]
    return next((item for item in items if item["booking_id"] == demo.booking["id"]), None)


async def see_time_blocked(demo: Demo, span: Span) -> float:
    """Where nothing comes back (R24) the calendar is still mirrored: the seconds until the time is no longer offered.

    Only then does it mean something that the CRM was told nothing.
    """
    await demo.call("POST", f"/v1/connections/{demo.connection_id}/sync", status=202, headers=demo.headers)

    async def blocked() -> bool:
        return not await offers(demo, span[0])

    _, seconds = await demo.follows(blocked, "the time is no longer offered")
    return seconds


async def why_not(demo: Demo, capability: str = "calendar_sync") -> Json:
    """R24: what the connection cannot do, and why, as its data says it to any client (R18)."""
    states = (await demo.read(f"/v1/connections/{demo.connection_id}"))["capabilities"]
    state = next(each for each in states if each["capability"] == capability)
    expect(not state["available"], f"the connection cannot do this: {capability}")
    expect(state["reason"] == "provider_unsupported", f"because of the provider: {state}")
    return {"rule": "R24", **{name: state[name] for name in ("capability", "reason", "reason_text")}}


async def _rescheduled(demo: Demo) -> Json | None:
    def fits(data: Json) -> bool:
        return data["id"] == demo.booking["id"] and _span(data) == _moved_to(demo)

    return await find_in_feed(demo, "booking.rescheduled", fits)


def _moved_to(demo: Demo) -> Span:
    assert demo.moved_to is not None, "the host moves it first"
    return demo.moved_to


def _span(told: Json) -> Span:
    return datetime.fromisoformat(told["start_at"]), datetime.fromisoformat(told["end_at"])
