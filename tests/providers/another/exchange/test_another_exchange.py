"""The adapter meets an Exchange that was written from the documentation alone: what it reads there.

The one rule: the calendar is compared with what that Exchange holds, never with what a test believes it did.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.calendar import AllDay
from app.providers.base import RateLimited, Transient
from app.providers.credentials import CredentialsReason, CredentialsRefused
from tests.providers.another.exchange.server import Interruption, certificate
from tests.providers.another.exchange.stage import ADA, PASSWORD, WINDOW, at, events, every_edition, people, typed
from tests.providers.another.exchange.store import element
from tests.providers.follower import Follower, times_of
from tests.support.google import joined, mirrored
from tests.support.world import World

KOLKATA = ZoneInfo("Asia/Kolkata")


def truth(box):
    """What the calendar shows."""
    return {row.id: (row.start, row.end) for row in box.seen(box.calendar, WINDOW.start, WINDOW.end)}


async def agrees(follower, session, box):
    assert {event_id: (when.start, when.end) for event_id, (when, _) in follower.times().items()} == truth(box)
    assert follower.times() == await times_of(session, box.calendar, WINDOW)


@every_edition
async def test_a_person_is_let_in_and_found(exchange, ada, provider):
    verified = await provider.verify(typed(exchange))
    assert verified.version == ".".join(map(str, (*exchange.edition.build, 0)[:4]))
    assert verified.identity.email == ADA
    ada.aliases.add("countess@corp.example")
    verified = await provider.verify(typed(exchange, email="countess@corp.example"))
    assert verified.identity.email == ADA
    with pytest.raises(CredentialsRefused) as refused:
        await provider.verify(typed(exchange, password="wrong"))
    assert refused.value.reason is CredentialsReason.INVALID


PROTOCOLS = {
    "2010": "<Protocol><Type>EXCH</Type><ASUrl>https://in.corp.example/EWS/a.asmx</ASUrl><EwsUrl>{inside}</EwsUrl>"
    "</Protocol><Protocol><Type>EXPR</Type><EwsUrl>{url}</EwsUrl></Protocol>",
    "without the outside": "<Protocol><Type>EXCH</Type><Server>EX01</Server><EwsUrl>{url}</EwsUrl></Protocol>",
    "of the web alone": '<Protocol Type="mapiHttp" Version="1"><MailStore/></Protocol>',
}
WEB = (
    '<Protocol><Type>WEB</Type><External><OWAUrl AuthenticationMethod="Fba">https://m/owa/</OWAUrl><Protocol>'
    "<Type>EXPR</Type><ASUrl>{url}</ASUrl></Protocol></External><Internal><OWAUrl>https://in/owa/</OWAUrl><Protocol>"
    "<Type>EXCH</Type><ASUrl>{inside}</ASUrl></Protocol></Internal></Protocol>"
)


@pytest.mark.parametrize("protocols", PROTOCOLS.values(), ids=PROTOCOLS)
async def test_the_server_is_found_by_the_address(exchange, ada, provider, protocols):
    base = "http://schemas.microsoft.com/exchange/autodiscover"
    account = f"<AccountType>email</AccountType><Action>settings</Action>{protocols}{WEB}"
    told = account.format(url=exchange.url, inside="https://in.corp.example/EWS/Exchange.asmx")
    exchange.autodiscover = (
        f'\ufeff<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{base}/responseschema/2006">'
        f'<Response xmlns="{base}/outlook/responseschema/2006a"><User><DisplayName>Ada</DisplayName></User>'
        f"<Account>{told}</Account></Response></Autodiscover>"
    ).encode()
    assert (await provider.verify(typed(exchange, url=None))).url == exchange.url


async def test_calendars_are_read_page_by_page_without_what_lies_in_the_bin(session, ada):
    group = ada.folder("Projects", ada.calendar)
    names = {ada.folder(f"Project {number}", group.id).name for number in range(4)}
    shared = ada.folder("Only to look at", ada.root, rights=("Read",))
    ada.folder("Mail", ada.root, folder_class="IPF.Note")
    binned = ada.folder("Thrown away", ada.bin)
    ada.folder("Thrown away along with it", binned.id)
    ada.put(at(3), StartTimeZone=element("StartTimeZone", Id="India Standard Time", Name="(UTC+05:30) Chennai"))
    first, *others = await session.list_calendars()
    assert (first.id, first.primary, first.role, first.time_zone) == (ada.calendar, True, "owner", "Asia/Kolkata")
    assert {one.name for one in others} == {"Projects", shared.name, *names}
    assert next(one.role for one in others if one.id == shared.id) == "reader"


@every_edition
async def test_a_calendar_is_followed_to_the_last_change(session, ada, exchange):
    singles = [ada.put(at(1 + number), Subject=f"No. {number} & <x>\r\n") for number in range(9)]
    series = ada.put(at(2, 14), RequiredAttendees=element("RequiredAttendees", people("a@b.example", "c@d.example")))
    dates = ada.repeat(series, at(9, 14), at(16, 14), at(23, 14))
    strange = ada.put(at(5), Subject="A task that somebody dragged here")
    strange.tag = "Task"
    ada.put(at(6), 30, IsCancelled="true", Subject="Canceled: no more")
    follower = Follower(session, ada.calendar, WINDOW)
    await follower.catch_up()
    assert len(follower.times()) == 13
    ada.items = {row.id: row for row in ada.items.values() if row.text("IsCancelled") is None}
    await agrees(follower, session, ada)

    ada.delete(singles[0])
    singles[1].start += timedelta(minutes=30)
    ada.change(singles[1])
    dates[2].start, dates[2].end = at(18, 8), at(18, 8, 45)
    ada.change(dates[2])
    ada.delete(dates[1])
    ada.put(at(20), Subject=None)
    assert await follower.catch_up()
    await agrees(follower, session, ada)
    assert follower.full_listings == 1
    assert await follower.catch_up() == set()

    exchange.forget_states()
    ada.delete(singles[5])
    await follower.catch_up()
    assert follower.full_listings == 2
    assert singles[5].id not in follower.events


BLOCKS = (
    ("Free", "free"),
    ("Tentative", "tentative"),
    ("OOF", "out_of_office"),
    ("WorkingElsewhere", "free"),
    ("NoData", "free"),
    ("Quantum", "busy"),
    (None, "busy"),
)


async def test_how_an_event_blocks(session, ada):
    expected = {}
    for hour, (status, busy) in enumerate(BLOCKS):
        expected[ada.put(at(3, 8 + hour), LegacyFreeBusyStatus=status).id] = busy
    mine = {
        "MyResponseType": "Decline",
        "RequiredAttendees": element("RequiredAttendees", people(ADA, "grace@elsewhere.example")),
    }
    expected[ada.put(at(3, 18), LegacyFreeBusyStatus="Busy", **mine).id] = "free"
    assert {event.id: event.busy.value for event in await events(session, ada)} == expected
    follower = Follower(session, ada.calendar, WINDOW)
    await follower.catch_up()
    assert {event_id: busy for event_id, (_, busy) in follower.times().items()} == expected
    told = await session.free_busy([ada.calendar, "no such calendar"], WINDOW)
    assert [(span.start.hour, span.end.hour) for span in told[ada.calendar].spans] == [(9, 11), (13, 15)]
    assert told["no such calendar"].refused


@every_edition
async def test_whole_days_are_the_days_their_author_meant(session, ada):
    islands = ZoneInfo("Pacific/Kiritimati")
    guessed = {}
    for zone, place in (
        ("India Standard Time", KOLKATA),
        ("Line Islands Standard Time", islands),
        ("Customized Time Zone", KOLKATA),
        (None, KOLKATA),
    ):
        start = datetime(2027, 3, 3, tzinfo=place).astimezone(UTC)
        told = None if zone is None else element("StartTimeZone", Id=zone)
        days = ada.put(start, 2 * 24 * 60, IsAllDayEvent="true", StartTimeZone=told)
        guessed[days.id] = zone in ("Customized Time Zone", None)
    follower = Follower(session, ada.calendar, WINDOW)
    await follower.catch_up()
    alone = [await session.get_event(ada.calendar, event_id) for event_id in guessed]
    for listing in (follower.events.values(), await events(session, ada), alone):
        assert {event.id: event.quarantined for event in listing} == guessed
        assert {event.when for event in listing} == {AllDay(date(2027, 3, 3), date(2027, 3, 5))}


async def test_who_takes_part(session, ada):
    boss = element(
        "Organizer", "<t:Mailbox><t:Name>Boss</t:Name><t:EmailAddress>boss@x.example</t:EmailAddress></t:Mailbox>"
    )
    listed = "<t:Attendee><t:Mailbox><t:Name>All</t:Name><t:RoutingType>EX</t:RoutingType></t:Mailbox></t:Attendee>"
    path = people("/o=Corp/ou=x/cn=Recipients/cn=bob") + listed + people(ADA, name="<t:Name/>", answer="Tentative")
    meeting = ada.put(
        at(3),
        Organizer=boss,
        MyResponseType="NoResponseReceived",
        RequiredAttendees=element("RequiredAttendees", path),
        OptionalAttendees=element("OptionalAttendees", people("Grace@Elsewhere.example", answer="Accept")),
        Resources=element("Resources", people("room7@corp.example")),
    )
    follower = Follower(session, ada.calendar, WINDOW)
    await follower.catch_up()
    (seen,) = await events(session, ada)
    for event in (seen, follower.events[meeting.id], await session.get_event(ada.calendar, meeting.id)):
        assert event.organizer == "boss@x.example"
        assert [(guest.email, guest.response.value, guest.is_self) for guest in event.attendees] == [
            (ADA, "tentative", True),
            ("Grace@Elsewhere.example", "accepted", False),
        ]


async def test_a_part_that_fails_for_a_while_is_not_taken_for_nobody(session, ada, exchange):
    """Else a meeting would be told without its guests, and a date without its series."""
    guests = element("RequiredAttendees", people("grace@elsewhere.example"))
    ada.put(at(3), RequiredAttendees=guests)
    (first, *_) = ada.repeat(ada.put(at(4)), at(11))
    transient = Interruption("GetItem", code="ErrorInternalServerTransientError", part=0)
    exchange.interruptions.append(transient)
    with pytest.raises(Transient):
        await events(session, ada)
    exchange.interruptions.append(transient)
    with pytest.raises(Transient):
        await Follower(session, ada.calendar, WINDOW).catch_up()
    exchange.interruptions.append(replace(transient, code="ErrorServerBusy", part=1))
    with pytest.raises(RateLimited):
        await session.get_event(ada.calendar, first.id)
    exchange.interruptions.append(replace(transient, code="ErrorItemCorrupt"))
    assert len(await events(session, ada)) == 3, "what is broken for good spoils nothing"


async def test_dates_without_a_uid_are_told_with_their_own_series(session, ada):
    """Old programs made items without one; two such series have nothing in common."""
    both = [ada.put(at(2, hour)) for hour in (9, 15)]
    for series in both:
        series.uid_told = False
        for row in ada.repeat(series, *(at(day, series.start.hour) for day in (9, 16))):
            row.uid_told = False
    follower = Follower(session, ada.calendar, WINDOW)
    await follower.catch_up()
    for listing in (follower.events.values(), await events(session, ada)):
        assert {event.when.start.hour: event.series_id for event in listing} == {9: both[0].id, 15: both[1].id}
        assert len({event.id for event in listing}) == 6


@every_edition
async def test_more_than_the_server_tells_at_once(session, ada, exchange):
    exchange.limits.find_count = 4
    for number in range(12):
        ada.put(at(1 + number % 10, 8 + number // 10), 20)
    assert {event.id for event in await events(session, ada)} == set(truth(ada))
    assert len((await session.free_busy([ada.calendar], WINDOW))[ada.calendar].spans) == 12


async def test_the_mirror_is_the_calendar_from_the_first_listing_on(world: World, exchange) -> None:
    person = await world.person(zoneinfo="Asia/Kolkata")
    box = exchange.person(person.email)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

    async def agrees(spans: int) -> None:
        until = now + timedelta(days=60)
        shown = [(int(row.start.timestamp()), int(row.end.timestamp())) for row in box.seen(box.calendar, now, until)]
        expected = joined(shown, (int(now.timestamp()), int(until.timestamp())))
        assert (await mirrored(world, now, until, box.calendar)).busy == expected
        assert len(expected) == spans

    singles = [box.put(now + timedelta(days=1 + number)) for number in range(7)]
    series = box.put(now + timedelta(days=2, hours=4))
    dates = box.repeat(series, *(now + timedelta(days=2 + 7 * week, hours=4) for week in (1, 2, 3)))
    day = (now + timedelta(days=20)).astimezone(KOLKATA).replace(hour=0).replace(minute=0)
    zone = element("StartTimeZone", Id="India Standard Time")
    box.put(day.astimezone(UTC), 24 * 60, IsAllDayEvent="true", StartTimeZone=zone)
    where = {"ews_url": exchange.url, "certificate": certificate()[0]}
    answer = await person.connect_with_password(PASSWORD, **where)
    assert answer.status_code == 201, answer.text
    await world.work()
    await agrees(12)

    box.delete(singles[2])
    box.delete(dates[1])
    dates[2].start, dates[2].end = (moment + timedelta(hours=3) for moment in (dates[2].start, dates[2].end))
    box.change(dates[2])
    box.put(now + timedelta(days=30))
    for forgotten in (False, True):
        if forgotten:
            exchange.forget_states()
            box.delete(singles[3])
        assert (await person.post(f"/v1/connections/{person.connection_id}/sync")).status_code == 202
        await world.work()
        await agrees(10 if forgotten else 11)
