"""What is Exchange's alone, at the simulated Exchange over real TLS."""

import asyncio
import threading
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from app.calendar import AllDay, Attendee, Busy, EventDraft, Notify, Response, SeriesTouched, Timed
from app.providers.base import AmbiguousOutcome, EditConflict, InvalidRequest, PermissionDenied
from app.providers.ews import questions
from tests.providers.ews.stage import ADA, BOSS, PasswordTokens, credentials, exchange_provider, set_the_stage
from tests.providers.follower import Follower, times_of
from tests.providers.stage import HOME
from tests.sandbox.exchange.live import running_sandbox

WINDOW = Timed(datetime(2027, 2, 1, tzinfo=UTC), datetime(2027, 5, 1, tzinfo=UTC))
GUEST = Attendee("grace@elsewhere.example", "Grace")
SLOT = Timed(datetime(2027, 3, 3, 9, tzinfo=UTC), datetime(2027, 3, 3, 10, tzinfo=UTC), HOME.key)


@pytest.fixture(scope="module")
def running():
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def stage(running):
    async with exchange_provider(timeout_seconds=5) as provider:
        yield await set_the_stage(running, provider)


def day(number, hour=9, **more):
    start = datetime(2027, 3, number, hour, tzinfo=HOME)
    return Timed(start.astimezone(UTC), (start + timedelta(hours=1)).astimezone(UTC), HOME.key)


def operations(stage, since=0):
    """What was asked for, in order; `since` is a number of requests."""
    seen = stage.sandbox.control("GET", "/requests", account=ADA)[since:]
    return [request["query"].partition("op=")[2].partition("&")[0] for request in seen]


async def create(stage, *guests, notify=Notify.NOBODY, key="key"):
    draft = EventDraft("Intro", SLOT, description="Hello", attendees=guests)
    return await stage.session.create_event(stage.calendar_id, draft, key=key, notify=notify)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_working_life_with_damaged_items_is_followed_to_the_last_one(stage, seed):
    body = {"profile": "busy_professional", "seed": seed, "around": "2027-03-01", "with_damage": True}
    stage.sandbox.control("POST", f"/accounts/{ADA}/seed", body)
    stage.sandbox.control("PATCH", "/knobs", {"sync_changes_cap": 40})
    for calendar in await stage.session.list_calendars():
        follower = Follower(stage.session, calendar.id, WINDOW)
        await follower.catch_up()
        assert follower.times() == await times_of(stage.session, calendar.id, WINDOW)
        if calendar.primary:
            assert {busy for _, busy in follower.times().values()} >= {"free", "tentative", "busy", "out_of_office"}
            assert len(follower.times()) > 100


async def test_a_first_listing_reads_the_calendar_once_however_many_series_it_names(stage):
    for number in range(1, 8):
        stage.add(day(number), weeks=4)
    follower = Follower(stage.session, stage.calendar_id, WINDOW)
    before = len(operations(stage))
    await follower.catch_up()
    assert len(follower.events) == 28
    assert operations(stage, before) == ["SyncFolderItems", "FindItem"]
    before = len(operations(stage))
    await follower.catch_up()
    assert operations(stage, before) == ["SyncFolderItems"], "nothing new costs one question"


async def test_series_that_were_over_are_not_read(stage):
    """Ten years of a calendar are full of them."""
    for month in (1, 2, 11):
        start = datetime(2026, month, 3, 9, tzinfo=HOME)
        stage.add(Timed(start.astimezone(UTC), (start + timedelta(hours=1)).astimezone(UTC), HOME.key), weeks=4)
    running = stage.add(Timed(datetime(2027, 1, 20, 9, tzinfo=UTC), datetime(2027, 1, 20, 10, tzinfo=UTC)), weeks=4)
    before = len(operations(stage))
    page = await stage.session.sync_page(stage.calendar_id, cursor=None, page=None, since=WINDOW.start)
    assert page.changes == (SeriesTouched(running),)
    assert operations(stage, before) == ["SyncFolderItems", "GetItem"]


async def test_a_series_that_was_not_named_is_asked_for_anew(stage):
    series = stage.add(day(1), weeks=3)
    await Follower(stage.session, stage.calendar_id, WINDOW).catch_up()

    async def dates():
        return [event async for event in stage.session.list_instances(stage.calendar_id, WINDOW, series_id=series)]

    assert len(await dates()) == 3
    stage.delete((await dates())[1].id)
    assert len(await dates()) == 2


async def test_a_view_that_the_server_cuts_is_read_whole(stage):
    for number in range(1, 20):
        stage.add(day(number))
    stage.sandbox.control("PATCH", "/knobs", {"find_count_limit": 3})
    found = [event async for event in stage.session.list_instances(stage.calendar_id, WINDOW)]
    assert len({event.id for event in found}) == len(found) == 19
    assert len((await stage.session.free_busy([stage.calendar_id], WINDOW))[stage.calendar_id].spans) == 19


async def test_a_date_names_its_series_however_it_is_asked_for(stage):
    series = stage.add(day(1), weeks=2)
    single = stage.add(day(2))
    found = {event.id: event async for event in stage.session.list_instances(stage.calendar_id, WINDOW)}
    assert [event.series_id for event in found.values()].count(series) == 2
    assert found[single].series_id is None
    for event in found.values():
        alone = await stage.session.get_event(stage.calendar_id, event.id)
        assert (alone.series_id, alone.when) == (event.series_id, event.when)


async def test_the_zone_of_a_calendar_is_its_persons_and_not_that_of_who_invites_most(stage):
    def london(number):
        return replace(day(number), zone="Europe/London")

    async def zones():
        return {calendar.time_zone for calendar in await stage.session.list_calendars()}

    for number in range(1, 6):
        stage.invite(london(number))
    assert await zones() == {"Europe/London"}, "better than none"
    stage.add(day(7))
    stage.add(day(8))
    assert await zones() == {HOME.key}


async def test_the_zone_of_a_calendar_is_not_that_of_what_we_booked(stage):
    """A round robin of another zone fills the calendars of those who take part in it."""

    async def zones():
        return {calendar.time_zone for calendar in await stage.session.list_calendars()}

    async def book(number):
        draft = EventDraft(f"Booking {number}", replace(day(number), zone="Asia/Tokyo"), attendees=(GUEST,))
        await stage.session.create_event(stage.calendar_id, draft, key=f"booking:{number}", notify=Notify.NOBODY)

    await book(1)
    assert await zones() == {"Asia/Tokyo"}, "better than none"
    for number in (2, 3, 4):
        stage.add(day(number))
    for number in range(5, 12):
        await book(number)
    assert await zones() == {HOME.key}
    for number in range(12, 16):
        await book(number)
    stage.sandbox.control("PATCH", "/knobs", {"sync_changes_cap": 4})
    assert await zones() == {HOME.key}, "and so it stays when the newest ten are ours"


async def test_the_days_of_a_series_are_those_of_its_zone_however_little_a_listing_tells(stage, monkeypatch):
    """East of UTC+12 the nearest day to its midnight is the day before."""
    monkeypatch.setattr(questions, "_SYNCED", questions._LISTED)
    follower = Follower(stage.session, stage.calendar_id, WINDOW)
    await follower.catch_up()
    series = stage.add(AllDay(date(2027, 2, 10), date(2027, 2, 11)), weeks=3)
    stage.sandbox.change(ADA, series, zone="Pacific/Auckland", start="2027-02-10T00:00:00", end="2027-02-11T00:00:00")
    await follower.catch_up()
    told = [event async for event in stage.session.list_instances(stage.calendar_id, WINDOW)]
    for events in (told, list(follower.events.values())):
        assert sorted(event.when.start.day for event in events) == [10, 17, 24]
        assert not any(event.quarantined for event in events)


async def test_a_zone_only_one_mailbox_knows_leaves_the_instants(stage):
    item = {"subject": "x", "start": "2027-03-02T09:00:00", "end": "2027-03-02T10:00:00", "zone": HOME.key}
    event_id = stage.sandbox.human(ADA, {**item, "zone_name": "Customized Time Zone"})["id"]
    follower = Follower(stage.session, stage.calendar_id, WINDOW)
    await follower.catch_up()
    assert follower.events[event_id].when == Timed(
        datetime(2027, 3, 2, 8, tzinfo=UTC), datetime(2027, 3, 2, 9, tzinfo=UTC), None
    )


async def test_a_meeting_the_organizer_called_off_blocks_nothing(stage):
    stage.invite(SLOT)
    follower = Follower(stage.session, stage.calendar_id, WINDOW)
    await follower.catch_up()
    assert follower.events
    (meeting,) = stage.sandbox.control("GET", f"/accounts/{BOSS}/items")
    stage.sandbox.control("POST", f"/accounts/{BOSS}/items/cancel", {"id": meeting["id"], "send": True})
    await follower.catch_up()
    assert follower.times() == await times_of(stage.session, stage.calendar_id, WINDOW) == {}
    assert not (await stage.session.free_busy([stage.calendar_id], WINDOW))[stage.calendar_id].spans


async def test_calendars_in_the_bin_are_gone(stage):
    path = f"/accounts/{ADA}/calendars"
    stage.sandbox.control("POST", path, {"name": "Old", "parent": "deleteditems"})
    stage.sandbox.control("POST", path, {"name": "Project"})
    assert [calendar.name for calendar in await stage.session.list_calendars()] == ["Calendar", "Project"]


# writing -----------------------------------------------------------------------------------------------------------


async def test_guests_are_invited_in_a_step_of_its_own(stage):
    before = len(operations(stage))
    created = await create(stage, GUEST, notify=Notify.EVERYBODY)
    writes = [operation for operation in operations(stage, before) if operation in ("CreateItem", "UpdateItem")]
    assert writes == ["CreateItem", "UpdateItem"]
    assert stage.mailed(created.id) == [GUEST.email]
    assert [guest.email for guest in created.attendees] == [GUEST.email]
    assert created.ical_uid == stage.provider.ical_uid("key")


@pytest.mark.parametrize("kind", ["lost_after_commit", "reset_before"])
@pytest.mark.parametrize("operation", ["CreateItem", "UpdateItem"])
async def test_an_invitation_that_broke_off_anywhere_goes_out_once(stage, operation, kind):
    stage.sandbox.fault(kind, match={"operation": operation})
    with pytest.raises(AmbiguousOutcome):
        await create(stage, GUEST, notify=Notify.EVERYBODY)
    again = await create(stage, GUEST, notify=Notify.EVERYBODY)
    await create(stage, GUEST, notify=Notify.EVERYBODY)
    assert stage.live_events() == [again.id]
    assert stage.mailed(again.id) == [GUEST.email]


async def test_a_create_that_cannot_be_read_back_is_ambiguous(stage):
    stage.sandbox.fault("unavailable", match={"operation": "GetItem"})
    with pytest.raises(AmbiguousOutcome):
        await create(stage)
    assert (await create(stage)).id in stage.live_events()
    assert len(stage.live_events()) == 1


async def test_the_same_key_at_the_same_time_makes_one_event(stage):
    made = await asyncio.gather(*(create(stage) for _ in range(5)))
    assert {event.id for event in made} == set(stage.live_events())
    assert len(stage.live_events()) == 1


async def test_a_cancelled_create_leaves_nothing_half_known(stage):
    """Who waits for a booking may leave; the next to ask finds what was made, or makes it."""
    stage.sandbox.fault("latency", ms=300, match={"operation": "CreateItem"})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await create(stage)
    await create(stage)
    assert len(stage.live_events()) == 1


async def test_an_edit_that_slips_in_is_not_overwritten(stage):
    """Between our look and our write: the server itself refuses."""
    created = await create(stage)
    draft = EventDraft("Mine", SLOT)
    stage.sandbox.fault("item_error", code="ErrorIrresolvableConflict", match={"operation": "UpdateItem"})
    with pytest.raises(EditConflict):
        await stage.session.update_event(
            stage.calendar_id, created.id, draft, key="key", if_match=created.etag, notify=Notify.NOBODY
        )
    stage.sandbox.fault("item_error", code="ErrorIrresolvableConflict", match={"operation": "UpdateItem"})
    changed = await stage.session.update_event(
        stage.calendar_id, created.id, draft, key="key", if_match=None, notify=Notify.NOBODY
    )
    assert changed.title == "Mine"


async def test_guests_are_told_of_a_change_and_of_the_end_only_when_asked(stage):
    created = await create(stage, GUEST)
    draft = EventDraft("Later", day(4), attendees=(GUEST,))

    async def change(notify):
        return await stage.session.update_event(
            stage.calendar_id, created.id, draft, key="key", if_match=None, notify=notify
        )

    await change(Notify.NOBODY)
    assert stage.mailed(created.id) == []
    await change(Notify.EVERYBODY)
    assert stage.mailed(created.id) == [GUEST.email]
    await stage.session.cancel_event(stage.calendar_id, created.id, notify=Notify.EVERYBODY)
    kinds = [mail["kind"] for mail in stage.sandbox.control("GET", "/outbox", to=GUEST.email)]
    assert kinds[-1] == "cancellation"


async def test_only_who_is_invited_can_answer(stage):
    own = stage.add(day(2))
    for event_id, response in ((own, Response.ACCEPTED), (stage.invite(SLOT), Response.NEEDS_ACTION)):
        with pytest.raises(InvalidRequest):
            await stage.session.respond(stage.calendar_id, event_id, response)


async def test_a_calendar_of_which_one_sees_the_times_alone_is_not_read(stage):
    stage._share("FreeBusyTimeOnly")
    told = await stage.session.free_busy([stage.shared_calendar_id], WINDOW)
    assert not told[stage.shared_calendar_id].known
    with pytest.raises(PermissionDenied):
        await Follower(stage.session, stage.shared_calendar_id, WINDOW).catch_up()


# NTLM, and many mailboxes ------------------------------------------------------------------------------------------


async def test_ntlm_proves_the_password_once_per_connection(stage):
    stage.sandbox.control("PATCH", "/knobs", {"authentication": ["ntlm"]})
    tokens = PasswordTokens((await stage.provider.verify(credentials(stage.sandbox))).secret)
    session = stage.provider.open(tokens)
    before = stage.sandbox.control("GET", f"/accounts/{ADA}")["logons"]
    for _ in range(5):
        await session.list_calendars()
    await create_with(session, stage)
    account = stage.sandbox.control("GET", f"/accounts/{ADA}")
    assert (account["logons"] - before, account["failed_logons"]) == (1, 0)


async def test_a_connection_the_server_forgot_is_proved_again_and_the_write_is_made_once(stage):
    stage.sandbox.control("PATCH", "/knobs", {"authentication": ["ntlm"]})
    tokens = PasswordTokens((await stage.provider.verify(credentials(stage.sandbox))).secret)
    session = stage.provider.open(tokens)
    await session.list_calendars()
    stage.sandbox.fault("unauthorized", match={"operation": "CreateItem"})
    await create_with(session, stage)
    assert len(stage.live_events()) == 1
    assert tokens.renewals == 0


async def create_with(session, stage):
    return await session.create_event(stage.calendar_id, EventDraft("x", SLOT), key="n", notify=Notify.NOBODY)


async def test_the_event_loop_runs_on_while_mailboxes_are_synced(stage):
    """Threads share the interpreter; a loop that waited for a page would stand for as long as it takes to read it."""
    people = [f"person{number}@example.com" for number in range(4)]
    sessions = []
    for email in people:
        stage.sandbox.account(email, time_zone=HOME.key)
        stage.sandbox.control(
            "POST", f"/accounts/{email}/seed", {"profile": "busy_professional", "seed": 1, "around": "2027-03-01"}
        )
        secret = (await stage.provider.verify(credentials(stage.sandbox, email))).secret
        sessions.append(stage.provider.open(PasswordTokens(secret)))
    calendars = [(await session.list_calendars())[0].id for session in sessions]
    lags = []

    async def beat():
        while True:
            begun = time.monotonic()
            await asyncio.sleep(0.005)
            lags.append(time.monotonic() - begun - 0.005)

    heart = asyncio.create_task(beat())
    followers = [Follower(session, calendar, WINDOW) for session, calendar in zip(sessions, calendars, strict=True)]
    begun = time.monotonic()
    await asyncio.gather(*(follower.catch_up() for follower in followers))
    took = time.monotonic() - begun
    heart.cancel()
    assert all(len(follower.events) > 100 for follower in followers)
    assert sorted(lags)[len(lags) // 2] < 0.1
    assert sum(lags) < took, "most of the time the loop was free"
    assert sum(thread.name.startswith("ews") for thread in threading.enumerate()) <= 8


# people, and calendars of our own -----------------------------------------------------------------------------------


async def test_who_takes_part_costs_a_question_for_fifty_meetings_and_none_for_what_is_over(stage):
    for number in range(1, 8):
        stage.add(day(number))
    old = Timed(datetime(2026, 3, 3, 9, tzinfo=UTC), datetime(2026, 3, 3, 10, tzinfo=UTC), HOME.key)
    stage.add(old, guests=[GUEST.email])
    follower = Follower(stage.session, stage.calendar_id, WINDOW)
    await follower.catch_up()
    assert operations(stage)[-1:] == ["SyncFolderItems"]
    for number in range(51):
        stage.add(day(1 + number % 27, 8 + number % 9), guests=[GUEST.email])
    before = len(operations(stage))
    named = await follower.catch_up()
    assert operations(stage, before) == ["SyncFolderItems", "GetItem", "GetItem"]
    assert {guest.email for event_id in named for guest in follower.events[event_id].attendees} == {GUEST.email}
    assert len(named) == 51


async def test_dates_with_guests_of_their_own_cost_one_question_for_all_series(stage):
    series = [stage.add(day(number), weeks=3, guests=[GUEST.email]) for number in range(1, 5)]
    for each in series:
        dates = stage.sandbox.control("GET", f"/accounts/{ADA}/view", begin=WINDOW.start, end=WINDOW.end)
        date = next(one for one in dates if one["uid"] == uid_of(stage, each))
        stage.guest_answers(date["id"], GUEST.email, "accepted")
    follower = Follower(stage.session, stage.calendar_id, WINDOW)
    before = len(operations(stage))
    await follower.catch_up()
    assert operations(stage, before) == ["SyncFolderItems", "GetItem", "FindItem", "GetItem"]
    answers = [event.attendees[0].response for event in follower.events.values()]
    assert (answers.count(Response.ACCEPTED), len(answers)) == (4, 12)


def uid_of(stage, item_id):
    return stage.sandbox.control("GET", f"/accounts/{ADA}/item", id=item_id)["uid"]


async def test_what_the_person_shows_as_tentative_stays_so(stage):
    created = await create(stage)
    stage.sandbox.change(ADA, created.id, busy="Tentative")
    draft = EventDraft("Another", SLOT)
    changed = await stage.session.update_event(
        stage.calendar_id, created.id, draft, key="key", if_match=None, notify=Notify.NOBODY
    )
    assert (changed.title, changed.busy) == ("Another", Busy.TENTATIVE)


async def test_a_calendar_is_made_below_the_persons_own_where_outlook_puts_it(stage):
    stage.sandbox.control("POST", f"/accounts/{ADA}/calendars", {"name": "Tasks"})
    made = await stage.session.create_calendar("Tasks", time_zone=HOME.key, key="k")
    assert made.name == "Tasks (2)", "Exchange has one folder of a name in a place"
    assert stage.own_calendars()[made.id] == "Tasks (2)"


async def test_sessions_that_want_one_calendar_at_once_make_one(stage):
    others = [stage.provider.open(stage.tokens) for _ in range(3)]
    made = await asyncio.gather(*(one.create_calendar("Tasks", time_zone=HOME.key, key="k") for one in others))
    assert len({calendar.id for calendar in made}) == 1
    assert list(stage.own_calendars().values()).count("Tasks") == 1


async def test_a_zone_that_the_server_s_windows_does_not_have_yet_costs_no_event(stage):
    """Vancouver's is of 2026; what an older Windows does not know it is told in UTC."""
    slot = replace(SLOT, zone="America/Vancouver")
    draft = EventDraft("Intro", slot)
    made = await stage.session.create_event(stage.calendar_id, draft, key="new zone", notify=Notify.NOBODY)
    later = replace(draft, when=replace(slot, start=slot.start + timedelta(hours=2), end=slot.end + timedelta(hours=2)))
    moved = await stage.session.update_event(
        stage.calendar_id, made.id, later, key="new zone", if_match=None, notify=Notify.NOBODY
    )
    assert [(event.when.start, event.when.end) for event in (made, moved)] == [
        (slot.start, slot.end),
        (later.when.start, later.when.end),
    ]
