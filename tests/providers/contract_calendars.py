"""Promises about calendars we make for the person, and about events of ours that block no time."""

from dataclasses import replace

import pytest

from app.calendar import AccessRole, Busy, CalendarRef, Notify
from app.providers.base import AmbiguousOutcome
from tests.providers.contract_setting import GUEST, KEY, WINDOW, assert_in_step, create, draft, local
from tests.providers.follower import Follower
from tests.providers.stage import HOME, Fault, Stage

TASKS = "Tasks of Ada"


async def make(stage: Stage, name: str = TASKS, *, key: str = KEY) -> CalendarRef:
    return await stage.session.create_calendar(name, time_zone=HOME.key, key=key)


class OwnCalendars:
    """A key makes one calendar, whatever happens on the way."""

    async def test_a_calendar_that_was_made_is_the_persons_own_and_on_the_list(self, stage):
        stage.add(local(3, 1, 9))
        before = stage.own_calendars()
        made = await make(stage)
        assert (made.name, made.role, made.primary) == (TASKS, AccessRole.OWNER, False)
        assert stage.own_calendars() == {**before, made.id: TASKS}
        listed = {calendar.id: calendar for calendar in await stage.session.list_calendars()}
        assert listed[made.id] == made
        assert made.time_zone == HOME.key

    async def test_the_same_key_never_makes_a_second_calendar(self, stage):
        made = await make(stage)
        assert await make(stage) == made
        assert await make(stage, "Another wish") == made
        assert list(stage.own_calendars().values()).count(TASKS) == 1

    async def test_other_keys_make_other_calendars_also_of_one_name(self, stage):
        first, second = await make(stage), await make(stage, key="tasks 2")
        assert first.id != second.id
        assert (await make(stage)).id == first.id
        assert (await make(stage, key="tasks 2")).id == second.id

    @pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.LOST_REQUEST, Fault.UNAVAILABLE, Fault.LOGIN_PAGE])
    async def test_a_calendar_whose_answer_is_lost_is_made_once(self, stage, fault):
        before = stage.own_calendars().keys()
        stage.strike(fault, write=True)
        with pytest.raises(AmbiguousOutcome):
            await make(stage)
        made = await make(stage)
        assert stage.own_calendars().keys() == before | {made.id}

    async def test_a_calendar_that_the_person_renamed_is_found(self, stage):
        made = await make(stage)
        stage.rename_calendar(made.id, "To do")
        assert await make(stage) == replace(made, name="To do")

    async def test_a_calendar_that_the_person_deleted_is_made_anew(self, stage):
        before, made = stage.own_calendars(), await make(stage)
        stage.delete_calendar(made.id)
        again = await make(stage)
        assert again.id != made.id
        assert stage.own_calendars() == {**before, again.id: TASKS}

    async def test_what_is_written_to_it_is_there_and_nowhere_else(self, stage):
        made = await make(stage)
        follower = Follower(stage.session, made.id, WINDOW)
        await follower.catch_up()
        wanted = draft(local(3, 3, 10))
        written = await stage.session.create_event(made.id, wanted, key="task 1", notify=Notify.NOBODY)
        assert await follower.catch_up() == {written.id}
        assert not stage.live_events()
        found = await stage.session.free_busy([stage.calendar_id, made.id], WINDOW)
        assert [span.start for span in found[made.id].spans] == [wanted.when.start]
        assert not found[stage.calendar_id].spans


class Blocking:
    """An event of ours blocks its time or does not, as drafted; what a person chose stays."""

    async def update(self, stage, event, wanted):
        update = stage.session.update_event
        return await update(stage.calendar_id, event.id, wanted, key=KEY, if_match=None, notify=Notify.NOBODY)

    async def test_an_event_that_is_not_busy_blocks_no_time(self, stage, follower):
        created = await create(stage, replace(draft(local(3, 3, 10), GUEST), busy=False), notify=Notify.EVERYBODY)
        assert created.busy is Busy.FREE
        assert (await stage.session.get_event(stage.calendar_id, created.id)).busy is Busy.FREE
        await assert_in_step(stage, follower)
        assert follower.events[created.id].busy is Busy.FREE
        found = (await stage.session.free_busy([stage.calendar_id], WINDOW))[stage.calendar_id]
        assert (found.known, found.spans) == (True, ())

    async def test_an_update_makes_it_block_and_free_again(self, stage):
        created = await create(stage)
        assert created.busy is Busy.BUSY
        for busy, shown in ((False, Busy.FREE), (True, Busy.BUSY), (False, Busy.FREE), (False, Busy.FREE)):
            changed = await self.update(stage, created, replace(draft(), busy=busy))
            assert changed.busy is shown
            assert (await stage.session.get_event(stage.calendar_id, created.id)).busy is shown

    async def test_what_the_person_made_free_stays_free_when_we_change_something_else(self, stage):
        created = await create(stage)
        stage.free(created.id)
        changed = await self.update(stage, created, draft(title="Another title"))
        assert (changed.title, changed.busy) == ("Another title", Busy.FREE)

    async def test_an_event_that_comes_back_blocks_as_drafted_now(self, stage):
        created = await create(stage, replace(draft(), busy=False))
        stage.delete(created.id)
        assert (await create(stage)).busy is Busy.BUSY
