"""The demo's offline page (R26): visitors ask while there is no calendar, and their requests heal when there is one.

The one rule: what is free is booked once, by the host's own word given before; what clashes is answered, not booked.
"""

from dataclasses import dataclass, field
from datetime import datetime

from sandbox.demo_booking import list_slots
from sandbox.demo_company import DORA, IDA, Visitor, book, find_event, make_page
from sandbox.demo_connecting import connect
from sandbox.demo_journey import MEETING, PATIENCE, Host, Json, eventually, expect

PAGE = "Rådgivning"


@dataclass
class Offline:
    """Olof's page, before and after he connects his calendar."""

    olof: Host
    free: Json = field(default_factory=dict)
    """The request for a time at which Olof is free."""
    clashing: Json = field(default_factory=dict)
    """The request for a time at which he is not, as his calendar will tell."""

    @property
    def label(self) -> Json:
        """What is on each of the journey's lines."""
        return {"journey": "offline_requests", "provider": self.olof.house.provider}


async def make_a_page_without_a_calendar(journey: Offline) -> Json:
    """R25: the page is there and offers times; the host says that requests for free times may be booked at once."""
    page = await make_page(journey.olof, PAGE)
    expect(page["mode"] == "offline", "the page is offline")
    settings = await journey.olof.send("PATCH", "/v1/calendar-settings", {"auto_confirm_requests": True})
    expect(settings["auto_confirm_requests"], "free requests may be booked at once")
    return {"page_id": page["id"], "mode": page["mode"], "auto_confirm_requests": True}


async def ask_for_meetings(journey: Offline) -> Json:
    """Two visitors are answered 202: nothing is booked, and each is told so. For one of the times Olof is busy."""
    slots = await list_slots(journey.olof)
    times = [slots[len(slots) * third // 3]["start_at"] for third in (1, 2)]
    busy = datetime.fromisoformat(times[1])
    await journey.olof.house.invite("dentist@example.org", "Dentist", (busy, busy + MEETING))
    journey.free = await _ask(journey.olof, DORA, times[0])
    journey.clashing = await _ask(journey.olof, IDA, times[1])
    mails = {each.language: (await _mail(journey, each, PAGE))["subject"] for each in (DORA, IDA)}
    waiting = await journey.olof.read(f"/v1/meeting-requests/{journey.free['id']}")
    expect(waiting["clashes"] is None, "nobody can tell yet whether the time is free")
    return {"status": 202, "kind": journey.free["kind"], "mails": mails}


async def connect_a_calendar_at_last(journey: Offline) -> Json:
    """The host connects; what follows needs nobody any more."""
    return await connect(journey.olof)


async def see_the_free_request_booked_by_policy(journey: Offline) -> Json:
    """The visitor's request is a booking now, its event is in the calendar once, and the visitor is told."""

    async def accepted() -> Json | None:
        return await _request(journey, journey.free, "accepted")

    request = await eventually(accepted, "the request is accepted")
    expect(request["decided_by"] == "policy", f"by policy: {request['decided_by']}")
    booking = await journey.olof.read(f"/v1/bookings/{request['booking_id']}")
    event = await find_event(journey.olof, booking)
    writes = await journey.olof.house.writes()
    expect(writes == ["insert"], f"nothing else was written: {writes}")
    token = {"Booking-Token": journey.free["booking_token"]}
    opened = (await journey.olof.call("GET", f"/v1/public/bookings/{booking['id']}", headers=token)).json()
    expect(opened["status"] == "confirmed", "the token of the request opens the booking")
    mail = await _mail(journey, DORA, "Angenommen")
    return {"decided_by": request["decided_by"], "booking_id": booking["id"], **event, "mail": mail["subject"]}


async def answer_the_clashing_request_with_alternatives(journey: Offline) -> Json:
    """The other one still waits; it cannot be accepted, the host sees what else is free, and declines."""
    request = await _request(journey, journey.clashing, "pending")
    expect(request and request["clashes"], f"the host sees the clash: {request}")
    path = f"/v1/meeting-requests/{journey.clashing['id']}"
    refused = await journey.olof.send("POST", f"{path}/accept", status=409)
    expect(refused["code"] == "slot_unavailable", f"the code says so: {refused}")
    expect(refused["alternatives"], "there are alternatives")
    told = {"code": refused["code"], "alternatives": [each["start_at"] for each in refused["alternatives"]]}
    declined = await journey.olof.send("POST", f"{path}/decline", {"reason": "Jag är upptagen då."})
    expect(declined["status"] == "declined", "it is declined")
    mail = await _mail(journey, IDA, "Richiesta rifiutata")
    expect(len(await journey.olof.house.ours()) == 1, "there is one event still")
    return {**told, "mail": mail["subject"]}


async def _ask(host: Host, visitor: Visitor, start_at: str) -> Json:
    request = await book(host, visitor, start_at, status=202)
    expect((request["kind"], request["status"]) == ("meeting_request", "pending"), f"a request: {request}")
    return request


async def _request(journey: Offline, asked: Json, status: str) -> Json | None:
    """The request as its host sees it, if it has come to this."""
    request: Json = await journey.olof.read(f"/v1/meeting-requests/{asked['id']}")
    return request if request["status"] == status else None


async def _mail(journey: Offline, visitor: Visitor, subject: str) -> Json:
    """The mail about this page, since the visitor may have others: their subjects name the page too."""

    async def arrived() -> Json | None:
        mails = await journey.olof.sandbox.mails(visitor.email)
        return next((mail for mail in mails if subject in mail["subject"] and PAGE in mail["subject"]), None)

    mail: Json = await eventually(arrived, f"a mail to {visitor.name} about {subject}", seconds=PATIENCE)
    return mail


STEPS = (
    make_a_page_without_a_calendar,
    ask_for_meetings,
    connect_a_calendar_at_last,
    see_the_free_request_booked_by_policy,
    answer_the_clashing_request_with_alternatives,
)
