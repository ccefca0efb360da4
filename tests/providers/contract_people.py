"""Promises about who takes part, in every way an event is told; and about copies people make of events of ours."""

from app.calendar import Attendee, Response
from tests.providers.contract_setting import GUEST, KEY, WINDOW, assert_in_step, create, dates_of, draft, local

LINUS = "linus@elsewhere.example"


def answers(event):
    """What guests answered, by address, whoever the calendar's own person is."""
    asked = (GUEST.email, LINUS)
    return {guest.email: guest.response for guest in event.attendees if guest.email in asked}


class People:
    """Listings tell who takes part and what they answered, and what is private, as a look at the event does."""

    async def told(self, stage, follower, event_id):
        """The event in the changes, in the window, and by itself."""
        await assert_in_step(stage, follower)
        listed = {event.id: event async for event in stage.session.list_instances(stage.calendar_id, WINDOW)}
        return follower.events[event_id], listed[event_id], await stage.session.get_event(stage.calendar_id, event_id)

    async def test_guests_and_their_answers_are_told_everywhere(self, stage, follower):
        created = await create(stage, draft(local(3, 3, 10), GUEST, Attendee(LINUS)))
        for event in await self.told(stage, follower, created.id):
            assert answers(event) == {GUEST.email: Response.NEEDS_ACTION, LINUS: Response.NEEDS_ACTION}
        stage.guest_answers(created.id, GUEST.email, "accepted")
        stage.guest_answers(created.id, LINUS, "declined")
        for event in await self.told(stage, follower, created.id):
            assert answers(event) == {GUEST.email: Response.ACCEPTED, LINUS: Response.DECLINED}

    async def test_the_organizer_of_an_invitation_is_told_everywhere(self, stage, follower):
        event_id = stage.invite(local(3, 3, 10))
        told = await self.told(stage, follower, event_id)
        assert {event.organizer for event in told} == {"boss@example.com"}
        addresses = [{guest.email for guest in event.attendees} for event in told]
        assert all(found >= {"ada@example.com", "alan@elsewhere.example"} for found in addresses)

    async def test_the_dates_of_a_series_have_its_guests_and_a_date_of_its_own_answers(self, stage, follower):
        series = stage.add(local(3, 2, 9), weeks=4, guests=[GUEST.email])
        stage.guest_answers(series, GUEST.email, "accepted")
        await assert_in_step(stage, follower)
        dates = sorted(follower.events.values(), key=lambda event: event.when.start)
        assert [answers(event) for event in dates] == [{GUEST.email: Response.ACCEPTED}] * 4
        stage.guest_answers(dates[2].id, GUEST.email, "declined")
        await assert_in_step(stage, follower)
        everything = {event.id: event async for event in stage.session.list_instances(stage.calendar_id, WINDOW)}
        for told in (follower.events, {event.id: event for event in await dates_of(stage, series)}, everything):
            responses = [answers(told[event.id])[GUEST.email] for event in dates]
            assert responses == [Response.ACCEPTED, Response.ACCEPTED, Response.DECLINED, Response.ACCEPTED]
            assert {event.organizer for event in told.values()} == {"ada@example.com"}

    async def test_what_is_private_is_told_as_private_everywhere(self, stage, follower):
        secret, plain = stage.add(local(3, 1, 9), private=True), stage.add(local(3, 1, 12))
        series = stage.add(local(3, 2, 9), weeks=3, private=True)
        assert [event.private for event in await self.told(stage, follower, secret)] == [True] * 3
        assert [event.private for event in await self.told(stage, follower, plain)] == [False] * 3
        assert [event.private for event in await dates_of(stage, series)] == [True] * 3
        assert [event.private for event in follower.events.values() if event.series_id] == [True] * 3


class Copies:
    """A copy that a person made of an event of ours is the person's own, whatever mark it carries."""

    async def test_a_copy_is_never_taken_for_the_event_it_was_made_of(self, stage, follower):
        created = await create(stage)
        copied = stage.copy(created.id)
        assert copied != created.id
        await assert_in_step(stage, follower)
        assert follower.events.keys() == {created.id, copied}
        assert (await stage.session.get_event(stage.calendar_id, copied)).key in (KEY, None)
        stage.move(created.id, local(4, 20, 8))
        found = await stage.session.find_by_key(stage.calendar_id, KEY, around=local(3, 3, 10))
        assert found.id == created.id

    async def test_a_repeated_create_answers_the_event_and_not_its_copy(self, stage):
        created = await create(stage)
        stage.copy(created.id)
        assert (await create(stage)).id == created.id
        assert len(stage.live_events()) == 2
