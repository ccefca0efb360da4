"""The promises of `app/providers/base.py`, held against a provider. A provider passes all of them.

A suite for one provider subclasses `ProviderContract` and gives it a `stage` fixture.
"""

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.calendar import AllDay, Attendee, Busy, EventDraft, Notify, Response, Timed
from app.providers.base import (
    AmbiguousOutcome,
    CalendarGone,
    EditConflict,
    EventNotFound,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    ReauthRequired,
    Transient,
)
from tests.providers.follower import Follower, times_of
from tests.providers.stage import Fault, Stage

HOME = ZoneInfo("Europe/Stockholm")
WINDOW = Timed(datetime(2027, 2, 1, tzinfo=UTC), datetime(2027, 5, 1, tzinfo=UTC))
GUEST = Attendee("grace@elsewhere.example", "Grace")
KEY = "booking 1: ä/?&="


def local(month: int, day: int, hour: int, minute: int = 0, *, minutes: int = 60) -> Timed:
    """A span by the person's clock on the wall."""
    start = datetime(2027, month, day, hour, minute, tzinfo=HOME).astimezone(UTC)
    return Timed(start, start + timedelta(minutes=minutes), HOME.key)


def draft(when: Timed | None = None, *guests: Attendee, title: str = "Intro call") -> EventDraft:
    return EventDraft(title, when or local(3, 3, 10), description="See you", location="Room 5", attendees=guests)


@pytest.fixture
def follower(stage):
    return Follower(stage.session, stage.calendar_id, WINDOW)


async def create(stage: Stage, wanted: EventDraft | None = None, *, key: str = KEY, notify: Notify = Notify.NOBODY):
    return await stage.session.create_event(stage.calendar_id, wanted or draft(), key=key, notify=notify)


async def dates_of(stage: Stage, series_id: str):
    found = stage.session.list_instances(stage.calendar_id, WINDOW, series_id=series_id)
    return sorted([event async for event in found], key=lambda event: event.when.start)


async def assert_in_step(stage: Stage, follower: Follower) -> None:
    """The follower's copy is the calendar."""
    await follower.catch_up()
    assert follower.times() == await times_of(stage.session, stage.calendar_id, WINDOW)


class Creating:
    """A key makes one event, whatever happens on the way."""

    async def test_a_created_event_is_whole_and_comes_with_the_next_changes(self, stage, follower):
        await follower.catch_up()
        created = await create(stage, draft(local(3, 3, 10), GUEST))
        assert (created.title, created.when, created.busy) == ("Intro call", local(3, 3, 10), Busy.BUSY)
        assert (created.key, created.location) == (KEY, "Room 5")
        assert [(guest.email, guest.response) for guest in created.attendees if not guest.is_self] == [
            (GUEST.email, Response.NEEDS_ACTION)
        ]
        assert await follower.catch_up() == {created.id}
        followed = follower.events[created.id]
        assert (followed.key, followed.when, followed.etag) == (KEY, created.when, created.etag)
        assert (await stage.session.get_event(stage.calendar_id, created.id)).description == "See you"
        uid = stage.provider.ical_uid(KEY)
        assert uid in (None, created.ical_uid)

    async def test_the_same_key_never_makes_a_second_event(self, stage):
        first = await create(stage)
        again = await create(stage, draft(title="Another wish"))
        assert (again.id, again.title) == (first.id, "Intro call")
        assert len(stage.live_events()) == 1

    async def test_other_keys_make_other_events(self, stage):
        assert (await create(stage)).id != (await create(stage, key="booking 2")).id

    async def test_a_create_whose_answer_is_lost_is_found_and_not_repeated(self, stage):
        stage.strike(Fault.LOST_ANSWER, write=True)
        with pytest.raises(AmbiguousOutcome):
            await create(stage)
        found = await stage.session.find_by_key(stage.calendar_id, KEY, around=local(3, 3, 10))
        assert found.key == KEY
        assert (await create(stage)).id == found.id
        assert list(stage.live_events()) == [found.id]

    async def test_a_create_that_never_arrived_is_not_found_and_can_be_made(self, stage):
        stage.strike(Fault.LOST_REQUEST, write=True)
        with pytest.raises(AmbiguousOutcome):
            await create(stage)
        assert await stage.session.find_by_key(stage.calendar_id, KEY, around=local(3, 3, 10)) is None
        await create(stage)
        assert len(stage.live_events()) == 1

    @pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.LOGIN_PAGE, Fault.TRUNCATED])
    async def test_any_unclear_answer_to_a_write_is_ambiguous_and_heals(self, stage, fault):
        stage.strike(fault, write=True)
        with pytest.raises(AmbiguousOutcome):
            await create(stage)
        await create(stage)
        assert len(stage.live_events()) == 1

    async def test_an_event_is_found_by_its_key_wherever_it_was_moved(self, stage):
        created = await create(stage)
        stage.move(created.id, local(4, 20, 8))
        found = await stage.session.find_by_key(stage.calendar_id, KEY, around=local(3, 3, 10))
        assert (found.id, found.when) == (created.id, local(4, 20, 8))

    async def test_a_deleted_event_is_not_found_but_comes_back_as_drafted(self, stage):
        created = await create(stage, draft(local(3, 3, 10), GUEST))
        stage.delete(created.id)
        assert await stage.session.find_by_key(stage.calendar_id, KEY, around=local(3, 3, 10)) is None
        back = await create(stage, draft(local(3, 4, 11), title="Second try"))
        assert (back.title, back.when, back.cancelled, back.key) == ("Second try", local(3, 4, 11), False, KEY)
        assert not [guest for guest in back.attendees if not guest.is_self]
        assert len(stage.live_events()) == 1

    async def test_guests_are_mailed_only_when_asked(self, stage):
        if not stage.provider.features.can_suppress_notifications:
            pytest.skip("this provider always mails")
        quiet = await create(stage, draft(local(3, 3, 10), GUEST))
        loud = await create(stage, draft(local(3, 3, 12), GUEST), key="loud", notify=Notify.EVERYBODY)
        assert list(stage.mailed(quiet.id)) == []
        assert list(stage.mailed(loud.id)) == [GUEST.email]


class Changing:
    """Updates and cancellations."""

    async def update(self, stage, event, wanted, **more):
        more = {"if_match": None, "notify": Notify.NOBODY, "key": KEY, **more}
        return await stage.session.update_event(stage.calendar_id, event.id, wanted, **more)

    async def test_an_update_makes_the_event_as_drafted(self, stage, follower):
        created = await create(stage)
        await follower.catch_up()
        wanted = EventDraft("Later", local(3, 5, 15, minutes=30))
        changed = await self.update(stage, created, wanted)
        assert (changed.id, changed.title, changed.when) == (created.id, "Later", wanted.when)
        assert (changed.location or "", changed.key) == ("", KEY)
        assert changed.etag != created.etag
        await assert_in_step(stage, follower)
        assert follower.events[created.id].etag == changed.etag

    async def test_guests_keep_their_answers_and_whom_the_host_added_stays(self, stage):
        linus = Attendee("linus@elsewhere.example")
        created = await create(stage, draft(local(3, 3, 10), GUEST))
        stage.guest_answers(created.id, GUEST.email, "accepted")
        changed = await self.update(stage, created, draft(local(3, 3, 10), GUEST, linus, title="With Linus"))
        answers = {guest.email: guest.response for guest in changed.attendees if not guest.is_self}
        assert answers == {GUEST.email: Response.ACCEPTED, linus.email: Response.NEEDS_ACTION}
        fewer = await self.update(stage, created, draft(local(3, 3, 10), linus))
        assert [guest.email for guest in fewer.attendees if not guest.is_self] == [linus.email]

    async def test_an_update_on_a_version_that_is_no_more_is_a_conflict(self, stage):
        created = await create(stage)
        stage.move(created.id, local(3, 3, 14))
        with pytest.raises(EditConflict):
            await self.update(stage, created, draft(), if_match=created.etag)
        assert (await stage.session.get_event(stage.calendar_id, created.id)).when == local(3, 3, 14)

    async def test_an_update_on_the_right_version_is_made(self, stage):
        created = await create(stage)
        changed = await self.update(stage, created, draft(local(3, 9, 9)), if_match=created.etag)
        assert changed.when == local(3, 9, 9)

    async def test_an_update_whose_answer_is_lost_is_ambiguous_and_may_be_repeated(self, stage):
        created = await create(stage)
        stage.strike(Fault.LOST_ANSWER, write=True)
        with pytest.raises(AmbiguousOutcome):
            await self.update(stage, created, draft(local(3, 9, 9)))
        found = await stage.session.find_by_key(stage.calendar_id, KEY, around=local(3, 3, 10))
        assert found.when == local(3, 9, 9)
        assert (await self.update(stage, created, draft(local(3, 9, 9)))).when == local(3, 9, 9)
        assert len(stage.live_events()) == 1

    async def test_a_deleted_event_is_not_updated(self, stage):
        created = await create(stage)
        stage.delete(created.id)
        with pytest.raises(EventNotFound):
            await self.update(stage, created, draft(local(3, 9, 9)))
        assert not stage.live_events()

    async def test_a_cancelled_event_is_gone_and_may_be_cancelled_again(self, stage, follower):
        created = await create(stage)
        await follower.catch_up()
        for _ in range(2):
            await stage.session.cancel_event(stage.calendar_id, created.id, notify=Notify.NOBODY)
        assert not stage.live_events()
        await assert_in_step(stage, follower)
        assert created.id not in follower.events

    async def test_a_cancellation_whose_answer_is_lost_is_ambiguous_and_may_be_repeated(self, stage):
        created = await create(stage)
        stage.strike(Fault.LOST_ANSWER, write=True)
        with pytest.raises(AmbiguousOutcome):
            await stage.session.cancel_event(stage.calendar_id, created.id, notify=Notify.NOBODY)
        await stage.session.cancel_event(stage.calendar_id, created.id, notify=Notify.NOBODY)
        assert not stage.live_events()

    @pytest.mark.parametrize(
        ("response", "busy"),
        [
            (Response.ACCEPTED, Busy.BUSY),
            (Response.TENTATIVE, Busy.TENTATIVE),
            (Response.DECLINED, Busy.FREE),
        ],
    )
    async def test_an_answer_reaches_the_organizer_and_decides_whether_the_time_is_busy(self, stage, response, busy):
        event_id = stage.invite(local(3, 3, 10))
        assert (await stage.session.get_event(stage.calendar_id, event_id)).busy is Busy.BUSY
        before = stage.answers_as_seen_by_organizer(event_id)
        await stage.session.respond(stage.calendar_id, event_id, response)
        after = stage.answers_as_seen_by_organizer(event_id)
        assert len([guest for guest in after if after[guest] != before[guest]]) == 1
        assert (await stage.session.get_event(stage.calendar_id, event_id)).busy is busy


class Following:
    """Whoever follows the changes ends up with the calendar."""

    async def test_single_events_come_change_and_go(self, stage, follower):
        first, second = stage.add(local(3, 1, 9)), stage.add(local(3, 2, 9))
        await assert_in_step(stage, follower)
        assert follower.times().keys() == {first, second}
        stage.move(first, local(3, 1, 13))
        stage.delete(second)
        third = stage.add(local(3, 3, 9), busy=Busy.FREE)
        assert await follower.catch_up() == {first, second, third}
        await assert_in_step(stage, follower)
        assert follower.times()[first] == (local(3, 1, 13), "busy")
        assert follower.times()[third] == (local(3, 3, 9), "free")

    async def test_nothing_new_is_nothing(self, stage, follower):
        stage.add(local(3, 1, 9))
        await follower.catch_up()
        assert await follower.catch_up() == set()
        assert follower.full_listings == 1

    async def test_a_deleted_date_of_a_series_disappears(self, stage, follower):
        series = stage.add(local(3, 1, 9), weeks=5)
        await assert_in_step(stage, follower)
        victim = (await dates_of(stage, series))[2]
        stage.delete(victim.id)
        await assert_in_step(stage, follower)
        assert victim.id not in follower.events
        assert len(follower.events) == 4

    async def test_a_moved_date_moves_alone(self, stage, follower):
        series = stage.add(local(3, 1, 9), weeks=4)
        await follower.catch_up()
        moved = (await dates_of(stage, series))[1]
        stage.move(moved.id, local(3, 10, 16))
        await assert_in_step(stage, follower)
        assert follower.times()[moved.id] == (local(3, 10, 16), "busy")
        assert [when.start.astimezone(HOME).hour for when, _ in follower.times().values()].count(9) == 3

    async def test_a_moved_series_moves_with_all_its_dates(self, stage, follower):
        series = stage.add(local(3, 1, 9), weeks=4)
        await follower.catch_up()
        stage.move(series, local(3, 2, 11))
        await assert_in_step(stage, follower)
        starts = sorted(when.start.astimezone(HOME).replace(tzinfo=None) for when, _ in follower.times().values())
        assert starts == [datetime(2027, 3, 2, 11) + timedelta(weeks=week) for week in range(4)]  # noqa: DTZ001 - wall time

    async def test_a_deleted_series_disappears_with_its_moved_dates(self, stage, follower):
        series = stage.add(local(3, 1, 9), weeks=4)
        other = stage.add(local(3, 1, 12))
        moved = (await dates_of(stage, series))[1]
        stage.move(moved.id, local(3, 10, 16))
        await assert_in_step(stage, follower)
        stage.delete(series)
        await assert_in_step(stage, follower)
        assert follower.times().keys() == {other}
        assert await dates_of(stage, series) == [], "a series that is gone yields nothing"

    async def test_a_series_that_becomes_one_event_leaves_one(self, stage, follower):
        series = stage.add(local(3, 1, 9), weeks=4)
        stage.move((await dates_of(stage, series))[1].id, local(3, 10, 16))
        await assert_in_step(stage, follower)
        stage.make_single(series)
        await assert_in_step(stage, follower)
        assert [when for when, _ in follower.times().values()] == [local(3, 1, 9)]

    async def test_many_small_pages_make_one_whole(self, stage, follower):
        for day in range(1, 8):
            stage.add(local(3, day, 9))
        series = stage.add(local(3, 1, 14), weeks=6)
        stage.page_size(2)
        await assert_in_step(stage, follower)
        assert follower.pages >= 4
        assert len(follower.events) == 13
        stage.delete((await dates_of(stage, series))[0].id)
        for day in range(1, 8):
            stage.add(local(4, day, 9))
        await assert_in_step(stage, follower)
        assert follower.full_listings == 1

    async def test_an_expired_cursor_heals_and_leaves_no_ghosts(self, stage, follower):
        kept, ghost = stage.add(local(3, 1, 9)), stage.add(local(3, 2, 9))
        await follower.catch_up()
        stage.delete(ghost)
        stage.expire_cursors()
        await assert_in_step(stage, follower)
        assert follower.times().keys() == {kept}
        assert follower.full_listings == 2
        stage.move(kept, local(3, 1, 17))
        await assert_in_step(stage, follower)
        assert follower.full_listings == 2, "the new cursor is good"

    async def test_a_cursor_that_expires_between_pages_heals_too(self, stage, follower):
        await follower.catch_up()
        for day in range(1, 6):
            stage.add(local(3, day, 9))
        stage.page_size(2)
        first = await stage.session.sync_page(stage.calendar_id, cursor=follower.cursor, page=None, since=WINDOW.start)
        stage.expire_cursors()
        with pytest.raises(Exception) as expired:  # noqa: PT011 - compared below
            await stage.session.sync_page(
                stage.calendar_id, cursor=follower.cursor, page=first.next_page, since=WINDOW.start
            )
        assert expired.value.code == "cursor_expired"
        await assert_in_step(stage, follower)

    async def test_what_is_over_before_the_listing_begins_is_not_listed(self, stage, follower):
        stage.add(Timed(datetime(2027, 1, 4, 9, tzinfo=UTC), datetime(2027, 1, 4, 10, tzinfo=UTC)))
        running = stage.add(Timed(WINDOW.start - timedelta(hours=1), WINDOW.start + timedelta(hours=1)))
        await assert_in_step(stage, follower)
        assert follower.events.keys() == {running}

    @pytest.mark.parametrize("seed", range(4))
    async def test_after_any_life_of_a_calendar_the_copy_is_the_calendar(self, stage, follower, seed):
        life = _Life(stage, random.Random(seed))  # noqa: S311 - repeatable on purpose
        stage.page_size(3)
        for _ in range(8):
            for _ in range(life.random.randrange(1, 4)):
                await life.step()
            await assert_in_step(stage, follower)
        assert follower.events or life.deleted


class _Life:
    """A person who adds, moves and deletes at random."""

    def __init__(self, stage: Stage, source: random.Random) -> None:
        self.random = source
        self.deleted = 0
        self._stage = stage
        self._events: list[str] = []
        self._series: list[str] = []

    def _when(self) -> Timed:
        return local(self.random.choice((2, 3, 4)), self.random.randrange(1, 28), self.random.randrange(6, 20))

    async def step(self) -> None:
        kind = self.random.choice(("add", "add", "series", "move", "delete", "move date", "delete date", "expire"))
        if kind == "add":
            self._events.append(self._stage.add(self._when(), busy=self.random.choice((Busy.BUSY, Busy.FREE))))
        elif kind == "series":
            self._series.append(self._stage.add(self._when(), weeks=self.random.randrange(2, 7)))
        elif kind == "expire":
            self._stage.expire_cursors()
        elif kind in ("move", "delete"):
            await self._touch(kind, [*self._events, *self._series])
        elif self._series:
            dates = await dates_of(self._stage, self.random.choice(self._series))
            await self._touch(kind, [event.id for event in dates])

    async def _touch(self, kind: str, ids: list[str]) -> None:
        if not ids:
            return
        chosen = self.random.choice(ids)
        if kind.startswith("move"):
            self._stage.move(chosen, self._when())
            return
        self.deleted += 1
        self._stage.delete(chosen)
        for known in (self._events, self._series):
            if chosen in known:
                known.remove(chosen)


class Timekeeping:
    """Times mean what the person meant."""

    async def test_all_day_events_are_dates_with_an_exclusive_end(self, stage, follower):
        days = AllDay(date(2027, 3, 27), date(2027, 3, 29))
        event_id = stage.add(days)
        await assert_in_step(stage, follower)
        assert follower.times()[event_id] == (days, "busy")

    async def test_a_series_keeps_its_hour_on_the_wall_when_clocks_change(self, stage):
        """Clocks go forward on 28 March."""
        series = stage.add(local(3, 21, 9), weeks=3)
        dates = await dates_of(stage, series)
        assert [event.when.start.astimezone(HOME).hour for event in dates] == [9, 9, 9]
        assert [event.when.start.hour for event in dates] == [8, 7, 7]
        assert {event.when.zone for event in dates} == {HOME.key}
        assert {event.when.end - event.when.start for event in dates} == {timedelta(hours=1)}

    @pytest.mark.parametrize("hour", [1, 2, 3])
    async def test_a_span_over_the_change_of_clocks_keeps_its_length(self, stage, hour):
        start = datetime(2027, 3, 28, hour - 1, 30, tzinfo=UTC)
        when = Timed(start, start + timedelta(minutes=45), HOME.key)
        created = await create(stage, draft(when))
        assert created.when == when
        assert (await stage.session.get_event(stage.calendar_id, created.id)).when == when


class Busyness:
    """Unknown is never free."""

    @pytest.mark.parametrize("busy", list(Busy))
    async def test_every_kind_of_busy_comes_back_as_itself(self, stage, follower, busy):
        event_id = stage.add(local(3, 1, 9), busy=busy)
        await follower.catch_up()
        assert follower.events[event_id].busy is busy

    async def test_busy_times_are_those_of_the_events(self, stage):
        stage.add(local(3, 1, 9))
        stage.add(local(3, 1, 9, 30))
        stage.add(local(3, 1, 15), busy=Busy.FREE)
        stage.add(local(3, 2, 9), weeks=2)
        stage.add_to_shared(local(3, 1, 20))
        names = [stage.calendar_id, stage.shared_calendar_id]
        found = await stage.session.free_busy(names, Timed(local(3, 1, 0).start, local(3, 31, 0).start))
        spans = {name: [(span.start, span.end) for span in found[name].spans] for name in names}
        assert spans == {
            names[0]: [(span.start, span.end) for span in (local(3, 1, 9, minutes=90), local(3, 2, 9), local(3, 9, 9))],
            names[1]: [(local(3, 1, 20).start, local(3, 1, 20).end)],
        }

    async def test_a_window_longer_than_the_provider_allows_is_answered_whole(self, stage):
        first, last = local(2, 2, 9), local(4, 28, 9)
        stage.add(first)
        stage.add(last)
        found = await stage.session.free_busy(
            [stage.calendar_id], Timed(WINDOW.start, WINDOW.end + timedelta(days=100))
        )
        assert [span.start for span in found[stage.calendar_id].spans] == [first.start, last.start]

    async def test_a_calendar_that_cannot_be_reached_is_unknown_and_not_free(self, stage):
        stage.add(local(3, 1, 9))
        stage.unshare()
        found = await stage.session.free_busy([stage.calendar_id, stage.shared_calendar_id, "no such calendar"], WINDOW)
        assert [found[name].known for name in found] == [True, False, False]
        assert found[stage.calendar_id].spans

    async def test_a_provider_that_will_not_say_makes_the_calendar_unknown(self, stage):
        stage.strike_busy()
        found = await stage.session.free_busy([stage.calendar_id], WINDOW)
        assert not found[stage.calendar_id].known
        assert not found[stage.calendar_id].spans

    @pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.LOST_ANSWER, Fault.THROTTLED, Fault.LOGIN_PAGE])
    async def test_a_request_that_fails_raises_and_says_nothing_is_free(self, stage, fault):
        stage.strike(fault, write=False)
        with pytest.raises((Transient, RateLimited, ProtocolError)):
            await stage.session.free_busy([stage.calendar_id], WINDOW)


class Trouble:
    """Every refusal has one meaning."""

    async def test_throttling_says_how_long_to_wait(self, stage, follower):
        stage.strike(Fault.THROTTLED, write=False)
        with pytest.raises(RateLimited) as throttled:
            await follower.catch_up()
        assert throttled.value.retry_after == 7
        await follower.catch_up()

    async def test_a_throttled_write_did_not_happen(self, stage):
        stage.strike(Fault.THROTTLED, write=True)
        with pytest.raises(RateLimited):
            await create(stage)
        assert not stage.live_events()

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            (Fault.UNAVAILABLE, Transient),
            (Fault.LOST_ANSWER, Transient),
            (Fault.TRUNCATED, Transient),
            (Fault.LOGIN_PAGE, ProtocolError),
        ],
    )
    async def test_a_read_that_fails_changes_nothing_and_passes(self, stage, follower, fault, error):
        stage.add(local(3, 1, 9))
        await follower.catch_up()
        stage.add(local(3, 2, 9))
        stage.strike(fault, write=False)
        with pytest.raises(error):
            await follower.catch_up()
        await assert_in_step(stage, follower)

    async def test_an_access_token_that_ends_midway_is_renewed_unseen(self, stage, follower):
        await follower.catch_up()
        stage.expire_access_token()
        created = await create(stage)
        assert await follower.catch_up() == {created.id}

    async def test_a_revoked_grant_needs_the_person(self, stage, follower):
        await follower.catch_up()
        stage.revoke()
        with pytest.raises(ReauthRequired):
            await follower.catch_up()
        with pytest.raises(ReauthRequired):
            await create(stage)

    async def test_a_calendar_that_was_taken_away_is_gone_and_not_empty(self, stage):
        stage.add_to_shared(local(3, 1, 9))
        lost = Follower(stage.session, stage.shared_calendar_id, WINDOW)
        await lost.catch_up()
        assert lost.events
        stage.unshare()
        with pytest.raises((CalendarGone, PermissionDenied)):
            await lost.catch_up()
        with pytest.raises((CalendarGone, PermissionDenied)):
            await times_of(stage.session, stage.shared_calendar_id, WINDOW)

    async def test_a_calendar_one_may_only_read_is_not_written(self, stage):
        with pytest.raises((CalendarGone, PermissionDenied)):
            await stage.session.create_event(stage.shared_calendar_id, draft(), key=KEY, notify=Notify.NOBODY)

    async def test_an_event_the_provider_does_not_know(self, stage):
        assert await stage.session.get_event(stage.calendar_id, "nosuchevent") is None
        assert await dates_of(stage, "nosuchevent") == []


class Listing:
    """What the person can reach."""

    async def test_calendars_the_primary_first(self, stage):
        calendars = await stage.session.list_calendars()
        assert calendars[0].id == stage.calendar_id
        assert [calendar.primary for calendar in calendars] == [True] + [False] * (len(calendars) - 1)
        assert calendars[0].time_zone == HOME.key
        roles = {calendar.id: calendar.role.value for calendar in calendars}
        assert (roles[stage.calendar_id], roles[stage.shared_calendar_id]) == ("owner", "reader")


class ProviderContract(Creating, Changing, Following, Timekeeping, Busyness, Trouble, Listing):
    """All promises."""
