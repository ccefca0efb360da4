"""Promises about writes: once, whole, and never a guess about what happened."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from app.calendar import AllDay, Attendee, Busy, EventDraft, Notify, Response, Timed
from app.providers.base import (
    AmbiguousOutcome,
    EditConflict,
    EventNotFound,
)
from tests.providers.contract_setting import GUEST, KEY, assert_in_step, create, draft, local
from tests.providers.stage import Fault

DAY = AllDay(date(2027, 3, 3), date(2027, 3, 4))


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

    async def test_a_text_reads_back_as_it_was_written_however_often_it_is_written(self, stage):
        text = "R&D <plan>, \"a\" 'b' &amp; <b>more</b>\nSee you"
        created = await create(stage, replace(draft(), description=text))
        for _ in range(2):
            read = (await stage.session.get_event(stage.calendar_id, created.id)).description
            assert read == text
            again = replace(draft(), description=read)
            await stage.session.update_event(
                stage.calendar_id, created.id, again, key=KEY, if_match=None, notify=Notify.NOBODY
            )

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

    async def test_an_event_made_a_whole_day_is_found_by_its_key(self, stage):
        created = await create(stage)
        stage.make_all_day(created.id, DAY)
        found = await stage.session.find_by_key(stage.calendar_id, KEY, around=local(3, 3, 10))
        assert (found.id, found.when, found.key) == (created.id, DAY, KEY)
        assert (await create(stage)).id == created.id
        assert len(stage.live_events()) == 1

    async def test_an_event_made_a_whole_day_and_deleted_comes_back_at_its_time(self, stage):
        created = await create(stage)
        stage.make_all_day(created.id, DAY)
        stage.delete(created.id)
        back = await create(stage, draft(local(3, 4, 11)))
        assert (back.when, back.cancelled, back.key) == (local(3, 4, 11), False, KEY)
        assert (await stage.session.get_event(stage.calendar_id, back.id)).when == local(3, 4, 11)
        assert list(stage.live_events()) == [back.id]

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

    @pytest.mark.parametrize(
        "when",
        [
            pytest.param(local(3, 3, 10), id="put back"),
            pytest.param(local(3, 9, 16, minutes=30), id="moved"),
            pytest.param(local(3, 3, 0, minutes=24 * 60), id="from midnight to midnight"),
            pytest.param(
                Timed(datetime(2027, 3, 3, tzinfo=UTC), datetime(2027, 3, 4, tzinfo=UTC), "UTC"), id="a day of UTC"
            ),
        ],
    )
    async def test_an_update_makes_a_whole_day_timed_again(self, stage, follower, when):
        created = await create(stage, draft(local(3, 3, 10), GUEST))
        stage.make_all_day(created.id, DAY)
        await follower.catch_up()
        assert follower.events[created.id].when == DAY
        changed = await self.update(stage, created, draft(when, GUEST))
        assert (changed.id, changed.when, changed.key) == (created.id, when, KEY)
        assert (await stage.session.get_event(stage.calendar_id, created.id)).when == when
        await assert_in_step(stage, follower)
        assert follower.events[created.id].when == when
        assert list(stage.live_events()) == [created.id]

    async def test_a_whole_day_stays_one_where_the_draft_keeps_its_time(self, stage):
        created = await create(stage)
        stage.make_all_day(created.id, DAY)
        changed = await self.update(stage, created, replace(draft(title="Later"), keeps=frozenset({"when"})))
        assert (changed.title, changed.when) == ("Later", DAY)

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
        unanswered = (await stage.session.get_event(stage.calendar_id, event_id)).busy
        assert unanswered in (Busy.BUSY, Busy.TENTATIVE), "as the provider shows it, but never free"
        before = stage.answers_as_seen_by_organizer(event_id)
        await stage.session.respond(stage.calendar_id, event_id, response)
        after = stage.answers_as_seen_by_organizer(event_id)
        assert len([guest for guest in after if after[guest] != before[guest]]) == 1
        answered = await stage.session.get_event(stage.calendar_id, event_id)
        if answered is None:
            assert response is Response.DECLINED, "Exchange puts what one declines into the bin"
        else:
            assert answered.busy is busy
