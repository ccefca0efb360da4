"""Promises about changes: whoever follows them ends up with the calendar."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from app.calendar import Busy, Timed
from tests.providers.contract_setting import WINDOW, assert_in_step, dates_of, local
from tests.providers.stage import HOME, Stage


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
