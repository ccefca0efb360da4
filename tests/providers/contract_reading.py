"""Promises about times, busyness and refusals: one meaning each, and unknown is never free."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.calendar import AllDay, Busy, Notify, Timed
from app.providers.base import (
    CalendarGone,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    ReauthRequired,
    Transient,
)
from tests.providers.contract_setting import KEY, WINDOW, assert_in_step, create, dates_of, draft, local
from tests.providers.follower import Follower, times_of
from tests.providers.stage import HOME, Fault


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
        assert [found[name].refused for name in found] == [False, True, True]
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
