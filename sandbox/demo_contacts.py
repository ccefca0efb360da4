"""The demo's contact: whoever booked is known, and what is agreed with them stands on one timeline (R19, R20).

The one rule: a meeting stands on the timeline once, whichever side made it.
"""

from collections import Counter
from datetime import datetime

from sandbox.demo_booking import offers
from sandbox.demo_feed import find_in_feed
from sandbox.demo_following import find_booked_meeting, see_time_blocked, why_not
from sandbox.demo_journey import HOST_ZONE, Demo, Json, eventually, expect, never
from sandbox.houses import Standing

RECORD_TITLE, HAND_TITLE = "Kick-off", "Lunch with Vera"


async def find_the_visitor_among_the_contacts(demo: Demo) -> Json:
    """Who booked has become a contact, and the meeting is on their timeline."""

    async def known() -> Json | None:
        items = (await demo.read(f"/v1/contacts?email={demo.visitor}"))["items"]
        return items[0] if items else None

    contact = await eventually(known, "the visitor is a contact")
    demo.contact_id = contact["id"]
    expect(contact["source"] == "scheduling_page", "they came by the page")
    engagement = await eventually(lambda: find_booked_meeting(demo), "the meeting is on their timeline")
    expect(engagement["source"] == "scheduling_page", "it came by the page")
    expect(engagement["start_at"] == demo.booking["start_at"], "it is at the booked time")
    return {"contact_id": contact["id"], "contact": contact["name"], "engagement_id": engagement["id"]}


async def make_a_meeting_on_the_contacts_record(demo: Demo) -> Json:
    """R19: it becomes an event, and the provider invites; R24: else it is recorded, and the answer says why not."""
    start, end = demo.free(2)
    body = {
        "title": RECORD_TITLE,
        "start_at": start.isoformat(),
        "end_at": end.isoformat(),
        "time_zone": HOST_ZONE,
    }
    path, key = f"/v1/contacts/{demo.contact_id}/meetings", {"Idempotency-Key": "demo-meeting-1"}
    made = (await demo.call("POST", path, body, status=201, headers=demo.headers | key)).json()
    again = (await demo.call("POST", path, body, status=201, headers=demo.headers | key)).json()
    expect(again["id"] == made["id"], "the repeat is the same meeting")
    told = {"engagement_id": made["id"]}
    if not demo.house.follows:
        expect((made["invite_status"], made["invite_reason"]) == ("not_sent", "provider_unsupported"), f"R24: {made}")
        expect(not await _events_called(demo, RECORD_TITLE), "there is no event")
        expect(not await demo.house.invitations(demo.visitor), "the provider invites nobody")
        told |= {"invite_status": made["invite_status"], "invite_reason": made["invite_reason"]}
        return told | await why_not(demo, "crm_meetings")
    sent: Json = await eventually(lambda: _invited(demo, made["id"]), "the invitation is sent")
    [event] = await _events_called(demo, RECORD_TITLE)
    expect(event.start == start, "the event is at the meeting's time")
    mails = (await demo.house.invitations(demo.visitor)).count(event.id)
    expect(mails == 1, f"the provider has invited once, not {mails} times")
    return {**told, "event_id": event.id, "invite_status": sent["invite_status"], "invitation": "the provider's"}


async def _invited(demo: Demo, engagement_id: str) -> Json | None:
    engagement: Json = await demo.read(f"/v1/engagements/{engagement_id}")
    expect(engagement["invite_status"] in {"pending", "sent"}, f"an invitation goes out: {engagement}")
    return engagement if engagement["invite_status"] == "sent" else None


async def _events_called(demo: Demo, title: str) -> list[Standing]:
    return [event for event in await demo.house.ours() if event.title == title]


async def see_an_invitation_made_by_hand_on_the_timeline(demo: Demo) -> Json:
    """R20: an event that the host makes in the calendar, with the contact, comes to the CRM; R24: not from Exchange."""
    when = demo.free(3)
    expect(await offers(demo, when[0]), "the time is free before")
    event_id = await demo.host_acts(demo.house.invite(demo.visitor, HAND_TITLE, when))

    async def there() -> Json | None:
        return next((item for item in await _timeline(demo) if item["title"] == HAND_TITLE), None)

    if not demo.house.follows:
        seconds = await see_time_blocked(demo, when)
        await never(there, "the meeting does not reach the CRM")
        return {"event_id": event_id, "on_the_timeline": False, "blocked_after_seconds": seconds, **await why_not(demo)}
    engagement, seconds = await demo.follows(there, "the meeting is on the timeline")
    expect(engagement["source"] == "calendar_sync", f"it came from the calendar: {engagement['source']}")
    expect(datetime.fromisoformat(engagement["start_at"]) == when[0], "it is at the event's time")

    async def told() -> Json | None:
        return await find_in_feed(demo, "engagement.created", lambda data: data["id"] == engagement["id"])

    event, _ = await demo.follows(told, "the feed has the meeting")

    async def came() -> object:
        return demo.receiver.find(event["id"])

    delivery, _ = await demo.follows(came, "the webhook got the meeting")
    return {
        "engagement_id": engagement["id"],
        "source": engagement["source"],
        "seconds_after_the_act": seconds,
        "webhook_seconds_after_the_act": demo.seconds_since_act(delivery.at),
    }


async def read_the_whole_timeline(demo: Demo) -> Json:
    """Each meeting once: nothing that one side made has come back from the other as another."""
    sources = Counter(item["source"] for item in await _timeline(demo))
    expected = {"scheduling_page": 1, "crm_record": 1} | ({"calendar_sync": 1} if demo.house.follows else {})
    expect(sources == expected, f"each meeting once: {dict(sources)}")
    return {"meetings": dict(sources)}


async def _timeline(demo: Demo) -> list[Json]:
    items: list[Json] = (await demo.read(f"/v1/contacts/{demo.contact_id}/engagements"))["items"]
    return items
