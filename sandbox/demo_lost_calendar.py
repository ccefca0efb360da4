"""The demo's lost calendar (R29, R30): one calendar that is checked can be read no more, and nobody can book.

The one rule: booking stops with the calendar and heals with the remedy; the visitor never learns which it was.
"""

import json
from dataclasses import dataclass

from sandbox.demo_booking import list_slots
from sandbox.demo_company import EMMA, PAWEL, book, find_event, make_page, refuse
from sandbox.demo_journey import PATIENCE, Host, Json, eventually, expect

BOSS, PLANS = "boss@example.com", "The boss's plans"
CALENDARS, SETTINGS = "/v1/availability-calendars", "/v1/calendar-settings"


@dataclass
class LostCalendar:
    """Gerda's page, and a calendar that her boss shares with her at Google."""

    gerda: Host
    google_id: str = ""
    calendar_id: str = ""
    wanted: str = ""
    """The time that visitors want."""

    @property
    def label(self) -> Json:
        """What is on each of the journey's lines."""
        return {"journey": "lost_calendar", "provider": self.gerda.house.provider}


async def check_a_shared_calendar_too(journey: LostCalendar) -> Json:
    """The boss shares a calendar; Gerda has it checked before a time is offered."""
    gerda = journey.gerda
    await make_page(gerda, "Lägesmöte")
    before = await list_slots(gerda)
    taken = before[len(before) // 3]
    journey.google_id = await _share_the_plans(journey, busy_at=taken)
    path = f"/v1/connections/{gerda.connection_id}"
    await gerda.call("POST", f"{path}/refresh-calendars", status=202, headers=gerda.headers)

    async def listed() -> Json | None:
        found = {item["name"]: item for item in (await gerda.read(f"{path}/calendars"))["items"]}
        return found if PLANS in found else None

    found = await eventually(listed, "the shared calendar is listed")
    journey.calendar_id = found[PLANS]["id"]
    ticked = [item["id"] for item in found.values() if item["is_primary"] or item["name"] == PLANS]
    await gerda.send("PATCH", SETTINGS, {"availability_calendar_ids": ticked})
    await eventually(lambda: _is(journey, "active"), "the shared calendar is read")
    slots = await list_slots(gerda)
    expect(slots and taken not in slots, "what stands in it blocks")
    journey.wanted = slots[len(slots) // 2]["start_at"]
    return {"calendar": PLANS, "blocked": taken["start_at"], "slots": len(slots)}


async def lose_the_calendar(journey: LostCalendar) -> Json:
    """The boss shares it no more. The page stays readable and says only that nobody can book."""
    await _set_role(journey, "none")
    path = f"/v1/connections/{journey.gerda.connection_id}/sync"
    await journey.gerda.call("POST", path, status=202, headers=journey.gerda.headers)
    lost = await eventually(lambda: _is(journey, "inactive"), "the calendar cannot be read")
    expect(lost["remedy"], "the host reads what helps")
    page = (await journey.gerda.call("GET", f"/v1/public/scheduling-pages/{journey.gerda.page_id}")).json()
    expect(not page["host_available"], "the page says that nobody can book")
    expect(not await list_slots(journey.gerda), "no time is offered")
    expect(PLANS not in json.dumps(page), "the visitor is told of no calendar")
    return {"inactive_reason": lost["inactive_reason"], "remedy": lost["remedy"], "host_available": False, "slots": 0}


async def let_the_host_know_that_somebody_tried(journey: LostCalendar) -> Json:
    """The visitor lets them know; the host's mail names the calendar and both remedies. Booking is refused, too."""
    path = f"/v1/public/scheduling-pages/{journey.gerda.page_id}/booking-attempts"
    noted = (await journey.gerda.call("POST", path, status=202)).json()
    expect(noted == {"page_id": journey.gerda.page_id}, f"the visitor learns nothing: {noted}")
    to = journey.gerda.house.email
    mail = await journey.gerda.sandbox.wait_for_mail(to, subject="försökte boka", timeout_seconds=PATIENCE)
    for words in (PLANS, "återfå åtkomsten", "ta bort den inaktiva kalendern"):
        expect(words.lower() in mail["text"].lower(), f"the mail says: {words}")
    refused = await refuse(journey.gerda, EMMA, journey.wanted, code="booking_unavailable")
    return {"mail": mail["subject"], "names": PLANS, "booking": refused["code"]}


async def regain_the_calendar(journey: LostCalendar) -> Json:
    """Checking again while it is lost changes nothing; once the boss shares it again it is found, and times return."""
    still = await _recheck(journey)
    expect(still["status"] == "inactive", "it is lost still")
    await _set_role(journey, "reader")
    await _recheck(journey)
    found = await eventually(lambda: _is(journey, "active"), "the calendar is read again")
    slots = await list_slots(journey.gerda)
    expect(journey.wanted in {slot["start_at"] for slot in slots}, "the wanted time is offered again")
    return {"recheck_while_lost": still["status"], "recheck": found["status"], "slots": len(slots)}


async def book_what_was_refused(journey: LostCalendar) -> Json:
    """The time that could not be had is booked, and its event is in the primary calendar once (R28)."""
    booking = await book(journey.gerda, PAWEL, journey.wanted)
    event = await find_event(journey.gerda, booking)
    expect(await _events_of_the_boss(journey) == 1, "nothing is written to the shared calendar")
    return {"booking_id": booking["id"], "start_at": booking["start_at"], **event}


async def _share_the_plans(journey: LostCalendar, *, busy_at: Json) -> str:
    """The boss's calendar has one event; returns the calendar's id at Google."""
    sandbox = journey.gerda.sandbox
    await sandbox.google_account(BOSS, name="Bo Strand")
    calendar = await sandbox.google_calendar(BOSS, PLANS)
    times = {name: {"dateTime": busy_at[f"{name}_at"]} for name in ("start", "end")}
    await sandbox.insert_google_event(BOSS, {"summary": "Board", **times}, calendar["id"])
    await sandbox.share_google_calendar(calendar["id"], account=journey.gerda.house.email, role="reader")
    return str(calendar["id"])


async def _set_role(journey: LostCalendar, role: str) -> None:
    await journey.gerda.sandbox.share_google_calendar(journey.google_id, account=journey.gerda.house.email, role=role)


async def _recheck(journey: LostCalendar) -> Json:
    """What is known after asking Google."""
    checked: Json = await journey.gerda.send("POST", f"{CALENDARS}/{journey.calendar_id}/recheck")
    return checked


async def _events_of_the_boss(journey: LostCalendar) -> int:
    return len(await journey.gerda.sandbox.google_events(BOSS, journey.google_id))


async def _is(journey: LostCalendar, status: str) -> Json | None:
    """The calendar, if it has been looked at and found so."""
    items = (await journey.gerda.read(CALENDARS))["items"]
    found = next((item for item in items if item["calendar_id"] == journey.calendar_id), None)
    return found if found and found["last_synced_at"] and found["status"] == status else None


STEPS = (
    check_a_shared_calendar_too,
    lose_the_calendar,
    let_the_host_know_that_somebody_tried,
    regain_the_calendar,
    book_what_was_refused,
)
