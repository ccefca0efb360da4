"""Invitations in somebody else's hands: read by `vobject`, which shares no code with the library that writes them.

The one rule: what another program reads is what was meant: the instant, the people, the revision, and no line more.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.outbound.ics import Method, Person, clean, invite
from tests.bookings.requesting import accept, ask, connected
from tests.outbound.elsewhere import event_in, invitations, lines_of
from tests.outbound.samples import a_meeting
from tests.support.people import Person as User
from tests.support.teams import colleagues, team_page
from tests.support.visitors import Visit, our_events, visit
from tests.support.world import World

YEAR = 2027
ZONES = [
    "Europe/Stockholm",
    "Africa/Cairo",  # the clocks change at midnight
    "Asia/Kolkata",  # half an hour off, all the year
    "Pacific/Auckland",  # summer over New Year
    "Australia/Lord_Howe",  # half an hour of summer time
    "America/Sao_Paulo",  # no summer time any more
    "Africa/Casablanca",  # the clocks followed Ramadan, until they did not
]
CHANGES = {"Asia/Kolkata": {0}, "America/Sao_Paulo": {0}, "Africa/Casablanca": {0, 2}}
"""How often the clocks change in the year; twice where nothing is said. Of Morocco it depends on the tz data's age."""
HALF_HOUR = timedelta(minutes=30)
PROPERTIES = {
    "uid", "sequence", "dtstamp", "dtstart", "dtend", "summary", "description", "location", "status", "transp",
    "organizer", "attendee",
}  # fmt: skip


def changes_of(zone: str) -> list[datetime]:
    """The instants of the year at which the clocks change, to the minute."""
    info, found = ZoneInfo(zone), []
    moment, end = datetime(YEAR, 1, 1, tzinfo=UTC), datetime(YEAR + 1, 1, 1, tzinfo=UTC)
    while moment < end:
        later = moment + timedelta(hours=12)
        if moment.astimezone(info).utcoffset() != later.astimezone(info).utcoffset():
            steps = (moment + timedelta(minutes=step) for step in range(1, 721))
            before = moment.astimezone(info).utcoffset()
            found.append(next(step for step in steps if step.astimezone(info).utcoffset() != before))
        moment = later
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_r49_a_meeting_begins_when_it_was_booked_on_whichever_side_of_a_change(zone: str) -> None:
    changes = changes_of(zone)
    assert len(changes) in CHANGES.get(zone, {2})
    days = [datetime(YEAR, month, 15, 6, 15, tzinfo=UTC) for month in (1, 4, 7, 10)]
    steps = [timedelta(minutes=15 * step) for step in range(-12, 13)] + [timedelta(days=day) for day in (-2, -1, 1, 2)]
    for start in [*days, *(change + step for change in changes for step in steps)]:
        event = event_in(invite(a_meeting(time_zone=zone, starts_at=start, ends_at=start + HALF_HOUR)))
        assert event.dtstart.value.astimezone(UTC) == start
        assert event.dtend.value.astimezone(UTC) == start + HALF_HOUR


@pytest.mark.parametrize("zone", ZONES)
def test_r49_the_zone_in_an_invitation_has_the_offsets_of_the_real_one(zone: str) -> None:
    """Programs reckon reminders and repeats by it, months to either side. What the clocks show twice is left out: our
    invitations never say it, and programs differ."""
    start = datetime(YEAR, 7, 1, 12, tzinfo=UTC)
    event = event_in(invite(a_meeting(time_zone=zone, starts_at=start, ends_at=start + HALF_HOUR)))
    told, real = event.dtstart.value.tzinfo, ZoneInfo(zone)
    around = [change + timedelta(minutes=15 * step) for change in changes_of(zone) for step in range(-8, 9)]
    for moment in [*around, *(start + timedelta(hours=17 * step) for step in range(-250, 251))]:
        local = moment.astimezone(real)
        if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
            assert local.replace(tzinfo=told).utcoffset() == local.utcoffset(), local


def test_r49_another_program_finds_what_itip_wants() -> None:
    for method, status in ((Method.REQUEST, "CONFIRMED"), (Method.CANCEL, "CANCELLED")):
        content = invite(a_meeting(method=method))
        event = event_in(content, method=method.value)
        assert {child.name.lower() for child in event.getChildren()} == PROPERTIES
        assert (event.uid.value, event.sequence.value, event.status.value) == ("abc123@google.com", "2", status)
        assert event.dtstamp.value == datetime(2026, 6, 1, 12, tzinfo=UTC)
        assert (event.organizer.value, event.organizer.params) == (
            "mailto:calendar@crm.example",
            {"CN": ["Håkan Host"]},
        )
        visitor, guest = event.attendee_list
        assert (visitor.value, visitor.params["CN"]) == ("mailto:vera@example.com", ["Vera Visitor"])
        assert (visitor.params["PARTSTAT"], guest.params["PARTSTAT"]) == (["ACCEPTED"], ["NEEDS-ACTION"])


def one_line(text: str) -> str:
    """What is left of a text where there is room for a line: its words."""
    return " ".join(clean(text).split())


_PIECES = st.sampled_from([
    "\r\nATTENDEE:mailto:evil@example.com", "\nEND:VEVENT\nBEGIN:VEVENT", "\r", "\n\n", ";ROLE=CHAIR", ":mailto:x@y",
    '"', "\\", "\\n", "\\N", "^n^'", ",", "=", "Åse Öström", "日本", "👩‍👩‍👧", "\u2028", "\x85", "\x00", " " * 80, "\t",
    "x" * 74,
])  # fmt: skip
HOSTILE = st.lists(_PIECES | st.text(max_size=20), max_size=8).map("".join)


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_r49_whatever_people_type_is_read_as_text_and_nothing_else(
    title: str, description: str, place: str, name: str
) -> None:
    visitor = Person("vera@example.com", name)
    meeting = a_meeting(summary=title, description=description, location=place, visitor=visitor)
    content = invite(meeting)
    event = event_in(content)
    assert {child.name.lower() for child in event.getChildren()} <= PROPERTIES
    assert event.summary.value == one_line(title)
    if description:
        assert event.description.value == clean(description)
    if place:
        assert event.location.value == one_line(place)
    assert [item.value for item in event.attendee_list] == ["mailto:vera@example.com", "mailto:guest@example.com"]
    assert event.attendee_list[0].params["ROLE"] == ["REQ-PARTICIPANT"]
    lines_of(content)


@pytest.mark.parametrize("letter", ["a", "ö", "語", "👋"])
def test_r49_lines_are_folded_between_letters_and_put_together_again(letter: str) -> None:
    for length in range(1, 90):
        title = "x" + letter * length
        content = invite(a_meeting(summary=title))
        lines_of(content)
        assert event_in(content).summary.value == title


VERA, GUS = "vera@example.com", "gus@example.com"
TYPED = 'Véra; "the" Visitor: x,\\n'


@pytest.fixture
async def mailbox(world: World) -> World:
    """The world, in which nobody has got a mail yet."""
    await world.sandbox.delete_mails()
    return world


async def download(booking: Visit) -> httpx.Response:
    answer = await booking.api.get(f"{booking.path}/invite.ics", headers={"Booking-Token": booking.token})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    lines_of(answer.content)
    return answer


def told(events: list[Any]) -> list[tuple[str, str, datetime]]:
    """What each invitation is: its revision, its state and its start."""
    return [(item.sequence.value, item.status.value, item.dtstart.value.astimezone(UTC)) for item in events]


def people(event: Any) -> list[str]:
    return [item.value.removeprefix("mailto:") for item in event.attendee_list]


async def name(world: World, person: User, called: str) -> None:
    """The CRM has a name for them."""
    await world.rows("UPDATE users SET name = $1 WHERE email = $2", called, person.email)


async def moved_and_ended(world: World, host: User, booking: Visit) -> list[tuple[str, str, datetime]]:
    """Move the booking twice and cancel it; what the invitations must say then."""
    times = [booking.start_at, host.at(4, "16:00"), host.at(5, "09:30")]
    for later in times[1:]:
        answer = await booking.reschedule(later)
        assert answer.status_code == 200, answer.text
        await world.work()
    assert (await booking.cancel()).status_code == 200
    await world.work()
    ended = [*times, times[-1]]
    states = ["CONFIRMED"] * 3 + ["CANCELLED"]
    return [
        (str(number), state, start.astimezone(UTC))
        for number, (state, start) in enumerate(zip(states, ended, strict=True))
    ]


async def test_r49_one_meeting_is_one_event_from_its_confirmation_to_its_end(mailbox: World) -> None:
    host = await mailbox.connected(zoneinfo="Africa/Cairo")
    await name(mailbox, host, "Håkan; Host")
    location = {"kind": "address", "text": "Storgatan 1; Borås\n2 tr, till höger"}
    page = await host.make_page(name="Möte: frågor, svar; «mer»", max_guests=2, location=location)
    booking = await visit(host, page, host.at(3, "15:00"), name=TYPED, guests=[GUS])
    await mailbox.work()
    [event] = await our_events(mailbox, host)
    first = await download(booking)
    expected = await moved_and_ended(mailbox, host, booking)
    for reader in (VERA, GUS):
        events = await invitations(mailbox, reader)
        assert told(events) == expected
        assert {item.uid.value for item in events} == {event["iCalUID"]}
        stamps = [item.dtstamp.value for item in events]
        assert stamps == sorted(stamps)
        for item in events:
            assert people(item) == [VERA, GUS]
            assert item.attendee_list[0].params["CN"] == [TYPED.replace('"', "'")]
            assert item.organizer.params["CN"] == ["Håkan; Host"]
            assert item.summary.value == f"Möte: frågor, svar; «mer»: {TYPED}"
            assert item.location.value == "Storgatan 1; Borås 2 tr, till höger"
    last = await download(booking)
    assert told([event_in(first.content)]) == expected[:1]
    assert told([event_in(last.content, method="CANCEL")]) == expected[-1:]


async def test_r49_a_download_is_the_invitation_that_was_mailed(mailbox: World) -> None:
    host = await mailbox.connected()
    booking = await visit(host, await host.make_page(), host.at(3, "15:00"))
    await mailbox.work()
    [mail] = await mailbox.sandbox.mails(VERA)
    assert (await download(booking)).content == mail["calendar"]["content"].encode()


async def test_r49_everybody_a_group_invites_has_the_same_event(mailbox: World) -> None:
    ada, ben = await colleagues(mailbox, 2)
    await name(mailbox, ada, "Ada")
    await name(mailbox, ben, "Ben")
    page = await team_page([ada, ben], "group", max_guests=2)
    booking = await visit(ada, page, ada.at(3, "10:00"), guests=[GUS, "gil@example.com"])
    await mailbox.work()
    expected = await moved_and_ended(mailbox, ada, booking)
    [event] = await our_events(mailbox, ada, deleted=True)
    for reader in (VERA, GUS, "gil@example.com"):
        events = await invitations(mailbox, reader)
        assert told(events) == expected
        assert {item.uid.value for item in events} == {event["iCalUID"]}
        assert {item.organizer.params["CN"][0] for item in events} == {"Ada"}
        assert people(events[0]) == [VERA, GUS, "gil@example.com"]
    for host in (ada, ben):
        assert await invitations(mailbox, host.email) == [], "it is in their calendar"


async def test_r49_a_round_robin_invites_in_the_name_of_who_comes_until_the_end(mailbox: World) -> None:
    hosts = await colleagues(mailbox, 2)
    for host, called in zip(hosts, ("Ada", "Ben"), strict=True):
        await name(mailbox, host, called)
    page = await team_page(hosts, "round_robin", max_guests=1)
    visitors = {f"visitor-{clock}@example.com": f"{clock}:00" for clock in (10, 12)}
    bookings = {
        visitor: await visit(hosts[0], page, hosts[0].at(3, clock), email=visitor, guests=[GUS])
        for visitor, clock in visitors.items()
    }
    await mailbox.work()
    names = []
    for visitor, booking in bookings.items():
        [called] = event_in((await download(booking)).content).organizer.params["CN"]
        expected = await moved_and_ended(mailbox, hosts[0], booking)
        events = await invitations(mailbox, visitor)
        assert told(events) == expected
        assert len({item.uid.value for item in events}) == 1
        assert {item.organizer.params["CN"][0] for item in events} == {called}
        assert people(events[0]) == [visitor, GUS]
        names.append(called)
    assert sorted(names) == ["Ada", "Ben"]


async def test_r26_an_accepted_request_is_invited_to_once_and_is_one_event_as_well(mailbox: World) -> None:
    host = await mailbox.person()
    page = await host.make_page(max_guests=1)
    asked = await ask(host, page, 3, "10:00", guests=[GUS])
    await mailbox.work()
    assert await invitations(mailbox, VERA) == [], "nothing is booked yet"
    await connected(mailbox, host)
    assert (await accept(host, asked)).status_code == 200
    await mailbox.work()
    [event] = await our_events(mailbox, host)
    booking = Visit(host.api, asked.id.replace("mreq_", "bkg_"), asked.token, page["id"], host.at(3, "10:00"))
    expected = await moved_and_ended(mailbox, host, booking)
    for reader in (VERA, GUS):
        events = await invitations(mailbox, reader)
        assert told(events) == expected
        assert {item.uid.value for item in events} == {event["iCalUID"]}


async def test_r49_a_meeting_in_the_hour_that_comes_twice_is_mailed_as_it_was_booked(mailbox: World) -> None:
    zone, again = next_hour_that_comes_twice()
    host = await mailbox.connected(zoneinfo=zone)
    page = await host.make_page(booking_window={"kind": "rolling_days", "days": 300})
    for number, start in enumerate((again - timedelta(hours=1), again)):
        booking = await visit(host, page, start, email=f"visitor-{number}@example.com")
        await mailbox.work()
        [event] = await invitations(mailbox, f"visitor-{number}@example.com")
        assert told([event]) == told([event_in((await download(booking)).content)]) == [("0", "CONFIRMED", start)]


def next_hour_that_comes_twice() -> tuple[str, datetime]:
    """A zone whose clocks go back within the year's half, and when they have: the hour begins for the second time."""
    zones, moment = (
        ("Europe/Stockholm", "Pacific/Auckland"),
        datetime.now(UTC).replace(minute=0, second=0, microsecond=0),
    )
    for hour in range(48, 300 * 24):
        later = moment + timedelta(hours=hour)
        for zone in zones:
            if later.astimezone(ZoneInfo(zone)).fold:
                return zone, later
    raise AssertionError("summer time is no more: choose other zones")
