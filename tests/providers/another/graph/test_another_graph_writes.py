"""What our side of Graph survives in writing, and what it says while it writes, to a server that is somebody else's.

The one rule: whatever is said here, the server finds nothing to complain of, unless a test says what.
"""

from datetime import UTC, datetime, timedelta

import pytest

from app.calendar import Attendee, EventDraft, Notify, Response, Timed
from app.providers.base import EditConflict
from app.providers.push import Callback, Handshake
from tests.providers.another.graph.mailbox import person
from tests.providers.another.graph.stage import at
from tests.providers.another.graph.wire import Said

KEY = "bkg_01jx:o'clock/é+1"


# writing -----------------------------------------------------------------------------------------


def draft(**changes):
    guests = (Attendee("vera@x.example", "Vera"), Attendee("no.name@x.example"))
    what = {"title": "Intro & more", "description": "Line <one>\nLine two", "location": "Harry's", "attendees": guests}
    return EventDraft(**{"when": Timed(at(2, 9), at(2, 10), "Asia/Tashkent"), **what, **changes})


async def create(session, graph, **changes):
    return await session.create_event(graph.mailbox.home, draft(**changes), key=KEY, notify=Notify.EVERYBODY)


async def update(session, graph, event, if_match=None, **changes):
    where = (graph.mailbox.home, event.id, draft(**changes))
    return await session.update_event(*where, key=KEY, if_match=if_match, notify=Notify.EVERYBODY)


async def test_an_event_is_made_once_and_found_again(graph, session):
    made = await create(session, graph)
    again = await create(session, graph)
    assert len(graph.mailbox.items) == 1
    assert (made.id, made.key, made.when.start) == (again.id, KEY, at(2, 9))
    found = await session.find_by_key(graph.mailbox.home, KEY, around=Timed(at(2, 9), at(2, 10)))
    assert (found.id, found.key) == (made.id, KEY)
    whole = await session.get_event(graph.mailbox.home, made.id)
    assert {guest.email.lower() for guest in whole.attendees} == {"vera@x.example", "no.name@x.example"}


async def test_a_deleted_event_is_brought_back(graph, session):
    made = await create(session, graph)
    graph.mailbox.remove(graph.mailbox.find(made.id))
    graph.strikes.append(graph.refused(409, "ErrorDuplicateTransactionId"))
    again = await create(session, graph)
    assert again.id != made.id


async def test_an_update_says_only_what_differs_and_mails_nobody_twice(graph, session):
    made = await create(session, graph)
    graph.events.mailed.clear()
    moved = await update(session, graph, made, if_match=made.etag, when=Timed(at(2, 11), at(2, 12), "Asia/Tashkent"))
    assert moved.when.start == at(2, 11)
    sent = graph.seen[-1].json
    assert set(sent) == {"start", "end", "singleValueExtendedProperties"}
    assert {what for what, _ in graph.events.mailed} == {"updated"}
    with pytest.raises(EditConflict):
        await update(session, graph, made, if_match=made.etag)


async def test_a_dropped_guest_goes_and_one_the_host_added_stays(graph, session):
    made = await create(session, graph)
    item = graph.mailbox.find(made.id)
    added = person("Host.Added@x.example") | {"status": {"response": "accepted"}, "type": "optional"}
    graph.mailbox.change(item, attendees=[*item.members["attendees"], added])
    await update(session, graph, made, attendees=(Attendee("vera@x.example"),))
    left = [one["emailAddress"].get("address") for one in item.members["attendees"]]
    assert left == ["Vera@x.example", "Host.Added@x.example"]


async def test_a_guest_without_an_address_does_not_stand_in_the_way(graph, session, expected):
    """A list of somebody's contacts is told by its name alone, and cannot be written back."""
    expected.append("ErrorInvalidRecipients")
    made = await create(session, graph)
    item = graph.mailbox.find(made.id)
    graph.mailbox.change(item, attendees=[*item.members["attendees"], person(None, "A list")])
    await update(session, graph, made, attendees=(Attendee("vera@x.example"),))
    assert [one["emailAddress"].get("address") for one in item.members["attendees"]] == ["Vera@x.example"]


async def test_an_online_meeting_stays_one(graph, session):
    made = await create(session, graph, video=True)
    assert made.video_url == "https://teams.example/l/1"
    later = await update(session, graph, made, video=True, description="Another text", title="Another")
    assert later.video_url == "https://teams.example/l/1"


async def test_a_conflict_in_graphs_basic_words(graph, session):
    made = await create(session, graph)
    standing = {"id": made.id, "@odata.etag": made.etag, "subject": "x"}
    graph.strikes += [Said(200, standing), graph.refused(409, "resourceModified")]
    with pytest.raises(EditConflict):
        await update(session, graph, made, if_match=made.etag)


@pytest.mark.parametrize("own", [True, False])
async def test_cancelling_is_done_once_and_leaves_a_meeting_of_somebody_else(graph, session, own):
    item = graph.mailbox.add(at(2, 9), isOrganizer=own, attendees=[person("a@x.example")])
    for _ in range(2):
        await session.cancel_event(graph.mailbox.home, item.id, notify=Notify.EVERYBODY)
    assert graph.mailbox.items == {}


@pytest.mark.parametrize("asked_for", [True, False])
async def test_an_invitation_is_answered_also_where_no_answer_was_asked_for(graph, session, expected, asked_for):
    expected.append("hasn't requested a response")
    item = graph.mailbox.add(at(2, 9), isOrganizer=False, responseRequested=asked_for)
    await session.respond(graph.mailbox.home, item.id, Response.TENTATIVE)
    assert item.members["responseStatus"]["response"] == "tentativelyAccepted"


# pushes ------------------------------------------------------------------------------------------


async def test_a_subscription_is_made_shaken_hands_renewed_and_ended(graph, provider, tokens):
    async def doorbell(url, query):
        answer = provider.signals({}, query, b"")
        assert isinstance(answer, Handshake)
        return answer.text

    graph.doorbell = doorbell
    watches = provider.watches(tokens, mailbox="zoe")
    callback = Callback("https://c.example/p?x=1", "https://c.example/p/lifecycle", "s" * 128)
    until = datetime.now(UTC) + provider.push_lifetime
    watch = await watches.start(graph.mailbox.home, "channel", callback, until=until)
    assert abs(watch.expires_at - until) < timedelta(minutes=1)
    graph.longest_subscription = timedelta(days=7)
    later = await watches.extend(watch, callback.url, until=until + timedelta(days=1))
    assert later.expires_at > watch.expires_at
    await watches.stop(watch)
    await watches.stop(watch)
    assert await watches.extend(watch, callback.url, until=until) is None
