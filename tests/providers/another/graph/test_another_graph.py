"""What our side of Graph survives in reading when the server is somebody else's, written from the documentation alone.

The one rule: whatever is asked here, the server finds nothing to complain of, unless a test says what.
"""

from datetime import date, timedelta
from email.utils import format_datetime

import pytest

from app.calendar import AllDay, Busy, Timed
from app.providers.base import AuthExpired, CalendarGone, CursorExpired, PermissionDenied, RateLimited, ReauthRequired
from app.providers.graph.oauth import CALENDARS, SHARED_CALENDARS
from tests.providers.another.graph.mailbox import HOME_ADDRESS, person
from tests.providers.another.graph.stage import NOW, WINDOW, at, sign_in
from tests.providers.another.graph.wire import Said
from tests.providers.follower import Follower, times_of
from tests.providers.graph.stage import GrantTokens

DAY = {"type": "daily", "interval": 1}


def follower(session, graph):
    return Follower(session, graph.mailbox.home, WINDOW)


async def in_step(followed, session, graph):
    """What was followed is what Graph itself shows, and what is in the mailbox."""
    await followed.catch_up()
    assert followed.times() == await times_of(session, graph.mailbox.home, WINDOW)
    standing = {item.id for item in graph.mailbox.view(graph.mailbox.home, (WINDOW.start, WINDOW.end))}
    assert followed.times().keys() == standing


# signing in --------------------------------------------------------------------------------------


async def test_a_grant_is_understood_however_its_scopes_are_spelt(graph, provider):
    grant = await sign_in(graph, provider)
    assert not provider.missing_scopes(grant.scopes)
    assert provider.can_write(grant.scopes)
    again = await provider.refresh(grant.refresh_token)
    assert again.refresh_token not in {None, grant.refresh_token}
    identity = await provider.identify(again.access_token)
    assert identity.email == HOME_ADDRESS


async def test_an_unticked_scope_is_missed(graph, provider):
    grant = await sign_in(graph, provider, unticked=frozenset({CALENDARS, SHARED_CALENDARS}))
    assert provider.missing_scopes(grant.scopes) == {CALENDARS}


async def test_a_dead_grant_says_why(graph, provider):
    grant = await sign_in(graph, provider)
    graph.sign_in.dead = 700082
    with pytest.raises(ReauthRequired) as refused:
        await provider.refresh(grant.refresh_token)
    assert refused.value.provider_code == "token_expired"


async def test_an_expired_token_is_renewed_once(graph, session):
    graph.sign_in.access.clear()
    assert await session.list_calendars()
    graph.sign_in.access.clear()
    graph.strikes.append(graph.refused(401, "unauthenticated"))
    graph.strikes.append(graph.refused(401, "InvalidAuthenticationToken"))
    with pytest.raises(AuthExpired):
        await session.get_event(graph.mailbox.home, "x")


# calendars ---------------------------------------------------------------------------------------


async def test_every_calendar_is_found_over_pages_and_the_primary_comes_first(graph, session):
    graph.mailbox.add_calendar("Team Ä/Ö", canShare=False, canEdit=False, owner=None)
    for number in range(4):
        graph.mailbox.add_calendar(f"No {number}", canShare=False)
    found = await session.list_calendars()
    assert [calendar.id for calendar in found if calendar.primary] == [found[0].id] == [graph.mailbox.home]
    assert {calendar.id for calendar in found} == set(graph.mailbox.calendars)
    assert {calendar.time_zone for calendar in found} == {"Europe/Berlin"}


@pytest.mark.parametrize("zone", ["Customized Time Zone", "tzone://Microsoft/Custom", ""])
async def test_a_mailbox_in_a_zone_nobody_knows_is_in_utc(graph, session, zone):
    graph.time_zone = zone
    assert {calendar.time_zone for calendar in await session.list_calendars()} == {"UTC"}


async def test_without_the_scope_for_settings_the_zone_is_utc(graph, provider):
    grant = await sign_in(graph, provider, unticked=frozenset({"MailboxSettings.Read"}))
    found = await provider.open(GrantTokens(provider, grant)).list_calendars()
    assert [calendar.time_zone for calendar in found] == ["UTC"]


async def test_a_calendar_of_ours_is_made_once_and_gets_a_number_where_its_name_is_taken(graph, session):
    graph.mailbox.add_calendar("Tasks")
    made = await session.create_calendar("Tasks", time_zone="Europe/Berlin", key="k")
    again = await session.create_calendar("Tasks", time_zone="Europe/Berlin", key="k")
    assert (made.name, again.id) == ("Tasks (2)", made.id)


async def test_a_taken_name_in_graphs_basic_words(graph, session):
    await session.list_calendars()
    graph.strikes += [Said(200, {"value": []}), graph.refused(409, "nameAlreadyExists")]
    made = await session.create_calendar("Tasks", time_zone="Europe/Berlin", key="k")
    assert made.name == "Tasks (2)"


# following ---------------------------------------------------------------------------------------


def fill(graph):
    """A week of a busy person's."""
    box = graph.mailbox
    boss = person("boss@elsewhere.example")
    box.add(at(2, 9), 45, subject="Ordinary", attendees=[person("Guest@x.example", "Guest")])
    box.add(at(2, 11), 0, subject="No length at all")
    box.add(
        at(3, 0), 1440, subject="A day", isAllDay=True, showAs="free", originalStartTimeZone="tzone://Microsoft/Utc"
    )
    box.add(at(3, 0), 4320, isAllDay=True, showAs="oof", originalStartTimeZone="(UTC+05:00) Tashkent")
    box.add(at(3, 9), subject=None, showAs="unknown", body={"contentType": "html", "content": "<p>x</p>" * 4_000})
    box.add(at(3, 10), showAs="workingElsewhere", sensitivity="confidential", subject="\u202egnol " * 40)
    box.add(
        at(3, 13), isOrganizer=False, organizer=boss, responseStatus={"response": "notResponded"}, showAs="tentative"
    )
    box.add(at(3, 14), isOrganizer=False, organizer=boss, responseStatus={"response": "declined"}, showAs="busy")
    box.add(at(3, 15), isOrganizer=False, isCancelled=True, subject="Canceled: x", organizer=None, showAs="free")
    box.add(at(3, 16), attendees=[person(None, "A distribution list"), person("room@x.example") | {"type": "resource"}])
    box.add(at(29, 0, 30), 120, subject="While the clocks change", originalStartTimeZone="Customized Time Zone")
    box.add(at(1, 9) - timedelta(days=400), subject="Long ago")
    yearly = {"type": "relativeYearly", "interval": 1, "month": 3, "daysOfWeek": ["friday"], "index": "last"}
    box.add_series([at(27, 9)], yearly, subject="Once a year", attendees=[person("Guest@x.example")])
    return box.add_series([at(day, 7) for day in range(2, 12)], DAY, subject="Every day")


async def test_a_full_listing_brings_the_calendar_as_it_is(graph, session):
    fill(graph)
    followed = follower(session, graph)
    await followed.catch_up()
    shown = await times_of(session, graph.mailbox.home, WINDOW)
    assert followed.times() == shown
    cancelled = {item.id for item in graph.mailbox.items.values() if item.members.get("isCancelled")}
    view = graph.mailbox.view(graph.mailbox.home, (WINDOW.start, WINDOW.end))
    assert shown.keys() == {item.id for item in view} - cancelled


async def test_what_is_odd_is_understood(graph, session):
    fill(graph)
    found = {event.id: event async for event in session.list_instances(graph.mailbox.home, WINDOW)}
    by_start = {event.when: event for event in found.values()}
    assert by_start[AllDay(date(2026, 3, 3), date(2026, 3, 6))].busy is Busy.OUT_OF_OFFICE
    assert by_start[AllDay(date(2026, 3, 3), date(2026, 3, 4))].busy is Busy.FREE
    told = {event.when.start: event for event in found.values() if isinstance(event.when, Timed)}
    assert (told[at(3, 9)].title, told[at(3, 9)].busy) == (None, Busy.BUSY)
    assert (told[at(3, 10)].private, told[at(3, 10)].busy) == (True, Busy.FREE)
    assert (told[at(3, 13)].organizer, told[at(3, 13)].busy) == ("boss@elsewhere.example", Busy.TENTATIVE)
    assert told[at(3, 14)].busy is Busy.FREE
    assert told[at(3, 16)].attendees == ()
    assert told[at(2, 11)].when.start == told[at(2, 11)].when.end
    assert told[at(27, 9)].attendees[0].email == "Guest@x.example"
    assert told[at(29, 0, 30)].when.zone is None
    assert not any(event.quarantined for event in found.values())


async def test_changes_are_followed_link_by_link(graph, session):
    daily = fill(graph)
    first, second, *rest = [item for item in graph.mailbox.items.values() if item.type == "singleInstance"]
    graph.mailbox.remove(rest[6])
    followed = follower(session, graph)
    await in_step(followed, session, graph)
    graph.mailbox.change(first, start=at(5, 9), end=at(5, 10), showAs="tentative")
    graph.mailbox.remove(second)
    dates = list(daily.dates.values())
    graph.mailbox.change(dates[1], start=at(3, 17), end=at(3, 18))
    graph.mailbox.remove(dates[4])
    await in_step(followed, session, graph)
    graph.mailbox.change(rest[0], calendar=graph.mailbox.add_calendar("Elsewhere"))
    graph.mailbox.change(rest[1], start=at(1, 9) + timedelta(days=3000), end=at(1, 10) + timedelta(days=3000))
    graph.mailbox.remove(daily)
    await in_step(followed, session, graph)
    assert followed.full_listings == 1


async def test_nothing_new_is_nothing_however_often_it_is_asked(graph, session):
    fill(graph)
    followed = follower(session, graph)
    for _ in range(5):
        await followed.catch_up()
    assert followed.full_listings == 1


async def test_empty_pages_do_not_end_a_listing(graph, session):
    """Graph may send many of them in a row before there is something again."""
    graph.tracking.empty_pages = 12
    fill(graph)
    followed = follower(session, graph)
    await followed.catch_up()
    graph.mailbox.add(at(20, 9))
    await followed.catch_up()
    assert followed.full_listings == 1
    assert followed.times() == await times_of(session, graph.mailbox.home, WINDOW)


async def test_a_row_that_tells_only_what_changed_is_read_whole(graph, session):
    """The delta function promises an id and what was updated, and no more."""
    item = graph.mailbox.add(at(2, 9), subject="Before")
    followed = follower(session, graph)
    await followed.catch_up()
    graph.tracking.partial = frozenset({"showAs", "subject"})
    graph.mailbox.change(item, showAs="free", subject="After", start=at(2, 12), end=at(2, 13))
    await in_step(followed, session, graph)
    assert (followed.events[item.id].title, followed.events[item.id].busy) == ("After", Busy.FREE)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (410, "SyncStateNotFound"),
        (410, "resyncRequired"),
        (400, "syncStateNotFound"),
        (404, "SyncStateNotFound"),
        (400, "BadRequest"),
    ],
)
async def test_a_link_that_is_forgotten_begins_anew(graph, session, expected, status, code):
    expected.append(code)
    item = fill(graph)
    followed = follower(session, graph)
    await followed.catch_up()
    graph.mailbox.remove(item)
    graph.tracking.expire(status, code, Location=f"{graph.url}/me/calendarView/delta?$deltatoken=")
    await followed.catch_up()
    assert followed.full_listings == 2
    assert followed.times() == await times_of(session, graph.mailbox.home, WINDOW)


async def test_the_innermost_code_of_an_error_counts(graph, session):
    """Graph tells the general code outside and the particular ones inside; a reader takes what it knows best."""
    followed = follower(session, graph)
    await followed.catch_up()
    inner = {"innererror": {"code": "syncStateNotFound", "innererror": {"code": "unheardOf"}}}
    graph.strikes.append(Said(404, {"error": {"code": "itemNotFound", "message": "No."} | inner}))
    with pytest.raises(CursorExpired):
        await session.sync_page(graph.mailbox.home, cursor=followed.cursor, page=None, since=WINDOW.start)


# refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", ["seven", "date"])
async def test_a_wait_is_understood_in_either_form(graph, session, told):
    wait = "7" if told == "seven" else format_datetime(NOW + timedelta(seconds=7), usegmt=True)
    graph.strikes.append(graph.refused(429, "activityLimitReached", Retry_After=wait))
    with pytest.raises(RateLimited) as refused:
        await session.get_event(graph.mailbox.home, "x")
    assert refused.value.retry_after == 7


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "accessDenied", PermissionDenied),
        (404, "itemNotFound", CalendarGone),
        (404, "ErrorItemNotFound", CalendarGone),
        (403, "activityLimitReached", RateLimited),
    ],
)
async def test_refusals_of_a_calendar(graph, session, status, code, kind):
    graph.strikes.append(graph.refused(status, code))
    with pytest.raises(kind):
        [event async for event in session.list_instances(graph.mailbox.home, WINDOW)]


async def test_no_more_is_asked_at_once_than_a_mailbox_bears(graph, session):
    boxes = [graph.mailbox.add_calendar(f"No {number}") for number in range(9)]
    answers = await session.free_busy(boxes, WINDOW)
    assert all(times.known for times in answers.values())


# busy times --------------------------------------------------------------------------------------


async def test_busy_times_of_calendars_and_of_people(graph, session):
    graph.mailbox.add(at(2, 9), 60)
    graph.mailbox.add(at(2, 12), 60, showAs="free")
    for minutes in (5, 30, 60 * 24 * 62):
        window = Timed(at(2, 9), at(2, 9) + timedelta(minutes=minutes))
        targets = [graph.mailbox.home, HOME_ADDRESS.upper(), "nobody@x.example"]
        answers = await session.free_busy(targets, window)
        mine, theirs, nobody = (answers[target] for target in targets)
        assert mine.spans == theirs.spans == (Timed(at(2, 9), min(at(2, 10), window.end)),)
        assert (nobody.known, nobody.refused) == (False, True)
